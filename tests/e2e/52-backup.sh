#!/bin/bash
# Goal: backups that are made while clients push, move tags, delete and the registry is swept without grace restore to
# registries from which every tag pulls; a second backup copies only what is new; damage, full disks and wrong places
# are told and do no harm.
. "$(dirname "$0")/lib.sh"
export REG CA ALICE ALICE_PASSWORD
server_setup && server_start env REGISTRY_STORAGE_MAINTENANCE_GARBAGECOLLECTION_GRACE=1s REGISTRY_STORAGE_MAINTENANCE_GARBAGECOLLECTION_INTERVAL=1s || exit 1

berth() { "$BUILD/berth" "$@"; }
save() { berth backup "$@" --config "$WORK/config.yml"; }
# said FILTER VALUE: of the JSON that the last command printed.
said() { [[ $(jq -c "$1" "$WORK/said") == "$2" ]] || { cat "$WORK/said"; return 1; }; }
json() { "$@" --json >"$WORK/said"; }
# restored DIRECTORY COMMAND…: a server of that data directory takes the place of the running one; then the command.
restored() {
    local root=$1
    shift
    server_stop || return 1
    server_start env REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$root" || return 1
    "$@"
}
pull_all() { python3 -B "$TESTS/e2e/pull_all.py" >"$WORK/tags"; }
blob_file() { local hex; hex=$(printf '%s' "$2" | sha256sum | cut -d' ' -f1); echo "$1/blobs/sha256/${hex:0:2}/$hex"; }
push_text() { printf '%s' "$1" >"$WORK/blob"; blob_push quiet/app "$WORK/blob"; }

# --- under load

mkdir "$WORK/far"
mount -t tmpfs -o size=400m,mode=700 tmpfs "$WORK/far" # another file system

python3 -B "$TESTS/e2e/backup_load.py" >"$WORK/pushed" 2>"$WORK/load.err" &
load=$!
sweep_on() { while [[ ! -e $WORK/enough ]]; do berth gc --config "$WORK/config.yml" --delete-untagged --forget-history --grace 0s --quiet; sleep 0.3; done; }
sweep_on >>"$WORK/gc.log" 2>&1 &
sweeper=$!
there_are_tags() { request GET /v2/load/0/tags/list; [[ $STATUS == 200 && $(jq '.tags | length' "$BODY") -ge 3 ]]; }
eventually there_are_tags
# One operation at a time: the sweeps of this scenario may be under way.
patiently() { local n; for n in {1..100}; do "$@" 2>"$WORK/patient.err" && return 0; grep -q 'has to wait for it' "$WORK/patient.err" || break; sleep 0.1; done; cat "$WORK/patient.err"; return 1; }
for n in 1 2 3 4; do
    check "backup $n under load, by links" patiently save "$WORK/near"
    check "backup $n under load, to another file system" patiently save "$WORK/far/backup"
done
touch "$WORK/enough"
check "the clients saw nothing of it" wait "$load" || cat "$WORK/load.err"
wait "$sweeper"
check "they pushed a lot ($(cat "$WORK/pushed") images)" [ "$(cat "$WORK/pushed")" -ge 20 ]
check "the blobs on the same file system are links" [ "$(find "$WORK/near/blobs" -type f -links 1 | wc -l)" -lt "$(find "$WORK/near/blobs" -type f | wc -l)" ]
check "all of them verify" says ": 0 problems" berth backup verify "$WORK/near"
check "on the other file system too" says ": 0 problems" berth backup verify "$WORK/far/backup"

check "a backup of the registry at rest" save "$WORK/near"
check "says what it is, for programs" json save "$WORK/near"
check "and that one copies and links nothing" said '[.complete, .blobs.linked, .blobs.copied, .blobs.lost]' '[true,0,0,0]'
push_text "something new"
check "after a push" json save "$WORK/near"
check "it takes one blob" said '[.blobs.linked, .blobs.copied]' '[1,0]'
check "a list of no directory is no backup into one called list" fails_saying "of which directory" berth backup list
check "seven snapshots are listed" [ "$(berth backup list "$WORK/near" | grep -c 'blobs.*metadata')" = 7 ]

