#!/bin/bash
# Goal: whoever moved or deleted a tag by mistake, or an image by its digest, sees what happened and puts it back, beside
# a server that runs and without one; real clients pull it again. What cannot be put back is said with the reason.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
check "a Docker daemon runs" start_dockerd || exit 1
trust_by_docker "$REG"
docker login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD" >/dev/null 2>&1
tags() { "$BUILD/berth" tags "$@" --config "$WORK/config.yml"; }
digest_at() { request HEAD "/v2/$1/manifests/$2" -H "Accept: $OCI_MANIFEST, $OCI_INDEX, $DOCKER_MANIFEST, $DOCKER_LIST"; header Docker-Content-Digest; }
# push NAME TEXT: an image that prints TEXT.
push() { import_image "$REG/$1" "$2" >/dev/null && docker push "$REG/$1" && docker rmi -f "$REG/$1"; }
runs() { docker run --rm --network none "$REG/$1"; }
forget() { docker rmi -f "$REG/$1" >/dev/null; }

check "an image is pushed" push team/app:v1 "the good one"
good=$(digest_at team/app v1)
check "and another to the same tag" push team/app:v1 "the bad one"
bad=$(digest_at team/app v1)
check "the history says where the tag was moved from and to" says "v1 moved: $good to $bad" tags history team/app:v1
check "and when it came" says "v1 created: - to $good" tags history team/app:v1
newest() { [[ $(tags history team/app:v1 --json | head -n 1 | jq -r "$1") == "$2" ]]; }
check "for programs the newest comes first" newest .event moved
check "with both digests" newest '.from + " " + .to' "$good $bad"
check "the list says where it points to and that nobody pulled it" says "$bad  moved " tags list team/app
check "restore moves it back" says "team/app:v1 points to $good again, no longer to $bad" tags restore team/app:v1
check "Docker runs the good one again" says "the good one" runs team/app:v1
forget team/app:v1
check "restore undoes the restoring, too" says "points to $bad again" tags restore team/app:v1
check "a digest may be named" says "points to $good again" tags restore team/app:v1 --digest "$good"
check "but not where the tag is already" exits 1 tags restore team/app:v1 --digest "$good"

sleep 2
moment=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 2
request DELETE /v2/team/app/manifests/v1
check "the tag is deleted" status_is 202
check "restore puts it back" says "points to $good again" tags restore team/app:v1
check "what did not happen cannot be undone" fails_saying "nothing is known of what happened to tag v9" tags restore team/app:v9
check "nor before the tag was there" fails_saying "there was no tag v1 then" tags restore team/app:v1 --at 24h

skopeo login -u "$ALICE" --password-stdin "$REG" <<<"$ALICE_PASSWORD" >/dev/null 2>&1
check "skopeo deletes the image by its digest" skopeo delete "docker://$REG/team/app:v1"
check "it is gone" fails docker pull "$REG/team/app:v1"
check "the history says so" says "v1 deleted with its manifest: $good to -" tags history team/app:v1
check "that of the repository names the manifest" says "manifest deleted: $good" tags history team/app
check "its blobs stay for the grace" says "0 blobs removed" "$BUILD/berth" gc "$WORK/config.yml" --delete-untagged
check "restore to a moment puts the image back" says "1 deleted manifest put back" tags restore team/app:v1 --at "$moment"
check "Docker runs it from the registry" says "the good one" runs team/app:v1
forget team/app:v1

make_layout "$WORK/layout"
check "skopeo pushes an index" skopeo copy --all "oci:$WORK/layout:multi" "docker://$REG/team/multi:1"
index=$(digest_at team/multi 1)
request GET "/v2/team/multi/manifests/1" -H "Accept: $OCI_INDEX"
mapfile -t children < <(jq -r '.manifests[].digest' "$BODY")
for digest in "$index" "${children[@]}"; do request DELETE "/v2/team/multi/manifests/$digest"; done
check "the index and its images are deleted" status_is 202
check "the server is stopped" server_stop
check "restore works without a server, with the images of the index" says "$((${#children[@]} + 1)) deleted manifests put back" tags restore team/multi:1
check "the server starts again" server_start
check "the whole index can be pulled" skopeo copy --all "docker://$REG/team/multi:1" "oci:$WORK/back:multi"
check "with its digest" [ "$(digest_at team/multi 1)" == "$index" ]

request DELETE "/v2/team/app/manifests/$good"
check "the image is deleted once more" status_is 202
sleep 1.1
check "and its blobs are freed at once" "$BUILD/berth" gc "$WORK/config.yml" --grace 0s
check "now it cannot be put back, and the blob is named" fails_saying "something of its image is gone: team/app: manifest $good names blob sha256:" tags restore team/app:v1
check "the history is forgotten when somebody says so" says "of the history forgotten" "$BUILD/berth" gc "$WORK/config.yml" --forget-history
check "and nothing is known any more" fails_saying "nothing is known" tags restore team/app:v1
check "an unknown repository is said to be one" exits 3 tags list nobody/knows
check "a name with the registry's host is refused" exits 2 tags list "$REG/team/app"
check "restore wants a tag" exits 2 tags restore team/app
check "a time that is none is refused" fails_saying "is no time" tags restore team/app:v1 --at yesterday
read_only() { server_stop && server_start env REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true; }
check "the server becomes read-only" read_only
check "history is shown" tags history team/multi
check "nothing is restored" fails_saying "read-only" tags restore team/multi:1 --digest "$good"
finish
