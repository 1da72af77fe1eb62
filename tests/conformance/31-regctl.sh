#!/bin/bash
# Goal: regctl: copy of an index with its referrers, artifacts attached and found by the referrers API, listed by
# type, tags deleted without their images, images deleted, blobs put and read.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../e2e/images.sh"
server_setup && server_start || exit 1
make_layout "$WORK/layout" || exit 1
regctl() { "$GO_BIN/regctl" "$@"; }

# The password comes on standard input.
login() { regctl registry login "$REG" -u "$ALICE" --pass-stdin <<<"$ALICE_PASSWORD"; }
check "without the CA regctl fails on the certificate" fails_saying x509 env -u SSL_CERT_FILE "$GO_BIN/regctl" tag ls "$REG/none"
check "regctl registry login" login
check "regctl image copy from a layout" regctl image copy "ocidir://$WORK/layout:multi" "$REG/regctl/multi:1"
check "regctl manifest get shows all platforms" says 'linux/arm64' regctl manifest get "$REG/regctl/multi:1"
index=$(jq -r '.manifests[0].digest' "$WORK/layout/index.json")
check "the digest is the layout's" says "$index" regctl manifest head "$REG/regctl/multi:1"

for kind in sbom signature; do
    printf '{"kind":"%s"}' "$kind" >"$WORK/$kind.json"
    check "regctl artifact put: a $kind" regctl artifact put --subject "$REG/regctl/multi:1" \
        --artifact-type "application/vnd.example.$kind" -f "$WORK/$kind.json" --file-media-type application/json
done
check "both are found" says 'application/vnd.example.sbom' regctl artifact list "$REG/regctl/multi:1"
check "and by their type" says 'application/vnd.example.signature' regctl artifact list --filter-artifact-type application/vnd.example.signature "$REG/regctl/multi:1"
check "no tag was made for them" says 1 regctl tag ls "$REG/regctl/multi"
request GET "/v2/regctl/multi/referrers/$index"
check "the referrers API lists two" json_is '.manifests | length' 2
check "regctl artifact get" says '"kind":"sbom"' regctl artifact get --subject "$REG/regctl/multi:1" --filter-artifact-type application/vnd.example.sbom
check "regctl image copy with referrers" regctl image copy --referrers "$REG/regctl/multi:1" "$REG/regctl/copy:1"
check "the copy has them" says 'application/vnd.example.signature' regctl artifact list "$REG/regctl/copy:1"

check "regctl image copy sets another tag" regctl image copy "$REG/regctl/multi:1" "$REG/regctl/multi:2"
check "regctl tag delete" regctl tag delete "$REG/regctl/multi:2"
check "the other tag stays" regctl manifest head "$REG/regctl/multi:1"
check "regctl blob put" says sha256: bash -c "echo blob | '$GO_BIN/regctl' blob put '$REG/regctl/blobs'"
check "regctl blob get" says blob regctl blob get "$REG/regctl/blobs" "$(echo blob | sha256sum | sed 's/^/sha256:/;s/ .*//')"
check "regctl blob copy mounts" regctl blob copy "$REG/regctl/blobs" "$REG/regctl/mounted" "$(echo blob | sha256sum | sed 's/^/sha256:/;s/ .*//')"
check "regctl repo ls" says regctl/copy regctl repo ls "$REG"
check "regctl manifest delete" regctl manifest delete "$REG/regctl/copy@$index"
check "what was deleted is gone" fails_saying 'not found' regctl manifest head "$REG/regctl/copy:1"
finish
