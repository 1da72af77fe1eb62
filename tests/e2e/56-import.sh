#!/bin/bash
# Goal: what the real docker-registry has stored is imported without copying a byte of blobs, with the server stopped and
# while it runs, and pulls with the same digests and bytes; odd things are told; a run that is killed is taken up again. And it
# goes back: docker-registry serves what is exported, and what is exported later.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/old_registry.sh"
server_setup && server_config tls=no auth=no || exit 1

import() { "$BUILD/berth" import --config "$WORK/config.yml" "$@"; }
# The bytes below a folder, each file counted once.
bytes_of() { du -s --block-size=1 "$@" | cut -f1; }

check "docker-registry runs" old_start "$WORK/old" || exit 1
check "it is filled" says 228 old_fill
old_pull >"$WORK/old.txt"
check "and pulls" test "$(wc -l <"$WORK/old.txt")" == 228

# --- beside two running servers ---
before=$(bytes_of "$WORK/old")
check "the server starts" server_start
check "a dry run tells what would be taken" says "324 manifests and 228 tags taken" import --dry-run "$WORK/old"
plain() { request GET "http://127.0.0.1:$PORT$1"; }
catalog_is_empty() { plain /v2/_catalog && body_is '{"repositories":[]}'; }
check "and takes nothing" catalog_is_empty
check "all is imported while both serve" says "324 manifests and 228 tags taken, 0 of which pointed elsewhere" import "$WORK/old"
new_pull >"$WORK/new.txt"
check "every tag pulls with the digest, type and bytes that docker-registry gives" cmp "$WORK/old.txt" "$WORK/new.txt"

all_linked() {
    find "$WORK/data/blobs" -type f -printf '%n %f\n' >"$WORK/links"
    [[ $(wc -l <"$WORK/links") == 606 ]] && ! grep -v '^2 ' "$WORK/links"
}
check "every blob is one file with two names" all_linked
same_file() {
    local hex
    while read -r _ hex; do
        [[ $WORK/data/blobs/sha256/${hex:0:2}/$hex -ef $WORK/old/docker/registry/v2/blobs/sha256/${hex:0:2}/$hex/data ]] || { echo "$hex"; return 1; }
    done <"$WORK/links"
}
check "that of the old registry" same_file
no_new_blocks() { [[ $(($(bytes_of "$WORK/old" "$WORK/data/blobs" | paste -sd+))) -lt $((before + 600 * 4096)) ]]; }
check "and takes no space: there are 512 new folders, and nothing else" no_new_blocks
check "uploads are not taken" test -z "$(find "$WORK/data/uploads" -type f)"
plain "/v2/base/referrers/$(sed -n 's/^base:signed \([^ ]*\) .*/\1/p' "$WORK/old.txt")"
check "what is attached to an image is found, which docker-registry cannot" grep -q '"artifactType":' "$BODY"
check "the tag's former digest is in its history" says "v1.0" "$BUILD/berth" tags history base:v1.0 --config "$WORK/config.yml"
moved_before() { "$BUILD/berth" tags history base:v1.0 --config "$WORK/config.yml" | grep -c sha256: | grep -qx 2; }
check "which tells of both" moved_before
check "a second run finds all of it there" says "there before: 324 manifests, 228 tags" import "$WORK/old"

# --- back again ---
export_to() { "$BUILD/berth" export --config "$WORK/config.yml" "$@" "$WORK/back"; }
check "a dry run of an export tells what would be written" says "324 manifests and 228 tags written" export_to --dry-run
check "and writes nothing" test ! -e "$WORK/back"
check "what serves is exported by links" says "blobs: 606 linked" export_to
old_stop
check "docker-registry serves it" old_start "$WORK/back"
old_pull >"$WORK/back.txt"
check "with every digest, type and byte" cmp "$WORK/old.txt" "$WORK/back.txt"
check "and takes a push" old_push back/app 1
check "everybody may read it, and only its owner write" test -z "$(find "$WORK/back" -type f ! -perm 0600 ! -perm 0644 -o -type d ! -perm 0755)"
plain_delete() { request DELETE "http://127.0.0.1:$PORT/v2/$1" && status_is 202; }
check "a tag is deleted here" plain_delete tools/x/manifests/v1.0
check "and a manifest" plain_delete "tools/z/manifests/sha256:$(basename "$(old_manifest tools/z v1.1)")"
check "another export removes them there" says "removed that the repositories have no more" export_to --repository 'tools/**'
old_pull tools/ >"$WORK/back.txt"
check "and nothing else" diff <(grep ^tools/ "$WORK/old.txt" | grep -v -e '^tools/x:v1.0 ' -e '^tools/z:v1.1 ') "$WORK/back.txt"
check "a third finds nothing to do" says "0 manifests and 0 tags written, 323 and 226 were there" export_to
check "an old registry's own tree is left alone" fails_saying "has images that no 'berth export' has put there" "$BUILD/berth" export --config "$WORK/config.yml" "$WORK/old"
check "so is the data directory" fails_saying "lies in the data directory" "$BUILD/berth" export --config "$WORK/config.yml" "$WORK/data/some/where"
old_stop
check "the old registry goes on" old_start "$WORK/old"

