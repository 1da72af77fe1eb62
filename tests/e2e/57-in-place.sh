#!/bin/bash
# Goal: docker-registry is stopped, Berth is started with the same configuration file and directory, and serves the same
# images: as root, as another user, killed on the way, stopped on the way. Nothing of the old tree is changed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/old_registry.sh"
server_setup || exit 1
chmod 755 "$WORK"
touch "$LOG"

check "docker-registry runs" old_start "$WORK/old" || exit 1
check "it is filled" says 72 old_fill 5
old_pull >"$WORK/old.txt"
old_stop
# Everything about it but how many names its files have.
picture() { (cd "$1/docker" && find . -printf '%p %y %m %u %g %s %T@ %i\n' | sort); }
picture "$WORK/old" >"$WORK/before"
unchanged() { picture "$WORK/old" | diff "$WORK/before" - | head -n 20; [[ ${PIPESTATUS[1]} == 0 ]]; }
# Back to what docker-registry has left, with the very same files.
again() { find "$WORK/old" -mindepth 1 -maxdepth 1 ! -name docker -exec rm -r {} + && chown root:root "$WORK/old"; }

# server_run ARGUMENTS...: `berth serve` with docker-registry's file, which no other is.
PORT=${OLD##*:}
server_run() {
    "$BUILD/berth" serve "$WORK/old.yml" "$@" >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    eventually listening_or_dead && server_running
}
pulls_all() { new_pull >"$WORK/new.txt" && cmp "$WORK/old.txt" "$WORK/new.txt"; }
linked() { [[ $(find "$WORK/old/blobs" -type f -links 2 | wc -l) -gt 200 && -z $(find "$WORK/old/blobs" -type f ! -links 2) ]]; }

sed -i 's/level: error, //' "$WORK/old.yml"
check "a read-only registry does not start, and says why" fails_saying "start it once without" \
    env REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true "$BUILD/berth" serve "$WORK/old.yml"
check "and makes nothing" test "$(ls "$WORK/old")" == docker

log_mark
check "Berth starts with the same file" server_run
check "and says what it does" log_says 'has images of another registry and none of Berth.s: taking them over, by hard links'
check "and what came of it" log_says 'taken over in [0-9]+ ms: 12 repositories, 120 manifests, 72 tags; [0-9]+ blobs linked'
check "every tag pulls with the same digest, type and bytes" pulls_all
check "its blobs are the old ones" linked
check "it stops" server_stop
check "the old tree is as it was" unchanged
log_mark
check "it starts again" server_run
check "and does not look there again, but says how to" log_says 'was taken over at 2[0-9TZ:-]+. What was pushed there since comes by: berth import'
not_again() { ! log_says 'taken over in'; }
check "really not" not_again
check "the metadata are sound" server_stop
check "in all they say" says "0 findings" "$BUILD/berth" fsck --config "$WORK/old.yml"

# --- as another user, root's files ---
again
log_mark
check "root starts it as another user" server_run --user nobody:nogroup
check "who takes over root's files by links" linked
check "and is given the directory, not what is in it" test "$(stat -c %U "$WORK/old" "$WORK/old/docker" | xargs)" == "nobody root"
capabilities() { [[ $(sed -n 's/^CapPrm:\t*//p' "/proc/$SERVER_PID/task"/*/status | sort -u) == 0000000000000000 ]]; }
check "of the rights that it took no thread keeps any" capabilities
check "every tag pulls" pulls_all
check "it stops" server_stop
check "the old tree is as it was" unchanged

# --- killed, and stopped, on the way ---
# Killed as soon as it has begun, or so much later: kill_after SECONDS [SIGNAL]. A fast machine may be done by then.
begun() { grep -q 'taking them over' "$WORK/killed" && [[ -e $WORK/old/takeover.unfinished ]]; }
kill_after() {
    "$BUILD/berth" serve "$WORK/old.yml" --user nobody:nogroup >"$WORK/killed" 2>&1 &
    until begun || [[ -e $WORK/old/taken-over ]] || ! kill -0 $! 2>/dev/null; do sleep 0.005; done
    sleep "$1"
    kill "-${2-KILL}" $!
    wait $! 2>/dev/null
}
for _ in 1 2 3 4 5 6 7 8; do
    again
    kill_after 0
    [[ -e $WORK/old/taken-over ]] || break
done
check "it was not done by then" test ! -e "$WORK/old/taken-over" -a -e "$WORK/old/takeover.unfinished"
kill_after 0.05
kill_after 0.1
again
check "told to stop on the way it does, and that is no failure" kill_after 0 TERM
check "after all that it starts" server_run --user nobody:nogroup
check "and every tag pulls" pulls_all
check "the marks say so" test -e "$WORK/old/taken-over" -a ! -e "$WORK/old/takeover.unfinished"
check "it stops" server_stop
check "the old tree is as it was" unchanged

# --- and back: what was pushed to the old one since ---
check "docker-registry runs again" old_start "$WORK/old"
check "and gets an image" old_push later/app 1
old_stop
check "which comes by an import" says "1 manifests and 1 tags taken" "$BUILD/berth" import --config "$WORK/old.yml" "$WORK/old"
rm -r "$WORK/old/docker"
log_mark
check "the old tree can be removed" server_run --user nobody:nogroup
check "and nothing is missing" says later/app:1 new_pull
says_nothing() { ! log_says 'docker'; }
check "nor said of it" says_nothing
finish
