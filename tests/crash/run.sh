#!/bin/bash
# Kills, starves and unplugs the server at every call that changes a file or answers somebody (tests/DESIGN.md). The last
# line is "N passed, N failed": points, and for coverage runs.
# usage: [BUILD=build] [CRASH_POINTS=N] [CRASH_JOBS=N] tests/crash/run.sh [coverage | kill | fault | power | tools]...
#        CRASH_POINTS: try about N points of each list, from a random start that is printed; default: all of them
#        CRASH_OFFSET: start there instead; CRASH_KEEP: a folder for what failed attempts leave
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
export BUILD
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
parts=(coverage kill fault power tools)
(($# == 0)) || parts=("$@")
for part in "${parts[@]}"; do
    began=$SECONDS good=0 bad=1
    python3 -B "tests/crash/$part.py" 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        good=${BASH_REMATCH[1]}
        bad=${BASH_REMATCH[2]}
        ((bad == 0 && (code != 0 || good == 0))) && bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    echo "$part: $((SECONDS - began)) s"
done
echo "$passed passed, $failed failed"
((failed == 0))
