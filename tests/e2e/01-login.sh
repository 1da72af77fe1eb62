#!/bin/bash
# Goal: who may in. Without a password nothing is told but the challenge; with one, the registry answers as
# guides and menu programs expect it (use-cases: curl /v2/, _catalog, tags/list).
. "$(dirname "$0")/lib.sh"
check "certificates, users and configuration are made" server_setup
check "the server starts" server_start

request_as "" GET /v2/
check "without credentials the root is refused as UNAUTHORIZED" error_is 401 UNAUTHORIZED
check "the challenge is Basic with the configured realm" header_is WWW-Authenticate 'Basic realm="Registry Realm"'
check "the refusal names the protocol's version" header_is Docker-Distribution-API-Version registry/2.0
check "the refusal is JSON" says application/json header Content-Type
for path in /v2/_catalog /v2/app/tags/list /v2/app/manifests/latest /v2/app/blobs/sha256:$(printf '0%.0s' {1..64}); do
    request_as "" GET "$path"
    check "without credentials $path is refused" error_is 401 UNAUTHORIZED
done
request_as "" POST /v2/app/blobs/uploads/
check "without credentials an upload is refused" error_is 401 UNAUTHORIZED
request_as "$ALICE:wrong" GET /v2/
check "a wrong password is refused" error_is 401 UNAUTHORIZED
# Date and request id differ in any two answers.
words() { grep -vE '^(Date|X-Request-Id):' "$HEAD" && cat "$BODY"; }
words >"$WORK/words"
request_as "nobody:$ALICE_PASSWORD" GET /v2/
check "an unknown user is refused" error_is 401 UNAUTHORIZED
check "in the same words" diff "$WORK/words" <(words)
request_as "" GET /v2/ -H 'Authorization: Basic !!!'
check "a credential that is not base64 is refused" error_is 401 UNAUTHORIZED
request_as "" GET /v2/ -H 'Authorization: Bearer abc'
check "a kind of credential that is not served is refused" error_is 401 UNAUTHORIZED

request GET /v2/
check "with a password the root answers 200" status_is 200
check "the root's body is {}" body_is '{}'
request HEAD /v2/
check "HEAD of the root answers 200" status_is 200
request GET /v2/_catalog
check "an empty registry lists no repositories" json_is .repositories '[]'
request GET /v2/nothing/here/tags/list
check "tags of an unknown repository: NAME_UNKNOWN" error_is 404 NAME_UNKNOWN
request GET /v2/nothing/here/manifests/latest
check "a manifest of an unknown repository is not found" status_is 404

printf 'hello' >"$WORK/blob"
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":5},"layers":[]}' \
    "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" >"$WORK/manifest"
blob_push hello-world "$WORK/blob"
check "a blob is pushed" status_is 201
for tag in latest 1.0 1.1; do
    manifest_push hello-world "$tag" "$WORK/manifest" "$OCI_MANIFEST"
    check "tag $tag is pushed" status_is 201
done
request GET /v2/_catalog
check "the catalog lists the image" body_is '{"repositories":["hello-world"]}'
request GET /v2/hello-world/tags/list
check "its tags are listed in order" json_is '[.name,.tags]' '["hello-world",["1.0","1.1","latest"]]'

check "TLS is refused to a client that does not know the CA" exits 60 curl -sS --user "$ALICE:$ALICE_PASSWORD" "https://$REG/v2/"
check "TLS 1.1 is refused" fails_saying 'alert protocol version' curl -sS --cacert "$CA" --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 "https://$REG/v2/"
for host in localhost 127.0.0.1 192.0.2.1 '[::1]' '[2001:db8::5]' registry6.test; do
    request GET "https://$host:$PORT/v2/"
    check "the certificate and the server answer to $host" status_is 200
done
finish
