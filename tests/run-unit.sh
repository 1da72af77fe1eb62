#!/bin/bash
# Runs every unit test program below BUILD/unit and prints "N passed, N failed".
# A program that crashes, hangs, or prints no totals counts as one failure.
# usage: tests/run-unit.sh [BUILD [PATTERN]]     PATTERN: shell pattern of room/test_name, default all
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1 # tests name files of the tree from its root
build=${1:-build}
pattern=${2:-*}
limit=${UNIT_SECONDS:-300}
passed=0 failed=0 programs=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for program in "$build"/unit/*/test_*; do
    name=${program#"$build"/unit/}
    # shellcheck disable=SC2053 # the right side is a pattern on purpose
    [[ -x $program && ! -d $program && $name == $pattern ]] || continue
    programs=$((programs + 1))
    timeout -k 5 "$limit" "$program" >"$output" 2>&1 </dev/null
    code=$?
    if [[ $(tail -n 1 "$output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        bad=${BASH_REMATCH[2]}
        [[ $bad -eq 0 && $code -ne 0 ]] && bad=1
        [[ ${BASH_REMATCH[1]} -eq 0 && $bad -eq 0 ]] && bad=1
    else
        bad=1
    fi
    failed=$((failed + bad))
    if ((bad > 0)); then
        echo "unit/$name: exit status $code"
        sed 's/^/    /' "$output"
    fi
done

if ((programs == 0)); then
    echo "no unit test program matches $build/unit/$pattern: run 'make unit-programs'"
    failed=1
fi
echo "$passed passed, $failed failed"
((failed == 0))
