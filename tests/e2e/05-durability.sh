#!/bin/bash
# Goal: what was acknowledged is there after an orderly stop and after SIGKILL; uploads go on where they stood;
# a second server on the same data is refused; a stop lets running requests finish and exits 0.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1
head -c 2000000 /dev/urandom >"$WORK/blob"
blob=$(digest_of "$WORK/blob")
blob_push kept/app "$WORK/blob"
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2000000},"layers":[]}' \
    "$OCI_MANIFEST" "$blob" >"$WORK/manifest"
manifest_push kept/app 1 "$WORK/manifest" "$OCI_MANIFEST"
check "an image is pushed" status_is 201
all_there() {
    request GET "/v2/kept/app/blobs/$blob" && body_is_file "$WORK/blob" &&
        request GET /v2/kept/app/manifests/1 -H "Accept: $OCI_MANIFEST" && body_is_file "$WORK/manifest" &&
        request GET /v2/kept/app/tags/list && json_is .tags '["1"]'
}

check "the server exits 0 on SIGTERM" server_stop
check "it starts again" server_start
check "and everything is there" all_there

head -c 1000000 /dev/urandom >"$WORK/half"
request POST /v2/kept/app/blobs/uploads/
request PATCH "$(header Location)" -H 'Content-Type: application/octet-stream' --data-binary "@$WORK/half"
session=$(header Location)
session=/v2/${session#*/v2/}
check "half an upload is acknowledged" header_is Range 0-999999
server_kill
check "after SIGKILL it starts at once" server_start
check "and everything is there" all_there
request GET "$session"
check "the upload is where it was" header_is Range 0-999999
cat "$WORK/half" "$WORK/blob" >"$WORK/whole"
request PATCH "$session" -H 'Content-Type: application/octet-stream' -H 'Content-Range: 1000000-2999999' --data-binary "@$WORK/blob"
check "and goes on" status_is 202
request PUT "$(with "$(header Location)" "digest=$(digest_of "$WORK/whole")")" -H 'Content-Length: 0'
check "to its end" status_is 201
request GET "/v2/kept/app/blobs/$(digest_of "$WORK/whole")"
check "with the right bytes" body_is_file "$WORK/whole"

# Each acknowledged change, then SIGKILL with no time between.
for n in 1 2 3 4 5; do
    printf 'blob %s' "$n" >"$WORK/small"
    blob_push "kept/kill-$n" "$WORK/small"
    [[ $STATUS == 201 ]] && request PUT "/v2/kept/kill-$n/manifests/t" -H "Content-Type: $OCI_MANIFEST" \
        --data-binary "{\"schemaVersion\":2,\"mediaType\":\"$OCI_MANIFEST\",\"config\":{\"mediaType\":\"x/y\",\"digest\":\"$(digest_of "$WORK/small")\",\"size\":6},\"layers\":[]}"
    answer=$STATUS
    server_kill
    server_start
    check "manifest $n was acknowledged" [ "$answer" = 201 ]
    request GET "/v2/kept/kill-$n/manifests/t" -H "Accept: $OCI_MANIFEST"
    check "and is there after SIGKILL" status_is 200
done
request DELETE /v2/kept/kill-1/manifests/t
server_kill
server_start
request GET /v2/kept/kill-1/manifests/t -H "Accept: $OCI_MANIFEST"
check "a deletion that was acknowledged stays deleted after SIGKILL" status_is 404

sed "s/:$PORT/:5999/" "$WORK/config.yml" >"$WORK/second.yml"
check "a second server on the same data is refused, saying where" fails_saying "$WORK/data" timeout 10 "$BUILD/berth" serve "$WORK/second.yml"
check "and the first one is not disturbed" all_there

# A download that takes about three seconds while the server is told to stop.
truncate -s 30000000 "$WORK/large"
blob_push kept/large "$WORK/large"
curl -sS --cacert "$CA" --user "$ALICE:$ALICE_PASSWORD" --limit-rate 10M -o "$WORK/got" "https://$REG/v2/kept/large/blobs/$(digest_of "$WORK/large")" &
download=$!
sleep 1
check "told to stop under load the server exits 0" server_stop
check "the running download ends well" wait $download
check "and is whole" cmp "$WORK/large" "$WORK/got"
finish
