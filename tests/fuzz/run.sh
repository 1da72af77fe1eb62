#!/bin/bash
# Builds the fuzz programs with ASan and UBSan, and runs each on its corpus for FUZZ_SECONDS, FUZZ_JOBS at a time.
# A crash, a leak, or an input that takes longer than ten seconds fails its program; the input is kept in
# build/fuzzers/found. What the runs learn stays in build/fuzzers/corpus and is used by the next one.
# usage: [FUZZ_SECONDS=600] [FUZZ_JOBS=2] [FUZZ_CC=clang] tests/fuzz/run.sh [NAME]...     NAME: such as "http1"
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
export FUZZ_SECONDS=${FUZZ_SECONDS:-600} build=build/fuzzers
cc=${FUZZ_CC:-clang}

if ! command -v "$cc" >/dev/null; then
    echo "fuzzing needs $cc with its sanitizer libraries: run conf/deps.sh lint"
    echo "0 passed, 1 failed"
    exit 1
fi
if ! make --no-print-directory -j"$(nproc)" CC="$cc" SAN=address,undefined,fuzzer-no-link BUILD="$build" fuzz-programs; then
    echo "0 passed, 1 failed"
    exit 1
fi

# How long an input of each program may be: past the limits that it must run into.
length() {
    case $1 in
    http1 | driver) echo 32768 ;;
    manifest | config | certificate) echo 8192 ;;
    *) echo 2048 ;;
    esac
}

# Runs one program and prints one line; with its output when it failed.
run_one() {
    local name=$1 work=$build/corpus/$1 log=$build/$1.log
    mkdir -p "$work" "$build/found"
    if "$build/fuzz/fuzz_$name" -max_total_time="$FUZZ_SECONDS" -max_len="$(length "$name")" -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="$build/found/$name-" "$work" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        echo "ok   $name $(grep -o '^Done [0-9]* runs' "$log" | tail -n 1)"
    else
        echo "FAIL $name"
        tail -n 40 "$log" | sed 's/^/    /'
    fi
}
export -f run_one length

if (($# == 0)); then
    for source in tests/fuzz/fuzz_*.c; do
        source=${source##*/fuzz_}
        set -- "$@" "${source%.c}"
    done
fi
results=$(printf '%s\n' "$@" | xargs -P "${FUZZ_JOBS:-2}" -I{} bash -c 'run_one {}' | tee /dev/stderr)
passed=$(grep -c '^ok ' <<<"$results")
failed=$(($# - passed))
echo "$passed passed, $failed failed"
((failed == 0))
