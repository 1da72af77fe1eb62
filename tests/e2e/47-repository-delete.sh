#!/bin/bash
# Goal: `berth repository delete` empties repositories while the server serves: their tags, manifests and blobs are gone,
# the catalog does not list them, others keep what they share, and the space comes back with the sweeper.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

# image REPOSITORY TAG CONTENT: pushes it; its digest in $DIGEST.
image() {
    printf '%s' "$3" >"$WORK/blob"
    blob_push "$1" "$WORK/blob"
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}' \
        "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" "${#3}" >"$WORK/manifest"
    DIGEST=$(digest_of "$WORK/manifest")
    manifest_push "$1" "$2" "$WORK/manifest" "$OCI_MANIFEST"
    [[ $STATUS == 201 ]] || show_answer
}
repository() { "$BUILD/berth" repository "$@" --config "$WORK/config.yml"; }
answers() { request GET "$1" -H "Accept: $OCI_MANIFEST"; status_is "$2"; }
blob_of() { printf '%s' "$1" >"$WORK/blob" && digest_of "$WORK/blob"; }
lists() { [[ $(repository list | tr '\n' ' ') == "$1" ]] || { repository list; return 1; }; }
catalog_is() { request GET "/v2/_catalog" && json_is .repositories "$1"; }

for i in $(seq 40); do image old/app "v$i" "old $i"; done
image old/app latest "shared"
image old/app/tool 1 "below"
image kept/app 1 "shared"
kept=$DIGEST
log_mark

check "all repositories are listed" lists "kept/app old/app old/app/tool "
check "a dry run says what would go" says "old/app: 41 manifests, 41 tags and 41 blobs would be removed" repository delete old/app --dry-run
check "and removes nothing" answers /v2/old/app/manifests/v40 200
check "a name that nobody ever pushed to is an error" exits 3 repository delete old/typo
check "which keeps the names beside it" exits 3 repository delete old/app old/typo
check "really" answers /v2/old/app/manifests/v1 200
check "delete without a name is a mistake" exits 2 repository delete
check "so is another word" exits 2 repository remove old/app

check "the server that runs deletes a repository" says "old/app: 41 manifests, 41 tags and 41 blobs removed" repository delete old/app
check "its tags are gone" answers /v2/old/app/manifests/latest 404
check "its manifests are gone" answers "/v2/old/app/manifests/$kept" 404
check "its blobs are gone" answers "/v2/old/app/blobs/$(blob_of "old 7")" 404
check "so is what others have, there" answers "/v2/old/app/blobs/$(blob_of "shared")" 404
check "others keep their image" answers /v2/kept/app/manifests/1 200
check "and its blob" answers "/v2/kept/app/blobs/$(blob_of "shared")" 200
check "what is below stays" answers /v2/old/app/tool/manifests/1 200
check "the catalog does not list it" catalog_is '["kept/app","old/app/tool"]'
check "nor does the list" lists "kept/app old/app/tool "
check "again there is nothing to delete" exits 3 repository delete old/app
image old/app again "once more"
check "its name can be pushed to again" answers /v2/old/app/manifests/again 200

check "several go at once" says "old/app/tool: 1 manifests" repository delete old/app old/app/tool
check "nothing but the other is left" lists "kept/app "
check "the space comes back" says "42 blobs removed" "$BUILD/berth" gc --config "$WORK/config.yml" --grace 0s
check "and no more than that" answers "/v2/kept/app/blobs/$(blob_of "shared")" 200

check "the server is stopped" server_stop
check "without a server it is deleted, too" says "kept/app: 1 manifests" repository delete kept/app
check "nothing is left" lists ""
finish
