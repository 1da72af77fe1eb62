#!/bin/bash
# Goal: `berth fsck` beside a stopped server: clean when all is well; a manifest whose bytes rotted in the metadata goes to
# quarantine with its tag, damaged and missing files are named with those who need them, and after a push all is well.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

# image REPOSITORY TAG CONTENT: pushes it; its digest in $DIGEST.
image() {
    printf '%s' "$3" >"$WORK/blob"
    blob_push "$1" "$WORK/blob"
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[],"annotations":{"note":"about %s"}}' \
        "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" "${#3}" "$3" >"$WORK/manifest"
    DIGEST=$(digest_of "$WORK/manifest")
    manifest_push "$1" "$2" "$WORK/manifest" "$OCI_MANIFEST"
    [[ $STATUS == 201 ]] || show_answer
}
blob_file() { local hex; hex=$(printf '%s' "$1" | sha256sum | cut -d' ' -f1); echo "$WORK/data/blobs/sha256/${hex:0:2}/$hex"; }
fsck() { "$BUILD/berth" fsck --config "$WORK/config.yml" "$@"; }
manifest_there() { request GET "/v2/$1/manifests/$2" -H "Accept: $OCI_MANIFEST"; [[ $STATUS == "$3" ]] || { show_answer; return 1; }; }

image fsck/sound 1 "sound"
image fsck/damaged 1 "damaged"
image fsck/gone 1 "gone"
image fsck/rotten 1 "rotten"
rotten=$DIGEST

check "beside a server fsck refuses and says why" fails_saying "in use by process" fsck
check "the server stops" server_stop
check "all is well" says "4 blobs, 22 bytes: 0 damaged, 0 missing; metadata:" fsck
check "with exit status 0" exits 0 fsck --dry-run
check "for programs, too" says '"clean":true' fsck --json
check "a data directory that is not there is not made" fails_saying "is not there" env REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/none" "$BUILD/berth" fsck --config "$WORK/config.yml"

printf 'DAMAGED' >"$(blob_file damaged)"
rm "$(blob_file gone)"
# The bytes of a manifest rot in the metadata.
python3 - "$WORK/data/meta/data.mdb" <<'END'
import sys
with open(sys.argv[1], "r+b") as file:
    data = file.read()
    assert b"about rotten" in data
    file.seek(0)
    file.write(data.replace(b"about rotten", b"about r0tten"))
END

check "damage means exit status 1" exits 1 fsck --dry-run
fsck --dry-run >"$WORK/dry.out"
check "a dry run names the manifest" grep -q "manifests fsck/rotten $rotten is one too many: its bytes have another digest" "$WORK/dry.out"
check "the damaged file and who needs it" grep -q "is damaged: its bytes have another digest; needed by fsck/damaged:1" "$WORK/dry.out"
check "the missing one and who needs it" grep -q "is missing: its file is missing; needed by fsck/gone:1" "$WORK/dry.out"
check "and changes nothing" test ! -e "$WORK/data/quarantine"

check "fsck repairs what can be, and says that damage was found" exits 1 fsck
check "the manifest is kept for people" grep -q "about r0tten" "$WORK/data/quarantine/manifest-sha256-${rotten#sha256:}"
check "the damaged file as well" grep -q DAMAGED "$WORK/data/quarantine/sha256-$(basename "$(blob_file damaged)")"
fsck --json >"$WORK/json.out"
check "after it the metadata is whole" jq -es '.[-1] | .findings == 0 and .missing == 2 and .damaged == 0' "$WORK/json.out"
check "and both files are missing" jq -es '[.[] | select(.what == "blob") | .neededBy[0].repository] | sort == ["fsck/damaged", "fsck/gone"]' "$WORK/json.out"

check "the server starts" server_start
check "what is sound is served" manifest_there fsck/sound 1 200
check "the rotten manifest is not" manifest_there fsck/rotten 1 404
image fsck/damaged 1 "damaged"
image fsck/gone 1 "gone"
image fsck/rotten 1 "rotten"
for content in damaged gone rotten; do
    check "after a push $content is served" manifest_there "fsck/$content" 1 200
    printf '%s' "$content" >"$WORK/blob"
    request GET "/v2/fsck/$content/blobs/$(digest_of "$WORK/blob")"
    check "with its blob" body_is_file "$WORK/blob"
done
check "the server stops again" server_stop
check "and fsck finds nothing" says "4 blobs, 22 bytes: 0 damaged, 0 missing" fsck
finish
