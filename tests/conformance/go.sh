#!/bin/bash
# Builds the public programs that are written in Go, at pinned versions, into build/go/bin; prints that folder.
# What is there already is kept. Everything comes through the Go module proxy, its sums checked by the Go tool.
# usage: tests/conformance/go.sh conformance | conformance-2025 | crane | regctl | oras | registry | zot
# Exit status 3: the proxy refuses this module (it is not to be had here, however often one asks); 1: anything else.
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
    # for tests/bench
    [registry]=github.com/distribution/distribution/v3/cmd/registry@v3.1.2
    [zot]=zotregistry.dev/zot/v2/cmd/zot@v2.1.11
)
older=v0.0.0-20250123160558-a139cc423184
oras=oras.land/oras@v1.2.3

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
    local work code=0
    work=$(mktemp -d)
    (cd "$work" && "$go" mod init suite && "$go" get "$suite@$older" &&
        "$go" test -c -o "$GOBIN/conformance-2025" "$suite") >&2 || code=1
    rm -rf "$work"
    return $code
}

# Built inside its own module, as its authors do.
build_oras() {
    local folder
    folder=$("$go" mod download -json "$oras" | sed -n 's/.*"Dir": "\(.*\)",/\1/p') || return 1
    (cd "$folder" && "$go" build -o "$GOBIN/oras" ./cmd/oras) >&2
}

build() {
    case $1 in
    conformance-2025) build_older ;;
    oras) build_oras ;;
    *) "$go" install "${program[$1]:?no such program: $1}" >&2 ;;
    esac
}

name=${1:?which program}
mkdir -p "$GOBIN"
if [[ ! -x $GOBIN/$name ]]; then
    go=$(find_go)
    echo "building $name with $("$go" env GOVERSION)" >&2
    said=$(mktemp)
    trap 'rm -f "$said"' EXIT
    if ! (build "$name") 2>&1 | tee "$said" >&2; then
        ! grep -qE 'This module version is not available|403 Forbidden' "$said" || exit 3
        exit 1
    fi
fi
echo "$GOBIN"
