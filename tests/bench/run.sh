#!/bin/bash
# Goal: Berth beside Debian's docker-registry and nginx on this machine, and beside distribution 3 and zot where Go is
# there to build them, as ratios of one run. Results also go to $BUILD/bench-results.json, or bench-results-part.json
# when only some rows were asked for.
# usage: [BUILD=build] [BENCH_QUICK=1] tests/bench/run.sh [NAME]...
#        NAME: part of a row's name, such as "push" or "manifest-get"; BENCH_QUICK: small and short, within 5 minutes
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=$(realpath "${BUILD:-build}")
if [[ ! -x $BUILD/berth || ! -x $BUILD/bench/load || ! -x $BUILD/bench/scale ]]; then
    echo "bench: the programs are not in $BUILD; make all bench-programs builds them" >&2
    exit 1
fi
PATH=$PATH:/usr/sbin
export BUILD PATH

for program in docker-registry nginx wrk htpasswd setpriv fincore; do
    if ! command -v "$program" >/dev/null; then
        echo "bench: $program is not there; conf/deps.sh bench installs it" >&2
        exit 1
    fi
done

# A side that cannot be had is left out, and said to be. With GO_BIN set to a folder, the programs there are used.
leave_out() {
    echo "bench: $1 is left out: $2" >&2
}

if [[ -z ${GO_BIN-} ]]; then
    GO_BIN=$PWD/build/go/bin
    declare -A names=([registry]='distribution 3' [zot]='zot')
    for program in registry zot; do
        [[ ! -x $GO_BIN/$program ]] || continue
        if ! command -v go >/dev/null && [[ ! -x /usr/local/go/bin/go ]]; then
            leave_out "${names[$program]}" "Go is not there to build it"
            continue
        fi
        code=0
        said=$(tests/conformance/go.sh "$program" 2>&1 >/dev/null) || code=$?
        case $code in
        0) ;;
        3) leave_out "${names[$program]}" "the Go module proxy refuses to serve it" ;;
        *) leave_out "${names[$program]}" "it cannot be built: $(tail -n 1 <<<"$said")" ;;
        esac
    done
fi
export GO_BIN
# This process becomes the benchmark, so that a signal to it reaches who stops the servers.
exec python3 -B tests/bench/bench.py "$BUILD/bench-results${1:+-part}.json" "$@"