# --- coming back

stamps=$(berth backup list "$WORK/near" --json | jq -r .snapshot)
# The first was made under load, the fourth as well, the last at rest.
for n in 1 4 7; do
    stamp=$(sed -n "${n}p" <<<"$stamps")
    check "snapshot $n ($stamp) is restored" says "each verified" berth restore "$WORK/near" --snapshot "$stamp" --to "$WORK/restored-$n"
    check "a server serves it, and every tag pulls" restored "$WORK/restored-$n" pull_all
    check "there were tags: $(cat "$WORK/tags")" [ "$(cat "$WORK/tags")" -gt 0 ]
done
check "from the other file system" berth restore "$WORK/far/backup" --to "$WORK/restored-far"
check "every tag pulls" restored "$WORK/restored-far" pull_all
check "there were tags" [ "$(cat "$WORK/tags")" -gt 0 ]
check "with links to the backup" berth restore "$WORK/near" --to "$WORK/restored-linked" --link
check "every tag pulls, too" restored "$WORK/restored-linked" pull_all

copy_all() {
    local repository tag
    request GET '/v2/_catalog'
    for repository in $(jq -r '.repositories[]' "$BODY"); do
        request GET "/v2/$repository/tags/list"
        tag=$(jq -r '.tags[0] // empty' "$BODY")
        [[ -z $tag ]] || skopeo copy -q --src-cert-dir "$WORK/certs" --src-creds "$ALICE:$ALICE_PASSWORD" "docker://$REG/$repository:$tag" "dir:$WORK/copied" || return 1
    done
}
mkdir "$WORK/certs"
cp "$CA" "$WORK/certs/ca.crt"
check "skopeo takes one of each repository" copy_all
check "the registry is what it was before" restored "$WORK/data" pull_all

# --- keeping some

pool() { find "$WORK/near/blobs" -type f | wc -l; }
before=$(pool)
check "a repository is deleted" berth repository delete load/1 --config "$WORK/config.yml"
check "its space is freed" says "freed" berth gc --config "$WORK/config.yml" --delete-untagged --forget-history --grace 0s
check "what is left is saved" save "$WORK/near"
check "older snapshots go" says "7 older snapshots removed" save "$WORK/near" --keep 2
check "with the blobs that only they had" [ "$(pool)" -lt "$before" ]
check "two are left" [ "$(berth backup list "$WORK/near" | wc -l)" = 2 ]
check "whole" says ": 0 problems" berth backup verify "$WORK/near"

# --- the server's directory is not the command's

relative() { (cd "$WORK/home" && save ./here) && [[ -f $WORK/home/here/berth-backup ]]; }
check "a relative name begins where the command is typed" relative
check "what is saved is for its owner only" [ -z "$(find "$WORK/home/here" -perm /077)" ]

# --- wrong places

mkdir "$WORK/full"
touch "$WORK/full/file"
check "a directory of something else is refused" fails_saying "neither empty nor a directory of backups" save "$WORK/full"
check "the data directory is, too" fails_saying "would be lost with it" save "$WORK/data/backup"
check "a disk that is not mounted is not made up" fails_saying "make or mount that" save "$WORK/no/disk"
check "with exit status 3" exits 3 save "$WORK/no/disk"
check "an unknown word is refused" exits 2 berth backup prune "$WORK/near"
check "so is a --keep that keeps nothing" exits 2 save "$WORK/near" --keep 0
check "nothing is restored over something" fails_saying "is not empty" berth restore "$WORK/near" --config "$WORK/config.yml"
check "nor from a directory without backups" fails_saying "is no directory of backups" berth restore "$WORK/full" --to "$WORK/new"

# --- a full disk

