#!/bin/bash
# Goal: crane: login, push, pull, copy of an index, append, mutate, list, catalog, digest, and delete.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../e2e/images.sh"
server_setup && server_start || exit 1
make_layout "$WORK/layout" || exit 1
# crane pushes what index.json holds: here the index itself, not a list of it.
index=$(jq -r '.manifests[0].digest' "$WORK/layout/index.json")
cp "$WORK/layout/blobs/sha256/${index#sha256:}" "$WORK/layout/index.json"
crane() { "$GO_BIN/crane" "$@"; }

check "without a password crane is refused" fails_saying UNAUTHORIZED crane ls "$REG/none"
check "crane auth login" crane auth login "$REG" -u "$ALICE" -p "$ALICE_PASSWORD"
check "crane push of an index" crane push --index "$WORK/layout" "$REG/crane/multi:1"
check "crane manifest shows all platforms" says '"arm64"' crane manifest "$REG/crane/multi:1"
check "crane copy to another repository" crane copy "$REG/crane/multi:1" "$REG/crane/copy:1"
same_digest() { [[ $(crane digest "$1") == "$(crane digest "$2")" ]]; }
check "the copy has the same digest" same_digest "$REG/crane/multi:1" "$REG/crane/copy:1"
check "crane copy --all-tags" crane copy --all-tags "$REG/crane/multi" "$REG/crane/every"
check "crane pull as a layout" crane pull --format=oci "$REG/crane/copy:1" "$WORK/back"
check "crane pull of one platform" crane pull --platform linux/arm64 "$REG/crane/multi:1" "$WORK/arm64.tar"
tar -C "$WORK/layout" -cf "$WORK/added.tar" oci-layout
check "crane append" crane append --platform linux/amd64 -b "$REG/crane/multi:1" -f "$WORK/added.tar" -t "$REG/crane/appended:1"
check "crane mutate" crane mutate --label a=b "$REG/crane/appended:1" -t "$REG/crane/appended:2"
check "crane tag" crane tag "$REG/crane/appended:2" latest
check "crane validate reads every byte back" crane validate --remote "$REG/crane/appended:2"
check "crane ls" says latest crane ls "$REG/crane/appended"
check "crane catalog" says crane/appended crane catalog "$REG"
check "crane export" crane export "$REG/crane/appended:2" "$WORK/export.tar"
check "with what was appended" says oci-layout tar -tf "$WORK/export.tar"
check "crane delete" crane delete "$REG/crane/appended@$(crane digest "$REG/crane/appended:1")"
check "what was deleted is gone" fails_saying MANIFEST_UNKNOWN crane manifest "$REG/crane/appended:1"
check "crane of what is not there: a clear answer" fails_saying UNKNOWN crane manifest "$REG/crane/none:1"
finish
