#!/bin/bash
# Goal: the current conformance suite passes whole: specification 1.1, its development version, and, against a
# server that is set to accept them, manifests whose blobs are not there. Its exit status is 0 even when it skips,
# so its reports are read. Specification 1.1 has no cancelling nor tag parameters, and the program turns them off.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

# current NAME VARIABLE=VALUE...
current() {
    local name=$1
    shift
    run_suite "$name" env OCI_REGISTRY="$REG" OCI_TLS=enabled OCI_USERNAME="$ALICE" OCI_PASSWORD="$ALICE_PASSWORD" \
        OCI_REPO1="$name/repo1" OCI_REPO2="$name/repo2" OCI_RESULTS_DIR="$RESULTS/$name" "$@" "$GO_BIN/conformance"
}
check "1.1: the program ends well" current spec-1.1 OCI_VERSION=1.1
count_report "specification 1.1" --yaml --skipped "post cancel/blob-post-cancel" --disabled "Blob upload cancel" --disabled "Manifest put with tag params" \
    --disabled "Sparse Manifests" --disabled "Tag Param" --disabled "Tag Param sha512"
check "dev: the program ends well" current spec-dev OCI_VERSION=dev
count_report "development version" --yaml --disabled "Sparse Manifests"
check "it stops" server_stop

server_config extra=$'validation:\n  disabled: true\n'
check "with validation disabled the server starts" server_start
check "sparse: the program ends well" current spec-sparse OCI_VERSION=dev OCI_DATA_SPARSE=true
count_report "with sparse manifests" --yaml
finish
