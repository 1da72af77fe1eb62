#!/bin/bash
# Goal: `berth du` tells at once what each repository holds, with a server and without; a quota turns away what is too much
# and says how to make room.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

# image REPOSITORY TAG BYTES: pushes one of a config of so many bytes, the same for the same number.
image() {
    head -c "$3" /dev/zero | tr '\0' "${3:0:1}" >"$WORK/blob"
    blob_push "$1" "$WORK/blob"
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}' \
        "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" "$3" >"$WORK/manifest"
    manifest_push "$1" "$2" "$WORK/manifest" "$OCI_MANIFEST"
    [[ $STATUS == 201 ]] || show_answer
    MANIFEST=$(stat -c %s "$WORK/manifest")
}
du() { "$BUILD/berth" du "$@" --config "$WORK/config.yml"; }
json() { du --json "${@:3}" | jq -c "$1" >"$WORK/json"; [[ $(tr '\n' ' ' <"$WORK/json") == "$2" ]] || { cat "$WORK/json"; return 1; }; }
row() { du "${@:2}" | sed 's/  */ /g; s/^ //' | grep -qx -- "$1" || { du "${@:2}"; return 1; }; }

check "nothing is nothing" says "0 bytes logical, 0 bytes stored in 0 blobs" du
image team-a/app 1 40000
image team-a/app 2 50000
image team-a 1 40000
image team-b/web 1 50000
image team-b/web/deep 1 70000
m=$MANIFEST

check "a repository has what it holds, and what it alone holds" json '.unique' "$m $((2 * m)) $m $((m + 70000)) null "
check "with its manifests and tags" json '[.repository,.logical,.blobs,.manifests,.tags]' \
    "[\"team-a\",$((40000 + m)),1,1,1] [\"team-a/app\",$((90000 + 2 * m)),2,2,2] [\"team-b/web\",$((50000 + m)),1,1,1] [\"team-b/web/deep\",$((70000 + m)),1,1,1] [null,null,null,null,null] "
check "in all every blob is stored once" json 'select(.total).total' "{\"logical\":$((250000 + 5 * m)),\"stored\":160000,\"blobs\":3} "
check "a path is what is at and below it" json '.repository' '"team-b/web" "team-b/web/deep" ' team-b/
check "paths that overlap count once" json '.repository' '"team-a" "team-a/app" ' team-a team-a/app team-a
check "teams are summed up" json '[.path,.logical,.blobs,.tags]' "[\"team-a\",$((130000 + 3 * m)),3,3] [\"team-b\",$((120000 + 2 * m)),2,2] [null,null,null,null] " --depth 1
check "people see sizes they can read" row "88.4 KiB 500 bytes 2 2 2 team-a/app"
check "and how much sharing saves" says "156.2 KiB stored in 3 blobs: 1.57 times as much" du
check "and the sum of what they asked for" says "68.8 KiB unique in all" du team-b
check "a path with nothing is an error" exits 3 du team-c
check "part of a name is no path" exits 3 du team
check "a depth that is none is a mistake" exits 2 du --depth 0
check "the server is stopped" server_stop
check "without a server the answer is the same" json '.unique' "$m $((2 * m)) $m $((m + 70000)) null "

export REGISTRY_STORAGE_QUOTAS='[{prefix: team-a/, limit: 150KB}]'
check "with a quota the server starts again" server_start
head -c 30000 /dev/urandom >"$WORK/large"
blob_push team-a/new "$WORK/large"
check "more than the quota is refused" error_is 403 DENIED
check "the answer says which quota, how much is used, and who can help" grep -q 'the quota of \\"team-a\\" is 146.5 KiB, 127.7 KiB are stored.*ask the administrator' "$BODY"
blob_push team-b/new "$WORK/large"
check "others are not concerned" status_is 201
check "a deleted repository" says "team-a/app: 2 manifests" "$BUILD/berth" repository delete team-a/app --config "$WORK/config.yml"
blob_push team-a/new "$WORK/large"
check "makes room at once" status_is 201
finish
