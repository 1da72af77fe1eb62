#!/bin/bash
# Goal: one layer of an image rots on disk and another is lost: pulls fail and say so, `berth scrub` finds both and names
# the image, and a push repairs them: from the host that pushed before, and from one that has never talked to the registry.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
check "a Docker daemon runs" start_dockerd || exit 1
trust_by_docker "$REG"
docker login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD" >/dev/null 2>&1

import_image base:1 "hello after the damage" >/dev/null || exit 1
mkdir "$WORK/context"
head -c 300000 /dev/urandom >"$WORK/context/more"
printf 'FROM base:1\nCOPY more /more\nCMD ["/hello"]\n' >"$WORK/context/Dockerfile"
DOCKER_BUILDKIT=0 docker build --network none -t "$REG/team/app:1" "$WORK/context" >/dev/null 2>&1
check "an image of two layers is pushed" docker push "$REG/team/app:1"
export REGISTRY_AUTH_FILE=$WORK/auth.json
skopeo login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD" >/dev/null
check "and copied away, as another host would have it" skopeo copy "docker://$REG/team/app:1" "dir:$WORK/copy"

request GET /v2/team/app/manifests/1 -H "Accept: $DOCKER_MANIFEST, $OCI_MANIFEST"
rotten=$(jq -r '.layers[0].digest' "$BODY")
lost=$(jq -r '.layers[1].digest' "$BODY")
blob_file() { echo "$WORK/data/blobs/sha256/${1:7:2}/${1:7}"; }
# Some bytes in the middle are others, the length is the same.
rot() { printf 'ROTTEN' | dd of="$(blob_file "$rotten")" bs=1 seek=1000 conv=notrunc status=none; }
lose() { rm "$(blob_file "$lost")"; }
# Images that others are built upon go only after those.
forget_all() {
    local ids
    for _ in 1 2 3 4 5; do
        ids=$(docker images -aq | sort -u)
        [[ -n $ids ]] || return 0
        # shellcheck disable=SC2086
        docker rmi -f $ids >/dev/null 2>&1
    done
    [[ -z $(docker images -aq) ]]
}
fresh_pull() { forget_all; docker pull "$REG/team/app:1"; }
fresh_run() { forget_all; docker run --rm --network none "$REG/team/app:1"; }
scrub() { "$BUILD/berth" scrub --config "$WORK/config.yml" "$@"; }

docker tag "$REG/team/app:1" keep:1
docker save -o "$WORK/keep.tar" keep:1 "$REG/team/app:1"

# --- rotten bytes alone ---
rot
check "docker notices rotten bytes" fails_saying 'verification failed' fresh_pull
check "so does skopeo" fails_saying "$rotten" skopeo copy "docker://$REG/team/app:1" "dir:$WORK/nothing"
lose
check "docker says that a layer is not there" fails_saying 'unknown' docker pull "$REG/team/app:1"
log_mark
request GET "/v2/team/app/blobs/$lost"
check "by hand: BLOB_UNKNOWN" error_is 404 BLOB_UNKNOWN
check "with what to do about it" json_is '.errors[0].detail | contains("push it again")' true

check "berth scrub finds damage" exits 1 scrub
scrub --dry-run >"$WORK/scrub.out"
check "what is lost is reported by each scrub" grep -q "blob $lost.* is missing: .*needed by team/app:1" "$WORK/scrub.out"
check "the rotten file was put in quarantine" test -f "$WORK/data/quarantine/sha256-${rotten:7}"
check "and not deleted or changed" grep -q ROTTEN "$WORK/data/quarantine/sha256-${rotten:7}"
check "so it is missing now, and needed by the image" grep -q "blob $rotten.* is missing: .*needed by team/app:1" "$WORK/scrub.out"

# --- from the host that has pushed it before ---
docker load -i "$WORK/keep.tar" >/dev/null
check "the host that pushed it before pushes again" docker push "$REG/team/app:1"
check "then the image runs from the registry" says 'hello after the damage' fresh_run
check "and a scrub finds nothing" says "0 damaged, 0 missing" scrub

# --- from a host that knows nothing of the registry ---
rot
lose
check "damaged again: the scrub names blob and image" fails_saying "blob $rotten" scrub
rm -rf /var/lib/containers/cache
check "another host pushes its copy" skopeo copy "dir:$WORK/copy" "docker://$REG/team/app:1"
check "both files are back" test -f "$(blob_file "$lost")" -a -f "$(blob_file "$rotten")"
check "the image runs from the registry again" says 'hello after the damage' fresh_run
check "a mount between repositories works again" skopeo copy "docker://$REG/team/app:1" "docker://$REG/team/other:1"
check "the second rotten file stands beside the first" test -f "$WORK/data/quarantine/sha256-${rotten:7}.2"

check "the server stops" server_stop
check "berth fsck finds nothing" says "0 damaged, 0 missing" "$BUILD/berth" fsck --config "$WORK/config.yml"
finish
