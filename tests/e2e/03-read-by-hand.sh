#!/bin/bash
# Goal: reading by hand with curl: exact bytes and headers of blobs and manifests, ranges, conditional
# requests, pages of lists, and deletion.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

head -c 10000 /dev/urandom >"$WORK/blob"
blob=$(digest_of "$WORK/blob")
blob_push read "$WORK/blob"
check "a blob is pushed" status_is 201

request HEAD "/v2/read/blobs/$blob"
check "HEAD of a blob answers 200" status_is 200
check "HEAD tells the length" header_is Content-Length 10000
check "HEAD tells the digest" header_is Docker-Content-Digest "$blob"
check "HEAD offers ranges" header_is Accept-Ranges bytes
check "HEAD tells an entity tag" header_is ETag "\"$blob\""
request GET "/v2/read/blobs/$blob" -H 'Range: bytes=500-1499'
check "a range is answered 206" status_is 206
check "the range is named" header_is Content-Range 'bytes 500-1499/10000'
tail -c +501 "$WORK/blob" | head -c 1000 >"$WORK/want"
check "and has the right bytes" body_is_file "$WORK/want"
request GET "/v2/read/blobs/$blob" -H 'Range: bytes=9000-'
tail -c 1000 "$WORK/blob" >"$WORK/want"
check "an open range goes to the end" body_is_file "$WORK/want"
request GET "/v2/read/blobs/$blob" -H 'Range: bytes=-1000'
check "a suffix range counts from the end" body_is_file "$WORK/want"
request GET "/v2/read/blobs/$blob" -H 'Range: bytes=10000-'
check "a range past the end is refused" status_is 416
request GET "/v2/read/blobs/$blob" -H "If-None-Match: \"$blob\""
check "a client that has the blob is told so" status_is 304
curl -sS --cacert "$CA" --user "$ALICE:$ALICE_PASSWORD" -o "$WORK/half" -r 0-4999 "https://$REG/v2/read/blobs/$blob"
curl -sS --cacert "$CA" --user "$ALICE:$ALICE_PASSWORD" -o "$WORK/half" -C - "https://$REG/v2/read/blobs/$blob"
check "curl resumes a half download" cmp "$WORK/blob" "$WORK/half"

# Odd spacing on purpose: a manifest comes back byte for byte.
printf '{ "schemaVersion":2 ,"mediaType":"%s",\n "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":10000}, "layers":[ ] }\n' \
    "$OCI_MANIFEST" "$blob" >"$WORK/manifest"
manifest=$(digest_of "$WORK/manifest")
manifest_push read v1 "$WORK/manifest" "$OCI_MANIFEST"
check "a manifest is pushed" status_is 201
check "the answer names its digest" header_is Docker-Content-Digest "$manifest"
for reference in v1 "$manifest"; do
    request GET "/v2/read/manifests/$reference" -H "Accept: $OCI_MANIFEST"
    check "the manifest comes back byte for byte by ${reference%%:*}" body_is_file "$WORK/manifest"
    check "with its media type" header_is Content-Type "$OCI_MANIFEST"
    check "and its digest" header_is Docker-Content-Digest "$manifest"
    request HEAD "/v2/read/manifests/$reference" -H "Accept: $OCI_MANIFEST"
    check "HEAD tells its length" header_is Content-Length "$(stat -c %s "$WORK/manifest")"
done
request GET /v2/read/manifests/v1 -H "Accept: $DOCKER_MANIFEST"
check "Accept does not convert" header_is Content-Type "$OCI_MANIFEST"
request GET /v2/read/manifests/v1 -H "Accept: $OCI_MANIFEST" -H "If-None-Match: \"$manifest\""
check "a client that has the manifest is told so" status_is 304
request GET /v2/read/manifests/none
check "an unknown tag: MANIFEST_UNKNOWN" error_is 404 MANIFEST_UNKNOWN
request GET "/v2/read/blobs/sha256:$(printf '0%.0s' {1..64})"
check "an unknown blob: BLOB_UNKNOWN" error_is 404 BLOB_UNKNOWN

for tag in v2 v3 v4 v5; do
    manifest_push read $tag "$WORK/manifest" "$OCI_MANIFEST"
done
request GET '/v2/read/tags/list?n=2'
check "a page of tags has n of them" json_is .tags '["v1","v2"]'
next=$(header Link)
check "and names the next page" says 'rel="next"' echo "$next"
next=${next#*<}
request GET "${next%%>*}"
check "the next page goes on" json_is .tags '["v3","v4"]'
for repository in a/x b c/d/e; do
    blob_push $repository "$WORK/blob"
    manifest_push $repository v1 "$WORK/manifest" "$OCI_MANIFEST"
done
request GET '/v2/_catalog?n=3'
check "a page of the catalog has n repositories" json_is .repositories '["a/x","b","c/d/e"]'
request GET '/v2/_catalog?n=3&last=c/d/e'
check "the catalog goes on after last" json_is .repositories '["read"]'

request DELETE /v2/read/manifests/v5
check "a tag is deleted" status_is 202
request GET "/v2/read/manifests/$manifest" -H "Accept: $OCI_MANIFEST"
check "its manifest stays" status_is 200
request DELETE "/v2/read/manifests/$manifest"
check "a manifest is deleted" status_is 202
request GET /v2/read/manifests/v1 -H "Accept: $OCI_MANIFEST"
check "its tags go with it" error_is 404 MANIFEST_UNKNOWN
request DELETE "/v2/read/blobs/$blob"
check "a blob is deleted" status_is 202
request HEAD "/v2/read/blobs/$blob"
check "and gone from this repository" status_is 404
request HEAD "/v2/b/blobs/$blob"
check "but not from another" status_is 200
finish
