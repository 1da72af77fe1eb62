#!/bin/bash
# Runs every unit test program below BUILD/unit, as many at a time as there are processors, and prints "N passed, N
# failed". A program that crashes, hangs, or prints no totals counts as one failure.
# usage: tests/run-unit.sh [BUILD [PATTERN]]     PATTERN: shell pattern of room/test_name, default all
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1 # tests name files of the tree from its root
build=${1:-build}
pattern=${2:-*}
limit=${UNIT_SECONDS:-300}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run_program NUMBER: leaves what it printed, and its exit status.
run_program() {
    timeout -k 5 "$limit" "${programs[$1]}" >"$work/$1.output" 2>&1 </dev/null
    echo $? >"$work/$1.code"
}

# judge NUMBER: adds up what its last line says, and shows all of what failed.
judge() {
    local name=${programs[$1]#"$build"/unit/} code=none bad=1
    [[ ! -e $work/$1.code ]] || code=$(<"$work/$1.code")
    if [[ $(tail -n 1 "$work/$1.output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        bad=${BASH_REMATCH[2]}
        [[ $bad -eq 0 && $code != 0 ]] && bad=1
        [[ ${BASH_REMATCH[1]} -eq 0 && $bad -eq 0 ]] && bad=1
    fi
    failed=$((failed + bad))
    if ((bad > 0)); then
        echo "unit/$name: exit status $code"
        sed 's/^/    /' "$work/$1.output"
    fi
}

programs=()
for program in "$build"/unit/*/test_*; do
    # shellcheck disable=SC2053 # the right side is a pattern on purpose
    [[ -x $program && ! -d $program && ${program#"$build"/unit/} == $pattern ]] && programs+=("$program")
done
for number in "${!programs[@]}"; do
    ((number < $(nproc))) || wait -n
    run_program "$number" &
done
wait
passed=0 failed=0
for number in "${!programs[@]}"; do
    judge "$number"
done
if ((${#programs[@]} == 0)); then
    echo "no unit test program matches $build/unit/$pattern: run 'make unit-programs'"
    failed=1
fi
echo "$passed passed, $failed failed"
((failed == 0))
