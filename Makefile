# Berth. `make help` lists the targets; `make run` and `make test` need nothing installed beforehand.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := 0.1.0
prefix ?= /usr/local
PREFIX ?= $(prefix)
SAN ?=
comma := ,
# Short lines unless V=1.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)	$(2)')

BUILD := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

CC ?= cc
PKG_CONFIG ?= pkg-config
PACKAGES := libh2o-evloop openssl libargon2 jansson lmdb yaml-0.1 libcrypt

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wredundant-decls -Wold-style-definition $(if $(WERROR),-Werror)
HARDENING := -fstack-protector-strong -fstack-clash-protection -fPIE $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)

# llhttp: a library on Debian 13; on Debian 12 its C sources come with node-llhttp and are compiled here, in strict mode.
LLHTTP_SRC := $(if $(shell $(PKG_CONFIG) --exists libllhttp 2>/dev/null && echo yes),,$(wildcard /usr/share/llhttp/*.c))
LLHTTP_CPPFLAGS := $(if $(LLHTTP_SRC),-isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1)
LLHTTP_LIBS := $(if $(LLHTTP_SRC),,-lllhttp)

CPPFLAGS_ALL := -I. -D_GNU_SOURCE -DH2O_USE_EPOLL=1 -DBERTH_VERSION='"$(VERSION)"' $(LLHTTP_CPPFLAGS) \
	$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null) $(CPPFLAGS)
CFLAGS_ALL := -std=gnu17 $(WARNINGS) $(HARDENING) $(SANFLAGS) -pthread $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread $(SANFLAGS) $(LDFLAGS)
LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) $(LLHTTP_LIBS)

# Rooms. A program is a file with main(): registry/main.c and tools/berth_*.c.
BASE := $(wildcard registry/base/*.c)
STORAGE := $(wildcard storage/*.c storage/*/*.c)
AUTH := $(wildcard auth/*.c)
REGISTRY := $(filter-out registry/main.c,$(wildcard registry/*.c registry/config/*.c registry/net/*.c registry/api/*.c registry/ops/*.c registry/client/*.c registry/observe/*.c registry/process/*.c registry/background/*.c registry/commands/*.c registry/health/*.c registry/events/*.c))
TOOL_MAINS := $(wildcard tools/berth_*.c)
TOOLS := $(filter-out $(TOOL_MAINS),$(wildcard tools/*.c tools/*/*.c))
TOOL_PROGRAMS := $(patsubst tools/berth_%.c,$(BUILD)/berth-%,$(TOOL_MAINS))
PROGRAMS := $(BUILD)/berth $(TOOL_PROGRAMS)

object = $(patsubst %.c,$(BUILD)/o/%.o,$(1))
LLHTTP_OBJ := $(patsubst /usr/share/llhttp/%.c,$(BUILD)/o/llhttp/%.o,$(LLHTTP_SRC))
LIB := $(BUILD)/libberth.a
LIB_OBJ := $(call object,$(BASE) $(STORAGE) $(AUTH) $(REGISTRY) $(TOOLS)) $(LLHTTP_OBJ)

UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
BENCH_SCALE := $(call object,$(wildcard tests/bench/scale*.c))
BENCH_LOAD := $(filter-out $(BENCH_SCALE),$(call object,$(wildcard tests/bench/*.c)))
BENCH := $(BUILD)/bench/load $(BUILD)/bench/scale
CRASH := $(BUILD)/crash/shim.so $(BUILD)/crash/check
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

all: $(PROGRAMS)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST)

$(BUILD)/berth: $(call object,registry/main.c) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(TOOL_PROGRAMS): $(BUILD)/berth-%: $(BUILD)/o/tools/berth_%.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/o/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -O2 -g $(HARDENING) -DLLHTTP_STRICT_MODE=1 $(SANFLAGS) -I/usr/share/include/llhttp -c -o $@ $<

$(BUILD)/o/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# What it has embedded.
$(BUILD)/o/tools/trust/trust_script.o: $(wildcard tools/trust/*.sh)

# Rebuild when the flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' > $@

$(BUILD)/unit/%: $(BUILD)/o/tests/unit/%.o $(BUILD)/o/tests/unit/test.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# What the benchmark's tests try.
$(BUILD)/unit/bench/test_histogram: $(BUILD)/o/tests/bench/histogram.o

$(BUILD)/bench/load: $(BENCH_LOAD) $(LIB)
$(BUILD)/bench/scale: $(BENCH_SCALE) $(LIB)
$(BENCH):
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Loaded into programs (LD_PRELOAD), so without sanitizers, and without the checks that rename what it stands in for.
$(BUILD)/crash/shim.so: $(wildcard tests/crash/shim*.c) tests/crash/shim.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -I. -D_GNU_SOURCE -std=gnu17 $(WARNINGS) -O2 -g -fPIC -shared -pthread -o $@ $(filter %.c,$^)

$(BUILD)/crash/check: $(BUILD)/o/tests/crash/check.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Wants CC=clang SAN=…,fuzzer-no-link, as tests/fuzz/run.sh sets them.
$(BUILD)/fuzz/%: $(BUILD)/o/tests/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# A program prints its own manual page and completions, so that they cannot differ from it.
MAN := $(patsubst $(BUILD)/%,$(BUILD)/man/%.1,$(PROGRAMS))
COMPLETIONS := $(patsubst $(BUILD)/%,$(BUILD)/completion/%,$(PROGRAMS))

$(MAN): $(BUILD)/man/%.1: $(BUILD)/%
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$< --man > $@

$(BUILD)/man/berth-config.5: $(BUILD)/berth
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$< config man > $@

$(COMPLETIONS): $(BUILD)/completion/%: $(BUILD)/%
	@mkdir -p $(@D)
	$(call say,BASH,$@)
	$(Q)$< --completion > $@

unit-programs: $(UNIT)
bench-programs: $(BENCH)
crash-programs: $(CRASH)
fuzz-programs: $(FUZZ)

deps: ## install what building needs, from Debian's packages
	@conf/deps.sh build

run: ## install what is missing, build, and start a TLS registry on :5000 with data in ./berth-data
	@conf/deps.sh build
	@$(MAKE) --no-print-directory -j"$$(nproc)" all
	@conf/quickstart.sh

unit: ## unit tests only
	@$(MAKE) --no-print-directory -j"$$(nproc)" unit-programs
	@tests/run-unit.sh $(BUILD)

test: ## set up what the tests need, build, and run unit, wire and end-to-end tests
	@conf/deps.sh build
	@conf/deps.sh test
	@conf/deps.sh image
	@$(MAKE) --no-print-directory -j"$$(nproc)" all unit-programs bench-programs
	@BUILD=$(BUILD) tests/run.sh

soak: ## everything at once for SOAK_MINUTES (default 30), with kills; samples in SOAK_OUT (default build/soak)
	@conf/deps.sh build
	@conf/deps.sh test
	@$(MAKE) --no-print-directory -j"$$(nproc)" all
	@mkdir -p $(BUILD)/soak
	@BUILD=$(realpath $(CURDIR))/$(BUILD) SOAK_OUT="$${SOAK_OUT:-$(realpath $(CURDIR))/$(BUILD)/soak}" tests/e2e/sandbox.sh tests/soak/soak.sh

crash: ## kill, starve and unplug the server at every call (minutes); CRASH_POINTS=N tries N of each kind
	@conf/deps.sh build
	@conf/deps.sh test
	@$(MAKE) --no-print-directory -j"$$(nproc)" all crash-programs
	@BUILD=$(BUILD) tests/crash/run.sh

conformance: ## the public OCI conformance programs against a TLS server with users
	@conf/deps.sh build
	@$(MAKE) --no-print-directory -j"$$(nproc)" all
	@BUILD=$(BUILD) tests/conformance/run.sh

bench: ## measure Berth beside docker-registry, nginx and, where Go is, distribution 3 and zot: a table, and a chart from it
	@conf/deps.sh build
	@conf/deps.sh bench
	@$(MAKE) --no-print-directory -j"$$(nproc)" all bench-programs
	@BUILD=$(BUILD) tests/bench/run.sh
	@tests/bench/chart.py $(BUILD)/bench-results.json >$(BUILD)/bench.svg

bench-quick: ## the same, small and short: within five minutes
	@BENCH_QUICK=1 $(MAKE) --no-print-directory bench

bench-chart: ## the picture and the table in README.md, from the last run's results
	@tests/bench/publish.py $(BUILD)/bench-results.json tests/bench/bench.svg README.md

bench-scale: ## what grows with a registry of a million tags and blobs, and what does not (minutes; 5 GiB of disk)
	@conf/deps.sh build
	@conf/deps.sh bench
	@$(MAKE) --no-print-directory -j"$$(nproc)" all bench-programs
	@BUILD=$(BUILD) tests/bench/scale.sh

C_FILES := $(shell git ls-files '*.c' '*.h' 2>/dev/null)

format: ## format all C files in place
	clang-format -i $(C_FILES)

lint: layers ## formatting, clang-tidy, cppcheck, shellcheck
	clang-format --dry-run --Werror $(C_FILES)
	tests/lint.sh '$(CPPFLAGS_ALL)'

layers: ## who may include whom; and is every test there that tests/hostile.md names?
	@tests/layers.sh
	@tests/hostile.sh

fuzz: ## build and run each fuzzer for FUZZ_SECONDS (default 600)
	@conf/deps.sh build
	@conf/deps.sh lint
	@tests/fuzz/run.sh

man: $(MAN) $(BUILD)/man/berth-config.5 $(COMPLETIONS) ## manual pages and completions for bash, into BUILD/man and BUILD/completion

# For a program that calls htpasswd: ln -s berth-user htpasswd, in a directory of its own.
SHARE = $(DESTDIR)$(PREFIX)/share
UNITS ?= $(PREFIX)/lib/systemd/system
SYSTEMD = $(DESTDIR)$(UNITS)

install: all man ## install below DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/berth $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/bash-completion/completions
	install -m 0755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(MAN) $(SHARE)/man/man1
	install -m 0644 $(BUILD)/man/berth-config.5 $(SHARE)/man/man5
	install -m 0644 $(COMPLETIONS) $(SHARE)/bash-completion/completions
	install -m 0644 conf/config.yml $(SHARE)/berth/config.example.yml
	install -m 0644 conf/grafana-dashboard.json conf/prometheus-alerts.yml $(SHARE)/berth
	install -d $(SYSTEMD)
	sed 's|/usr/local/bin|$(PREFIX)/bin|' conf/berth.service >$(SYSTEMD)/berth.service
	sed 's|/usr/local/bin|$(PREFIX)/bin|' conf/berth-backup.service >$(SYSTEMD)/berth-backup.service
	install -m 0644 conf/berth.socket conf/berth-backup.timer $(SYSTEMD)
	install -D -m 0644 conf/berth.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/berth.conf
	install -D -m 0644 conf/berth.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/berth.conf

# The same commit gives the same image.
image: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
IMAGE := $(BUILD)/berth-$(VERSION)-oci.tar

image: ## a minimal container image: build/berth-VERSION-oci.tar, and in Docker as berth:VERSION, berth:latest
	@conf/deps.sh build
	@conf/deps.sh image
	@$(MAKE) --no-print-directory -j"$$(nproc)" all
	@conf/image/root.sh $(BUILD) $(BUILD)/image/base $(BUILD)/image/berth
	@REVISION="$$(git rev-parse HEAD 2>/dev/null)" conf/image/archive.sh $(BUILD)/image/base $(BUILD)/image/berth $(VERSION) $(IMAGE)
	@! docker version >/dev/null 2>&1 || docker load --input $(IMAGE)

deb: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

deb: ## a Debian package for the release that this machine runs: build/berth_VERSION_ARCH.deb
	@conf/deps.sh build
	@conf/deps.sh deb
	@conf/debian/build.sh $(VERSION) $(BUILD)

deb-check: ## build and install the package on fresh Debian 12 and 13 (minutes; needs root, and debootstrap's mirrors)
	@tests/package.sh

clean: ## remove build/
	rm -rf build

FORCE:
.PHONY: all image deb deb-check help man deps run unit unit-programs bench-programs fuzz-programs test conformance soak bench bench-quick bench-chart bench-scale format lint layers fuzz install clean FORCE crash-programs crash
.SECONDARY:

-include $(shell find $(BUILD)/o -name '*.d' 2>/dev/null)
