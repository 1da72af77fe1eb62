#!/bin/bash
# Builds the public programs that are written in Go, at pinned versions, into build/go/bin; prints that folder.
# What is there already is kept. Everything comes through the Go module proxy, its sums checked by the Go tool.
# usage: tests/conformance/go.sh conformance | conformance-2025 | crane | regctl ...
#
# Go itself: the first of PATH, /usr/local/go and Debian's that is new enough; else Debian's golang-go (1.19 on
# Debian 12, 1.24 on Debian 13) fetches the toolchain, which the module proxy serves as a module of its own.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
folder=$PWD/build/go
export GOBIN=$folder/bin GOPATH=$folder/path GOTOOLCHAIN=local CGO_ENABLED=0
wanted=1.26.0 # what the newest of the programs below asks for

suite=github.com/opencontainers/distribution-spec/conformance
declare -A program=(
    [conformance]=$suite@967efdc079b9
    [crane]=github.com/google/go-containerregistry/cmd/crane@v0.20.7
    [regctl]=github.com/regclient/regclient/cmd/regctl@v0.11.7
)
older=v0.0.0-20250123160558-a139cc423184

new_enough() {
    local version
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    [[ $(printf '%s\n%s\n' "$wanted" "${version#go}" | sort -V | head -n 1) == "$wanted" ]]
}

find_go() {
    local go
    for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-*/bin/go "$folder/toolchain/bin/go"; do
        if [[ -x $go ]] && new_enough "$go"; then
            echo "$go"
            return
        fi
    done
    command -v go >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go >&2
    if ! new_enough "$(command -v go)"; then
        go=$(fetch_toolchain)
    else
        go=$(command -v go)
    fi
    echo "$go"
}

# A module's files are not executable and read-only: the toolchain is copied to where it can be.
fetch_toolchain() {
    local module
    module=golang.org/toolchain@v0.0.1-go$wanted.linux-$(go env GOARCH)
    go mod download "$module" >&2
    rm -rf "$folder/toolchain"
    cp -r "$GOPATH/pkg/mod/$module" "$folder/toolchain"
    chmod -R u+w "$folder/toolchain"
    chmod +x "$folder"/toolchain/bin/* "$folder"/toolchain/pkg/tool/*/*
    echo "$folder/toolchain/bin/go"
}

# The older suite is a package of tests: it is compiled within a module of our own that asks for it.
build_older() {
    local work
    work=$(mktemp -d)
    (
        cd "$work"
        "$go" mod init suite
        "$go" get "$suite@$older"
        "$go" test -c -o "$GOBIN/conformance-2025" "$suite"
    ) >&2
    rm -rf "$work"
}

go=
mkdir -p "$GOBIN"
for name; do
    [[ -x $GOBIN/$name ]] && continue
    [[ -n $go ]] || go=$(find_go)
    echo "building $name with $("$go" env GOVERSION)" >&2
    if [[ $name == conformance-2025 ]]; then
        build_older
    else
        "$go" install "${program[$name]:?no such program: $name}" >&2
    fi
done
echo "$GOBIN"
