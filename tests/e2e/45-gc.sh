#!/bin/bash
# Goal: `berth gc` frees what nobody needs while the server is stopped and while it runs, tells before what it would do,
# keeps all that a tag leads to, and takes distribution's spelling.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

# image REPOSITORY REFERENCE CONTENT [MORE]: pushes it; its digest in $DIGEST.
image() {
    printf '%s' "$3" >"$WORK/blob"
    blob_push "$1" "$WORK/blob"
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]%s}' \
        "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" "${#3}" "${4-}" >"$WORK/manifest"
    DIGEST=$(digest_of "$WORK/manifest")
    SIZE=$(stat -c %s "$WORK/manifest")
    manifest_push "$1" "${2:-$DIGEST}" "$WORK/manifest" "$OCI_MANIFEST"
    [[ $STATUS == 201 ]] || show_answer
}
blob_file() { local hex; hex=$(printf '%s' "$1" | sha256sum | cut -d' ' -f1); echo "$WORK/data/blobs/sha256/${hex:0:2}/$hex"; }
gc() { "$BUILD/berth" gc "$WORK/config.yml" "$@"; }
collect() { "$BUILD/berth" garbage-collect "$@"; }
manifest_there() { request GET "/v2/$1/manifests/$2" -H "Accept: $OCI_MANIFEST, $OCI_INDEX"; [[ $STATUS == "$3" ]] || { show_answer; return 1; }; }

image gc/app 1 "the first"
first=$DIGEST
image gc/app 1 "the second" # the first has no tag now
second=$DIGEST
image gc/app '' "a child"
child=$DIGEST
printf '{"schemaVersion":2,"mediaType":"%s","manifests":[{"mediaType":"%s","digest":"%s","size":%d}]}' "$OCI_INDEX" "$OCI_MANIFEST" "$child" "$SIZE" >"$WORK/index"
manifest_push gc/app all "$WORK/index" "$OCI_INDEX"
check "an index is pushed" status_is 201
image gc/app '' "a signature" ",\"subject\":{\"mediaType\":\"$OCI_MANIFEST\",\"digest\":\"$child\",\"size\":$SIZE}"
signature=$DIGEST
printf 'nobody names it' >"$WORK/blob"
blob_push gc/loose "$WORK/blob"

check "beside a server that runs gc works, too" says "0 blobs removed" gc
check "the server is stopped" server_stop

check "within the grace nothing goes" says "0 blobs removed" gc
check "nor do untagged manifests" says "0 untagged manifests removed" gc --delete-untagged
check "a dry run lists the blob and why" says "no manifest names it, last needed" gc --dry-run --grace 0s
check "what a tag pointed to lately is not removed: the tag can be put back" says "0 untagged manifests would be removed" gc --dry-run --delete-untagged --grace 0s
check "a dry run that would forget that names the untagged manifest and why" says "would remove manifest gc/app@$first: no tag leads to it, pushed" gc --dry-run --delete-untagged --forget-history --grace 0s
check "and how much it is" says "1 blobs would be removed, 15 bytes (15 in bytes) would be freed" gc --dry-run --grace 0s
one_line() { [[ $(gc --dry-run --delete-untagged --forget-history --grace 0s | grep -c 'would remove manifest') == 1 ]]; }
check "and no other manifest" one_line
check "and removes nothing" test -f "$(blob_file "nobody names it")"
check "distribution's flags are taken together" says "1 blobs would be removed" env REGISTRY_STORAGE_MAINTENANCE_GARBAGECOLLECTION_GRACE=1ns sh -c "sleep 2; exec '$BUILD/berth' garbage-collect -dm '$WORK/config.yml'"
check "a flag that is neither's is refused" exits 2 collect -dx "$WORK/config.yml"
check "a data directory that is not there is not made" fails_saying "is not there" env REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/none" "$BUILD/berth" gc "$WORK/config.yml"
check "really not" test ! -e "$WORK/none"
check "a duration that is none is refused" exits 2 gc --grace soon

quietly() { [[ -z $("$BUILD/berth" garbage-collect "$WORK/config.yml" -q -m) ]]; }
check "quiet it says nothing" quietly
check "gc frees the blob that nobody names, the untagged image and what only that had" says "2 blobs removed" gc --delete-untagged --forget-history --grace 0s
check "its file is gone" test ! -e "$(blob_file "the first")"
check "that of the tagged image is not" test -f "$(blob_file "the second")"
check "a second run finds nothing" says "0 blobs removed, 0 bytes" gc --delete-untagged --grace 0s

check "the server starts again" server_start
check "the untagged image is gone" manifest_there gc/app "$first" 404
check "the tagged one is there" manifest_there gc/app 1 200
check "by its digest too" manifest_there gc/app "$second" 200
check "the index is there" manifest_there gc/app all 200
check "with its child" manifest_there gc/app "$child" 200
check "and what is attached to that" manifest_there gc/app "$signature" 200
for content in "the second" "a child" "a signature"; do
    printf '%s' "$content" >"$WORK/blob"
    request GET "/v2/gc/app/blobs/$(digest_of "$WORK/blob")"
    check "the blob of $content is whole" body_is_file "$WORK/blob"
done
finish
