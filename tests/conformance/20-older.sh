#!/bin/bash
# Goal: the older conformance suite passes whole. Four of its cases are the other branch of one that must pass (a
# registry that mounts blobs cannot also answer that it does not; a suite that pushes needs no prepared tags): they
# are named below and nothing else may be skipped.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

check "the program ends well" run_suite older env OCI_ROOT_URL="https://$REG" OCI_NAMESPACE=older/repo OCI_CROSSMOUNT_NAMESPACE=older/other \
    OCI_USERNAME="$ALICE" OCI_PASSWORD="$ALICE_PASSWORD" OCI_TEST_PULL=1 OCI_TEST_PUSH=1 OCI_TEST_CONTENT_DISCOVERY=1 \
    OCI_TEST_CONTENT_MANAGEMENT=1 OCI_AUTOMATIC_CROSSMOUNT=1 OCI_HIDE_SKIPPED_WORKFLOWS=0 OCI_REPORT_DIR="$RESULTS/older" "$GO_BIN/conformance-2025"
count_report "older suite" --skipped "Get tag name from environment" --skipped "Populate registry with test tags (no push)" \
    --skipped "Cross-mounting of nonexistent blob should yield session id" \
    --skipped "Cross-mounting without from, and automatic content discovery disabled should return a 202"
finish
