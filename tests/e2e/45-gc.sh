#!/bin/bash
# Goal: `berth gc` frees what nobody needs while the server is stopped and while it runs, tells before what it would do,
# keeps all that a tag leads to, and takes distribution's spelling.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
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

# Another program has the data directory of another configuration.
held_by_other() {
    mkdir -p "$WORK/other" && (
        flock 9 && REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/other" "$BUILD/berth" gc "$WORK/config.yml"
    ) 9>"$WORK/other/berth.lock"
}

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

# --- while the server runs ---
check "a Docker daemon runs" start_dockerd || exit 1
trust_by_docker "$REG"
login() { docker login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD"; }
check "docker login" says 'Login Succeeded' login
import_image "$REG/gc/docker:kept" "this one stays" >/dev/null
import_image "$REG/gc/docker:gone" "this one goes" >/dev/null
check "docker push" docker push --all-tags "$REG/gc/docker"
files() { find "$WORK/data/blobs" -type f | wc -l; }
before=$(files)
request GET /v2/gc/docker/manifests/gone -H "Accept: $DOCKER_MANIFEST, $OCI_MANIFEST"
request DELETE "/v2/gc/docker/manifests/$(digest_of "$BODY")"
check "the image is deleted" status_is 202
check "within the grace its blobs stay, though no manifest names them" says "0 blobs removed" gc
check "a dry run in the server tells what would go" says "would remove blob sha256:" gc --dry-run --grace 0s
all_there() { [[ $(files) == "$before" ]]; }
check "and removes nothing" all_there
on_terminal() { python3 "$TESTS/e2e/typed.py" -- "$BUILD/berth" gc "$WORK/config.yml" "$@"; }
log_mark
check "on a terminal it shows how far it is" says $'\rforgetting old history\e[K' on_terminal
silent_on_terminal() { [[ -z $(on_terminal --quiet) ]]; }
check "but not when it is to be quiet" silent_on_terminal
check "gc frees the config and the layer of the deleted image at once" says "2 blobs removed" gc --grace 0s
two_fewer() { [[ $(files) == $((before - 2)) ]]; }
check "their files are gone" two_fewer
check "the server logs who asked for it, and how it ended" log_says 'gc: asked for by process [0-9]+ of user 0'
check "and that it is done" log_says 'gc: ended with status 0'
docker rmi -f "$REG/gc/docker:kept" "$REG/gc/docker:gone" >/dev/null
check "the other image runs from the registry" says 'this one stays' docker run --rm --network none "$REG/gc/docker:kept"
check "the deleted one is not there" fails_saying 'manifest unknown' docker pull "$REG/gc/docker:gone"
import_image "$REG/gc/docker:gone" "this one goes" >/dev/null
check "it can be pushed again" docker push "$REG/gc/docker:gone"

image gc/loose '' "an untagged image"
check "an untagged image within the grace stays" says "0 untagged manifests removed" gc --delete-untagged
check "distribution's spelling goes through the server, too" says "1 untagged manifests would be removed" collect -dm "$WORK/config.yml" --grace 0s
check "with a grace of 0 it goes" says "1 untagged manifests removed" gc --delete-untagged --grace 0s
check "and is gone" manifest_there gc/loose "$DIGEST" 404
check "the configuration cannot be named twice" exits 2 gc --config "$WORK/config.yml"
check "it can be named as an option" says "0 blobs removed" "$BUILD/berth" gc --config "$WORK/config.yml"
check "who holds the directory and is no server is named" fails_saying "which takes no commands" held_by_other
finish
