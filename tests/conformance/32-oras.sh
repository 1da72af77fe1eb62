#!/bin/bash
# Goal: ORAS: artifacts pushed and pulled as files, attached to an image and discovered, tags listed, copied, deleted.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../e2e/images.sh"
server_setup && server_start || exit 1
make_layout "$WORK/layout" || exit 1
oras() { (cd "$WORK" && "$GO_BIN/oras" "$@"); }

check "without the CA oras fails on the certificate" fails_saying x509 env -u SSL_CERT_FILE "$GO_BIN/oras" repo tags "$REG/none"
login() { oras login "$REG" -u "$ALICE" --password-stdin <<<"$ALICE_PASSWORD"; } # on standard input
check "oras login" login
check "oras copy from a layout" oras copy --from-oci-layout "$WORK/layout:multi" "$REG/oras/multi:1"
head -c 100000 /dev/urandom >"$WORK/data.bin"
check "oras push" oras push --artifact-type application/vnd.example.data "$REG/oras/data:1" data.bin:application/octet-stream
mkdir "$WORK/pulled"
check "oras pull" oras pull -o pulled "$REG/oras/data:1"
check "the file came back" cmp "$WORK/data.bin" "$WORK/pulled/data.bin"
echo '{"kind":"sbom"}' >"$WORK/sbom.json"
check "oras attach" oras attach --artifact-type application/vnd.example.sbom "$REG/oras/multi:1" sbom.json:application/json
check "oras discover" says application/vnd.example.sbom oras discover "$REG/oras/multi:1"
check "no tag was made for it" says 1 oras repo tags "$REG/oras/multi"
check "oras tag" oras tag "$REG/oras/data:1" 2
check "both tags are listed" says 2 oras repo tags "$REG/oras/data"
check "oras copy with referrers" oras copy -r "$REG/oras/multi:1" "$REG/oras/copy:1"
check "the copy has them" says application/vnd.example.sbom oras discover "$REG/oras/copy:1"
check "oras repo ls" says oras/copy oras repo ls "$REG"
check "oras manifest delete" oras manifest delete --force "$REG/oras/data:1"
check "what was deleted is gone" fails_saying 'not found' oras manifest fetch "$REG/oras/data:1"
finish
