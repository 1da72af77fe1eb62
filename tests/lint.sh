#!/bin/bash
# clang-tidy and cppcheck over all C, shellcheck over all scripts; succeeds only when all three are silent.
# usage: tests/lint.sh 'CPPFLAGS' [FILE.c]...     from "make lint", which also checks the formatting and the layers
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
cppflags=$1
shift
conf/deps.sh lint || exit 1
bad=0

# stage NAME COMMAND...: its output only when it fails.
stage() {
    local name=$1 began=$SECONDS output
    shift
    if output=$("$@" 2>&1); then
        echo "lint: $name is clean ($((SECONDS - began)) s)"
    else
        printf '%s\n' "$output"
        echo "lint: $name complains"
        bad=1
    fi
}

list() { git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do [[ -f $file ]] && echo "$file"; done; }

mapfile -t sources < <(list '*.c')
(($# == 0)) || sources=("$@")

# make hands the version over without the quotes that make it a string in C.
read -r -a flags <<<"$cppflags"
flags=("${flags[@]/#-DBERTH_VERSION=*/-DBERTH_VERSION=\"\"}")

# One process for a few files: start-up costs little, and a slow file does not hold up the others.
tidy() {
    # shellcheck disable=SC2016 # for the inner shell
    printf '%s\0' "${sources[@]}" | FLAGS=$(printf '%s\n' "${flags[@]}") xargs -0 -n 3 -P "$(nproc)" \
        bash -c 'mapfile -t flags <<<"$FLAGS"; exec clang-tidy --quiet "$@" -- -std=gnu17 "${flags[@]}"' tidy
}

check_c() {
    # In tests, CHECK() of a pointer does not come back when it is NULL: test_fail() jumps, which cppcheck cannot see.
    cppcheck --suppress='nullPointerRedundantCheck:tests/*' --quiet --enable=warning,performance,portability --error-exitcode=1 --inline-suppr --std=c11 --language=c \
        -j "$(nproc)" -I. "${sources[@]}"
}

check_scripts() {
    local -a scripts
    mapfile -t scripts < <(list '*.sh' .ci/run)
    shellcheck -x "${scripts[@]}"
}

stage clang-tidy tidy
stage cppcheck check_c
stage shellcheck check_scripts
exit $bad