# --- what comes later ---
check "an image is pushed to the old registry" old_push later/app 1
check "and found by the next run" says "1 manifests and 1 tags taken" import --repository 'later/**' --no-verify "$WORK/old/docker"
check "nothing else is looked at" says "there before: 1 manifests, 1 tags" import --repository 'later/**' "$WORK/old"
check "a pattern that is none is refused" exits 2 import --repository '/x' "$WORK/old"
check "so is a directory of something else" fails_saying "is no data directory of distribution" import "$TESTS"
old_stop

# --- odd things ---
tree=$WORK/old/docker/registry/v2
blob=$(jq -r '.layers[-1].digest' "$tree/blobs/sha256/$(old_manifest tools/x v1.3)/data")
printf 'damaged' >"$WORK/damaged"
rm "$tree/blobs/sha256/${blob:7:2}/${blob:7}/data"
cp "$WORK/damaged" "$tree/blobs/sha256/${blob:7:2}/${blob:7}/data"
rm -r "$tree/repositories/tools/y/_manifests/revisions/sha256/$(basename "$(old_manifest tools/y v1.1)")"
mkdir -p "$tree/repositories/empty/_manifests/tags"
ln -s /etc "$tree/repositories/outside"
check "the server stops" server_stop
rm -r "$WORK/data"; mkdir "$WORK/data"
check "what is lost makes it fail" exits 1 import "$WORK/old"
import --json "$WORK/old" >"$WORK/odd"
odd() { jq -c "select(.odd == \"$1\" and .repository == \"$2\" and (.what + .reason | contains(\"$3\")))" "$WORK/odd" | grep .; }
check "a damaged blob is told" odd blob-damaged tools/x "$blob"
check "and the manifest that needs it" odd manifest-refused tools/x "$blob"
check "and its tag" odd tag-dangling tools/x v1.3
check "a tag whose manifest was deleted is told" odd tag-dangling tools/y v1.1
check "so is an empty repository" odd repository-empty empty empty
check "and a link that leads out, which is not followed" odd name "" outside
check "all that is whole is there" says "there before" import --repository base "$WORK/old"
check "the metadata are sound" says "0 findings" "$BUILD/berth" fsck --config "$WORK/config.yml"

# --- root's files, for a server that runs as somebody else ---
check "the kernel guards hard links here, as it does by default" test "$(cat /proc/sys/fs/protected_hardlinks)" == 1
rm -r "$WORK/data"; mkdir "$WORK/data"; chown nobody "$WORK/data"; chmod 755 "$WORK"
check "root imports into the directory of another user" says "1 manifests and 1 tags taken" import --repository 'later/**' "$WORK/old"
check "by links" test -n "$(find "$WORK/data/blobs" -type f -links 2 -user root)"
check "and all that is made is his" test -z "$(find "$WORK/data" ! -user nobody ! -path '*/blobs/*')"
as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$BUILD/berth" import --config "$WORK/config.yml" --repository tools/z "$@" "$WORK/old"; }
cp "$BUILD/berth" "$WORK/home/berth" # nobody may not enter every folder that is built in
alone() { setpriv --reuid nobody --regid nogroup --clear-groups "$WORK/home/berth" import --config "$WORK/config.yml" --repository tools/z "$@" "$WORK/old"; }
if cp --reflink=always "$WORK/config.yml" "$WORK/clone" 2>/dev/null; then
    check "he alone cannot link them, so they are cloned" says "not all are hard links: the kernel refuses a hard link" alone
else
    check "he alone cannot link them, and is told what to do" fails_saying "run the same as root while no server runs" alone
    check "he can copy them" says "not all are hard links: copies were asked for" alone --copy
fi

# --- killed, again and again ---
rm -r "$WORK/data"; mkdir "$WORK/data"
for wait in 0.01 0.03 0.05 0.08 0.1; do
    timeout -s KILL "$wait" "$BUILD/berth" import --config "$WORK/config.yml" "$WORK/old"
done >"$WORK/killed" 2>&1
check "after five kills it comes to its end" exits 1 import "$WORK/old"
check "with sound metadata" says "0 findings" "$BUILD/berth" fsck --config "$WORK/config.yml"
check "and the server starts" server_start
new_pull tools/ >"$WORK/new.txt"
check "and serves everything that was whole" diff <(grep ^tools/ "$WORK/old.txt" | grep -v -e '^tools/x:v1.3 ' -e '^tools/y:v1.1 ') "$WORK/new.txt"
finish