mkdir "$WORK/small"
mount -t tmpfs -o size=2m,mode=700 tmpfs "$WORK/small"
push_text "$(head -c 3000000 /dev/zero | tr '\0' x)"
check "a full disk is an error" fails_saying "No space left" save "$WORK/small/backup"
check "and no snapshot" [ -z "$(berth backup list "$WORK/small/backup")" ]
mount -o remount,size=400m "$WORK/small"
check "with space it goes on" save "$WORK/small/backup"
check "and is whole" says ": 0 problems" berth backup verify "$WORK/small/backup"
mkdir "$WORK/tight"
mount -t tmpfs -o size=2m,mode=700 tmpfs "$WORK/tight"
check "a restore to a full disk is an error" fails_saying "No space left" berth restore "$WORK/near" --to "$WORK/tight/data"
check "which nobody serves" fails_saying "has not come to its end" env REGISTRY_HTTP_ADDR=127.0.0.1:5999 REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/tight/data" "$BUILD/berth" serve "$WORK/config.yml"
mount -o remount,size=400m "$WORK/tight"
check "with space the same restore goes on" berth restore "$WORK/near" --to "$WORK/tight/data"
check "and every tag pulls" restored "$WORK/tight/data" pull_all
check "back to our own" restored "$WORK/data" pull_all

# --- a killed backup

for wait in 0.01 0.05 0.1 0.2; do
    rm -rf "$WORK/killed"
    save "$WORK/killed" --copy >/dev/null 2>&1 &
    sleep "$wait"
    server_kill
    wait $!
    server_start
done
check "after a server that was killed in the middle of a backup the next one is whole" save "$WORK/killed" --copy
check "really" says ": 0 problems" berth backup verify "$WORK/killed"
check "and has nothing of the killed ones" [ -z "$(ls -d "$WORK"/killed/snapshots/*.partial "$WORK"/killed/incoming 2>/dev/null)" ]
check "these are copies" [ -z "$(find "$WORK/killed/blobs" -type f -links +1)" ]

# --- damage

push_text "it will be missing"
rm "$(blob_file "$WORK/data" "it will be missing")"
check "a missing blob is named" fails_saying "is not saved: blob" save "$WORK/near"
check "and the rest is saved" fails_saying "NOT COMPLETE: 1 blobs" save "$WORK/near"
check "the list says so" says "NOT COMPLETE" berth backup list "$WORK/near"
check "a restore takes the newest that is complete" berth restore "$WORK/near" --to "$WORK/complete"
last=$(berth backup list "$WORK/near" --json | jq -r .snapshot | tail -n 1)
check "the other one only when asked" fails_saying "add --incomplete" berth restore "$WORK/near" --to "$WORK/other" --snapshot "$last"
check "and then says what is missing" fails_saying "is not restored: it is not in the backup" berth restore "$WORK/near" --to "$WORK/other" --snapshot "$last" --incomplete
push_text "it will be missing"
check "a push makes it whole" says "snapshot" save "$WORK/near"

push_text "something new"
spoiled=$(blob_file "$WORK/far/backup" "something new")
check "the backup far away has all" save "$WORK/far/backup"
printf 'somethinG new' >"$spoiled"
check "damage in a backup is found" fails_saying "its content has another digest" berth backup verify "$WORK/far/backup"
check "and does not get into a registry" fails_saying "1 blobs are missing or damaged in the backup" berth restore "$WORK/far/backup" --to "$WORK/spoiled"
check "a backup that verifies repairs it" save "$WORK/far/backup" --verify
check "and so the restore comes to its end" berth restore "$WORK/far/backup" --to "$WORK/spoiled"

# --- without a server, and elsewhere

server_stop
check "without a server the same command does it" says "snapshot" save "$WORK/near"
cp -a "$WORK/near" "$WORK/elsewhere"
rm -rf "$WORK/near" "$WORK/data"
check "a copy of the directory is as good" berth restore "$WORK/elsewhere" --config "$WORK/config.yml"
server_start
check "and every tag pulls" pull_all
finish
