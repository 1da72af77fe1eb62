#!/bin/bash
# Runs the public programs that check a registry against a Berth with TLS and passwords: the current conformance
# suite (specification 1.1, its development version, and with sparse manifests), the older suite, and clients.
# Every run must show no failure, no error and no skip; the last line is "N passed, N failed".
# usage: [BUILD=build] tests/conformance/run.sh [SCENARIO]...       such as: current, older, crane, regctl, oras
# With GO_BIN set to a folder, the programs there are used instead of being built. A program that cannot be had is a
# failure; with REFUSED_IS_FATAL=no one that the Go module proxy itself refuses to serve is named and left out instead.
set -eu
cd "$(dirname "$0")/../.."
conf/deps.sh test
declare -A needs=([10-current]=conformance [20-older]=conformance-2025 [30-crane]=crane [31-regctl]=regctl [32-oras]=oras)
scenarios=() missing=0

wanted() {
    local name
    (($# > 1)) || return 0
    for name in "${@:2}"; do [[ $1 != *"$name"* ]] || return 0; done
    return 1
}

for scenario in 10-current 20-older 30-crane 31-regctl 32-oras; do
    wanted "$scenario" "$@" || continue
    code=0
    if [[ -z ${GO_BIN-} ]]; then
        tests/conformance/go.sh "${needs[$scenario]}" >/dev/null || code=$?
    elif [[ ! -x $GO_BIN/${needs[$scenario]} ]]; then
        code=1
    fi
    if ((code == 0)); then
        scenarios+=("conformance/$scenario")
    elif ((code == 3)) && [[ ${REFUSED_IS_FATAL-} == no ]]; then
        echo "NOT RUN: ${needs[$scenario]}: the Go module proxy refuses to serve it here; nothing is known of $scenario"
    else
        echo "${needs[$scenario]} cannot be had: $scenario was not checked"
        missing=$((missing + 1))
    fi
done
if ((missing > 0 || ${#scenarios[@]} == 0)); then
    echo "0 passed, $((missing > 0 ? missing : 1)) failed"
    exit 1
fi
export GO_BIN=${GO_BIN:-$PWD/build/go/bin} TEST_SECONDS=900 PARTS=conformance
exec tests/run.sh "${scenarios[@]}"
