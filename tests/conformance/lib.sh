# shellcheck shell=bash
# For the scenarios here: the library of the end-to-end scenarios, and reports that are read strictly.
# shellcheck source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
export SSL_CERT_FILE=$CA
RESULTS=$BUILD/conformance

# run_suite NAME COMMAND...: runs it in a fresh folder, $out, where its output goes too.
run_suite() {
    out=$RESULTS/$1
    shift
    rm -rf "$out"
    mkdir -p "$out"
    (cd "$out" && "$@") >"$out/output.txt" 2>&1
}

# count_report NAME report.py's arguments: adds the cases of the report in $out to this scenario's.
count_report() {
    local name=$1 last
    shift
    python3 -B "$TESTS/conformance/report.py" "$out" "$@" >"$out/report.txt"
    last=$(tail -n 1 "$out/report.txt")
    echo "$name: $last"
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        ((BASH_REMATCH[2] == 0)) || head -n 40 "$out/report.txt" | sed 's/^/        /'
    else
        failed=$((failed + 1))
    fi
}
