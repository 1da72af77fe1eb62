#!/bin/bash
# Goal: Skopeo: a multi-architecture index copied whole and back, inspected, listed, converted between the OCI
# and Docker formats, copied between repositories, and deleted.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
make_layout "$WORK/layout" || exit 1
export REGISTRY_AUTH_FILE=$WORK/auth.json
certs=(--cert-dir "$WORK/certs")
mkdir "$WORK/certs"

login() { skopeo login --cert-dir "$WORK/certs" -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD"; }
check "without the CA skopeo login fails on the certificate" fails_saying x509 login
cp "$CA" "$WORK/certs/ca.crt"
check "skopeo login" says 'Login Succeeded' login

check "skopeo copy --all of an index" skopeo copy --all --dest-cert-dir "$WORK/certs" "oci:$WORK/layout:multi" "docker://$REG/multi:1"
check "skopeo inspect --raw returns the very bytes of the index" says '"architecture": "arm64"' skopeo inspect --raw "${certs[@]}" "docker://$REG/multi:1"
index=$(jq -r '.manifests[0].digest' "$WORK/layout/index.json")
request GET /v2/multi/manifests/1 -H "Accept: $OCI_INDEX"
check "the index is stored byte for byte" body_is_file "$WORK/layout/blobs/sha256/${index#sha256:}"
check "as an OCI index" header_is Content-Type "$OCI_INDEX"
check "skopeo inspect of another platform" says '"Architecture": "arm64"' skopeo inspect --override-arch arm64 "${certs[@]}" "docker://$REG/multi:1"
check "skopeo inspect by digest" says "$index" skopeo inspect "${certs[@]}" "docker://$REG/multi@$index"
check "skopeo copy --all back to disk" skopeo copy --all --src-cert-dir "$WORK/certs" "docker://$REG/multi:1" "oci:$WORK/back:multi"
check "what comes back is what went in" diff -r "$WORK/layout/blobs" "$WORK/back/blobs"

both=(--src-cert-dir "$WORK/certs" --dest-cert-dir "$WORK/certs")
check "skopeo converts to Docker schema 2" skopeo copy "${both[@]}" --format v2s2 "docker://$REG/multi:1" "docker://$REG/converted:docker"
request GET /v2/converted/manifests/docker -H "Accept: $DOCKER_MANIFEST"
check "stored as schema 2" header_is Content-Type "$DOCKER_MANIFEST"
check "skopeo converts it back to OCI" skopeo copy "${both[@]}" --format oci "docker://$REG/converted:docker" "docker://$REG/converted:oci"
request GET /v2/converted/manifests/oci -H "Accept: $OCI_MANIFEST"
check "stored as OCI" header_is Content-Type "$OCI_MANIFEST"
check "an index becomes a manifest list" skopeo copy --all "${both[@]}" --format v2s2 "docker://$REG/multi:1" "docker://$REG/converted:list"
request GET /v2/converted/manifests/list -H "Accept: $DOCKER_LIST"
check "stored as a manifest list" header_is Content-Type "$DOCKER_LIST"
check "a schema 1 manifest is refused" fails_saying 'manifest invalid' skopeo copy "${both[@]}" --format v2s1 "docker://$REG/multi:1" "docker://$REG/converted:old"

check "skopeo copy between repositories" skopeo copy --all "${both[@]}" "docker://$REG/multi:1" "docker://$REG/team/copy:1"
check "skopeo copy of one platform" skopeo copy "${both[@]}" "docker://$REG/converted:docker" "docker://$REG/multi:2"
check "skopeo list-tags" says '"list"' skopeo list-tags "${certs[@]}" "docker://$REG/converted"
check "skopeo delete" skopeo delete "${certs[@]}" "docker://$REG/multi:2"
check "what was deleted is gone" fails_saying 'manifest unknown' skopeo inspect "${certs[@]}" "docker://$REG/multi:2"
check "its neighbour is not" skopeo inspect "${certs[@]}" "docker://$REG/multi:1"
mkdir "$WORK/mirror"
check "skopeo sync of a repository to disk" skopeo sync --all --src docker --dest dir --src-cert-dir "$WORK/certs" "$REG/team/copy" "$WORK/mirror"
finish
