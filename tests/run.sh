#!/bin/bash
# Runs the tests: unit programs, wire tests (raw sockets), the benchmark's own, end-to-end scenarios (real clients).
# The last line is "N passed, N failed"; anything that fails, crashes, hangs or does not run is a failure.
# usage: [BUILD=build] tests/run.sh [unit | wire | bench | e2e | NAME]...
#        NAME: part of a file's name, such as "skopeo" or "wire/uploads"
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
export BUILD
limit=${TEST_SECONDS:-300}
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# True when no NAME was given or one of them is part of $1.
selected() {
    local name
    ((${#names[@]} == 0)) && return 0
    for name in "${names[@]}"; do
        [[ $1 == *"$name"* ]] && return 0
    done
    return 1
}

# [long=SECONDS] run_part NAME COMMAND...: runs one file of tests and adds up what its last line says, within $limit or
# $long. A scenario that says "# Time limit: N" (seconds) has at least that.
run_part() {
    local name=$1 began=$SECONDS code good=0 bad=1 word=FAIL limit=${long:-$limit} own
    shift
    own=$(sed -n 's/^# Time limit: \([0-9]*\)$/\1/p' "$name.sh" 2>/dev/null)
    ((${own:-0} <= limit)) || limit=$own
    timeout -k 10 "$limit" "$@" >"$work/output" 2>&1 </dev/null
    code=$?
    if [[ $(tail -n 1 "$work/output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        good=${BASH_REMATCH[1]}
        bad=${BASH_REMATCH[2]}
        ((bad == 0 && (code != 0 || good == 0))) && bad=1
    fi
    ((bad == 0)) && word=ok
    passed=$((passed + good))
    failed=$((failed + bad))
    printf '%-4s %-34s %4d passed %3d failed %4d s\n' "$word" "$name" "$good" "$bad" $((SECONDS - began))
    if ((bad > 0)); then
        [[ $code == 124 || $code == 137 ]] && echo "    stopped after $limit s"
        sed 's/^/    /' "$work/output"
    fi
}

names=("$@")
parts=0
cd tests || exit 1
all=(unit wire/test_*.py bench/test_*.py e2e/[0-9][0-9]-*.sh)
# What tests/conformance/run.sh has built programs for.
[[ ${PARTS-} != conformance ]] || all=(conformance/[0-9][0-9]-*.sh)
for part in "${all[@]}"; do
    selected "$part" || continue
    parts=$((parts + 1))
    case $part in
    unit) long=$((3 * limit)) run_part unit ./run-unit.sh "$BUILD" ;;
    *.py) run_part "${part%.py}" python3 -B "$part" ;;
    *) run_part "${part%.sh}" e2e/sandbox.sh "$part" ;;
    esac
done
if ((parts == 0)); then
    echo "no test is named like: ${names[*]}"
    failed=1
fi
echo "$passed passed, $failed failed"
((failed == 0))
