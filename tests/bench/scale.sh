#!/bin/bash
# Goal: what grows with a registry, and what does not: lists, start, memory, writing, sweeping and deleting with up to
# 100,000 repositories, 1,000,000 tags, 1,000,000 blobs and 10,000 referrers, as tables; also in $SCALE_RESULTS
# (default: $BUILD/bench-scale.json).
# usage: [BUILD=build] [BENCH_QUICK=1] [SCALE_WORK=FOLDER] tests/bench/scale.sh [PART]...
#        PART: pages peer rules start write bytes_of sweep upkeep check delete
#        BENCH_QUICK: registries a hundredth as large, in seconds, which say whether this works and nothing else
#        SCALE_WORK: registries stay there, and the next run finds them; else they go away at the end
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=$(realpath "${BUILD:-build}")
if [[ ! -x $BUILD/berth || ! -x $BUILD/bench/load || ! -x $BUILD/bench/scale ]]; then
    echo "bench: the programs are not in $BUILD; make all bench-programs builds them" >&2
    exit 1
fi
export BUILD

if [[ -n ${SCALE_WORK-} ]]; then
    work=$SCALE_WORK
    mkdir -p "$work"
else
    work=$(mktemp -d "$BUILD/bench-scale.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
if [[ ! -e $work/tls ]]; then
    "$BUILD/berth-ca" init --dir "$work/tls" >/dev/null
    "$BUILD/berth-ca" server --dir "$work/tls" localhost 127.0.0.1 >/dev/null
fi
python3 -B tests/bench/scale.py "$work" "${SCALE_RESULTS:-$BUILD/bench-scale.json}" "$@"
