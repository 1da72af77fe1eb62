#!/bin/bash
# Goal: Buildah and umoci: an image built without a daemon is pushed, built upon by another host, and unpacked.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
export REGISTRY_AUTH_FILE=$WORK/auth.json
build() { buildah --storage-driver vfs "$@"; }
login() { build login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD"; }

trust_by_docker "$REG"
check "buildah login" says 'Login Succeeded' login
make_program "$WORK/context/hello" "hello from buildah"
printf 'FROM scratch\nCOPY hello /hello\nCMD ["/hello"]\n' >"$WORK/context/Dockerfile"
check "buildah build" build build --isolation chroot -t base "$WORK/context"
check "buildah push" build push --digestfile "$WORK/digest" base "docker://$REG/builds/base:1"
request HEAD "/v2/builds/base/manifests/$(cat "$WORK/digest")" -H "Accept: $OCI_MANIFEST"
check "the digest that buildah tells is there" status_is 200
build rmi -fa >/dev/null 2>&1

printf 'FROM %s/builds/base:1\nCOPY hello /second\n' "$REG" >"$WORK/context/Dockerfile"
check "buildah builds upon the registry's image" build build --isolation chroot --layers -t next "$WORK/context"
check "and pushes in both formats" build push --format v2s2 next "docker://$REG/builds/next:docker"
check "and pushes in both formats, OCI" build push --format oci next "docker://$REG/builds/next:oci"
build rmi -fa >/dev/null 2>&1
check "buildah pull" build pull "$REG/builds/next:oci"

check "skopeo fetches it as a layout" skopeo copy "docker://$REG/builds/next:oci" "oci:$WORK/layout:next"
check "umoci unpacks it" umoci unpack --image "$WORK/layout:next" "$WORK/bundle"
check "with the files that were built in" "$WORK/bundle/rootfs/second"
printf 'changed\n' >"$WORK/bundle/rootfs/changed"
check "umoci adds a layer" umoci repack --image "$WORK/layout:changed" "$WORK/bundle"
check "which is pushed" skopeo copy "oci:$WORK/layout:changed" "docker://$REG/builds/next:changed"
request GET /v2/builds/next/tags/list
check "the tags are there" json_is .tags '["changed","docker","oci"]'
finish
