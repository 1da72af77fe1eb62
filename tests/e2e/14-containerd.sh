#!/bin/bash
# Goal: containerd by ctr: pull with a private CA and password, by tag and digest, all platforms, push, and run.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
make_layout "$WORK/layout" || exit 1
check "containerd runs" start_containerd || exit 1

user=(--user "$ALICE:$ALICE_PASSWORD")
ca=(--tlscacert "$CA")
tar -C "$WORK/layout" -cf "$WORK/layout.tar" .
check "ctr imports an index" ctr images import --all-platforms --no-unpack --base-name "$REG/ctr/multi" "$WORK/layout.tar"
check "without the CA a push fails on the certificate" fails_saying x509 ctr images push "${user[@]}" "$REG/ctr/multi:multi"
check "without a password a push is refused" fails_saying '401 Unauthorized' ctr images push "${ca[@]}" "$REG/ctr/multi:multi"
check "ctr push" ctr images push "${ca[@]}" "${user[@]}" "$REG/ctr/multi:multi"
index=$(jq -r '.manifests[0].digest' "$WORK/layout/index.json")
request GET /v2/ctr/multi/manifests/multi -H "Accept: $OCI_INDEX"
check "the index is stored" header_is Docker-Content-Digest "$index"
check "ctr removes its copy" ctr images rm --sync "$REG/ctr/multi:multi"
check "ctr pull of all platforms" ctr images pull --all-platforms --snapshotter native "${ca[@]}" "${user[@]}" "$REG/ctr/multi:multi"
check "ctr pull by digest" ctr images pull --snapshotter native "${ca[@]}" "${user[@]}" "$REG/ctr/multi@$index"
check "the pulled image runs" says 'hello from the index' ctr run --rm --snapshotter native --cgroup "" "$REG/ctr/multi:multi" one
check "ctr pull of what is not there: a clear answer" fails_saying 'not found' ctr images pull "${ca[@]}" "${user[@]}" "$REG/ctr/none:1"

# containerd's own configuration of registries, as its nodes have it.
mkdir -p "$WORK/hosts.d/$REG"
printf 'server = "https://%s"\n[host."https://%s"]\n  capabilities = ["pull", "resolve", "push"]\n  ca = "%s"\n' "$REG" "$REG" "$CA" >"$WORK/hosts.d/$REG/hosts.toml"
check "ctr pull with a hosts directory" ctr images pull --snapshotter native --hosts-dir "$WORK/hosts.d" "${user[@]}" "$REG/ctr/multi:multi"
finish
