#!/bin/bash
# Goal: Podman: login, push, pull and run; layers compressed with zstd; manifest lists; search.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
export REGISTRY_AUTH_FILE=$WORK/auth.json
pod() { podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend none --network-cmd-path /bin/false "$@"; }
run() { pod --runtime "$(command -v runc)" run --rm --network none "$@"; }
login() { pod login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD"; }

check "without the CA podman login fails on the certificate" fails_saying x509 login
mkdir -p "/etc/containers/certs.d/$REG"
cp "$CA" "/etc/containers/certs.d/$REG/ca.crt"
check "podman login" says 'Login Succeeded' login

# import NAME TEXT
import() {
    rm -rf "$WORK/root"
    make_program "$WORK/root/hello" "$2" && tar -C "$WORK/root" -cf "$WORK/root.tar" . && pod import -c 'CMD ["/hello"]' "$WORK/root.tar" "$1"
}
check "podman import" import hello:1 "hello from podman"
check "podman push" pod push hello:1 "$REG/pod/hello:1"
check "podman push in Docker's format" pod push --format v2s2 hello:1 "$REG/pod/hello:docker"
# A layer that the registry has not seen: Podman would use the copy it knows to be there.
import hello:2 "podman, compressed with zstd" >/dev/null 2>&1
check "podman push with zstd layers" pod push --compression-format zstd hello:2 "$REG/pod/hello:zstd"
request GET /v2/pod/hello/manifests/zstd -H "Accept: $OCI_MANIFEST"
check "the layer is stored as zstd" json_is '.layers[0].mediaType' '"application/vnd.oci.image.layer.v1.tar+zstd"'
for tag in 1 docker zstd; do
    pod rmi -fa >/dev/null 2>&1
    check "podman run pulls and runs tag $tag" says podman run "$REG/pod/hello:$tag"
done
digest=$(pod image inspect --format '{{.Digest}}' "$REG/pod/hello:zstd")
pod rmi -fa >/dev/null 2>&1
check "podman pull by digest" pod pull "$REG/pod/hello@$digest"
check "podman pull of what is not there: a clear answer" fails_saying 'manifest unknown' pod pull "$REG/pod/none"

pod pull "$REG/pod/hello:1" >/dev/null 2>&1
check "podman manifest create" pod manifest create several
check "podman manifest add" pod manifest add several "containers-storage:$REG/pod/hello:1"
check "podman manifest push --all" pod manifest push --all several "docker://$REG/pod/several:1"
pod rmi -fa >/dev/null 2>&1
check "podman runs from the list" says 'hello from podman' run "$REG/pod/several:1"
check "podman search --list-tags" says zstd pod search --list-tags "$REG/pod/hello"
check "podman search lists the catalog" says pod/several pod search "$REG/"
check "podman logout" pod logout "$REG"
check "after logout a pull is refused" fails_saying 'authentication required' pod pull "$REG/pod/hello:1"
finish
