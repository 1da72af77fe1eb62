#!/bin/bash
# Goal: Berth beside Debian's docker-registry and nginx on this machine, as ratios of one run; results also go to
# $BUILD/bench-results.json. Everything lives in a folder below $BUILD (a disk, not memory) that goes away at the end.
# usage: [BUILD=build] [BENCH_QUICK=1] tests/bench/run.sh [NAME]...
#        NAME: part of a row's name, such as "push" or "manifest-get"; BENCH_QUICK: small and short, within 5 minutes
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=$(realpath "${BUILD:-build}")
export BUILD

for program in docker-registry nginx wrk htpasswd setpriv; do
    if ! PATH=$PATH:/usr/sbin command -v "$program" >/dev/null; then
        echo "bench: $program is not there; conf/deps.sh bench installs it" >&2
        exit 1
    fi
done
work=$(mktemp -d "$BUILD/bench-work.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$BUILD/berth-ca" init --dir "$work/tls" >/dev/null
"$BUILD/berth-ca" server --dir "$work/tls" localhost 127.0.0.1 >/dev/null
htpasswd -Bbn -C 10 bench 'correct horse' >"$work/htpasswd"
python3 -B tests/bench/bench.py "$work" "$BUILD/bench-results.json" "$@"
