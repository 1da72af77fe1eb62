#!/bin/bash
# Runs the public programs that check a registry against a Berth with TLS and passwords: the current conformance
# suite (specification 1.1, its development version, and with sparse manifests), the older suite, and clients.
# Every run must show no failure, no error and no skip; the last line is "N passed, N failed".
# usage: [BUILD=build] tests/conformance/run.sh [SCENARIO]...       such as: current, older, crane, regctl
# With GO_BIN set to a folder, the programs there are used instead of being built.
set -eu
cd "$(dirname "$0")/../.."
conf/deps.sh test
if [[ -z ${GO_BIN-} ]]; then
    GO_BIN=$(tests/conformance/go.sh conformance conformance-2025 crane regctl) || {
        echo "the public programs cannot be built: nothing was checked"
        echo "0 passed, 1 failed"
        exit 1
    }
fi
export GO_BIN TEST_SECONDS=900 PARTS=conformance
exec tests/run.sh "$@"
