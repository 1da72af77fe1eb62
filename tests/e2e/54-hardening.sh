#!/bin/bash
# Goal: the server gives up what it does not need. Started as root it keeps next to no capability, with --user it is that
# user for good and says which line is missing when a file is not his; it leaves no core dump, nobody of its own user looks
# into it, what it makes is readable by nobody else, and the service manager is told how it is. The unit is strict, and its
# filter lets through all that the server calls.
. "$(dirname "$0")/lib.sh"
server_setup || exit 1
chmod 755 "$WORK" "$TLS_DIR"

# field NAME: of the server's /proc/PID/status.
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$SERVER_PID/status"; }
field_is() { [[ $(field "$1") == "$2" ]] || { echo "$1 is $(field "$1")"; return 1; }; }
# threads_are NAME VALUE: the field of every thread.
threads_are() { [[ $(sed -n "s/^$1:[[:space:]]*//p" /proc/"$SERVER_PID"/task/*/status | sort -u) == "$2" ]]; }
no_core() { grep -qE '^Max core file size +0 +0 ' "/proc/$SERVER_PID/limits"; }
secret_files() { [[ -z $(find "$WORK/data" -perm /077) ]] || { find "$WORK/data" -perm /077; return 1; }; }
# Of the same user, without rights over others.
as_berth() { setpriv --reuid=4711 --regid=4712 --clear-groups --inh-caps=-all --no-new-privs "$@"; }
push() { printf '%s' "$1" >"$WORK/blob"; blob_push "harden/app" "$WORK/blob"; [[ $STATUS == 201 ]] || { show_answer; return 1; }; }

# --- as root
check "the server starts as root" server_start
if [[ -z ${SANITIZER_SLOW:-} ]]; then
    check "and is root" field_is Uid "0	0	0	0"
    check "with one capability, to read files of others, in every thread" threads_are CapEff 0000000000000004
    check "and no way to get more" threads_are CapPrm 0000000000000004
    check "nor by what it would run" threads_are CapBnd 0000000000000004
    check "which gains no rights either" threads_are NoNewPrivs 1
    check "it leaves no core" no_core
fi
check "what it makes is nobody else's to read" secret_files
check "it takes a push" push one
check "whose file is nobody else's to read" secret_files
check "it stops" server_stop
check "a command of somebody else is told who may" fails_saying "do this as the user who serves it, or as root" as_berth "$BUILD/berth" du --config "$WORK/config.yml"

# --- as a user of its own
printf 'berth-test:x:4711:4712::/nonexistent:/usr/sbin/nologin\n' | cat /etc/passwd - >"$WORK/passwd"
printf 'berth-test:x:4712:\n' | cat /etc/group - >"$WORK/group"
mount --bind "$WORK/passwd" /etc/passwd && mount --bind "$WORK/group" /etc/group || exit 1
serve_as() { timeout 20 "$BUILD/berth" serve --user "$1" "$WORK/config.yml"; }

check "a user that is not there is refused" exits 2 serve_as nobody-at-all
check "with the line that makes one" fails_saying "useradd --system nobody-at-all" serve_as nobody-at-all
check "root is no user to become" fails_saying "name another user" serve_as root
check "only root becomes somebody else" fails_saying "only root can become berth-test" setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/berth" serve --user berth-test "$WORK/config.yml"
check "a data directory that is not his is told, with the line" fails_saying "run: chown -R berth-test:berth-test $WORK/data" serve_as berth-test
chown -R berth-test:berth-test "$WORK/data"
check "so is a key" fails_saying "run: chgrp berth-test $TLS_DIR/server.key && chmod g+r $TLS_DIR/server.key" serve_as berth-test
chgrp berth-test "$TLS_DIR/server.key" && chmod g+r "$TLS_DIR/server.key"
check "so are the users" fails_saying "run: chgrp berth-test $USERS && chmod g+r $USERS" serve_as berth-test
chgrp berth-test "$USERS" && chmod g+r "$USERS"
chmod 700 "$TLS_DIR"
check "and a directory on the way" fails_saying "may not enter $TLS_DIR; run: chgrp berth-test $TLS_DIR && chmod g+x $TLS_DIR" serve_as berth-test
chmod 755 "$TLS_DIR"
made=$(find "$WORK/data" ! -user berth-test | wc -l)
check "none of this has made anything" test "$made" == 0
damage() { local file; file=$(find "$WORK/data/blobs" -type f | head -n 1); printf 'other' >"$file"; }
damage
check "root's fsck finds a damaged blob" exits 1 "$BUILD/berth" fsck --config "$WORK/config.yml"
check "and puts it away" test -n "$(ls "$WORK/data/quarantine")"
made=$(find "$WORK/data" ! -user berth-test | wc -l)
check "as the user whose directory it is: nothing in it is root's" test "$made" == 0

start_as_user() {
    rm -f "$WORK/berth.sock"
    "$BUILD/berth" serve --user berth-test "$WORK/config.yml" >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    eventually listening_or_dead && server_running
}
server_config addr=:443
PORT=443
check "port 443 is bound and the rest done as the user" start_as_user
REG=$NAME:443
check "every thread is the user" threads_are Uid "4711	4711	4711	4711"
check "and the group" threads_are Gid "4712	4712	4712	4712"
check "and in no other group" threads_are Groups "4712 "
check "without capabilities" threads_are CapEff 0000000000000000
check "and no way to get them" threads_are CapPrm 0000000000000000
check "for good" threads_are NoNewPrivs 1
check "it leaves no core" no_core
if [[ -z ${SANITIZER_SLOW:-} ]]; then
    check "nobody of the same user reads its memory" fails as_berth cat "/proc/$SERVER_PID/environ"
    check "or attaches to it" fails_saying 'Operation not permitted' as_berth timeout 2 strace -p "$SERVER_PID" -o /dev/null
fi
check "it takes a push" push two
check "what it made is its own" test -z "$(find "$WORK/data" ! -user berth-test)"
check "and nobody else's to read" secret_files
printf '%s\n' 'another password' | "$BUILD/berth-user" add bob --file "$USERS" --password-stdin >/dev/null
kill -HUP "$SERVER_PID"
logs_in() { request_as "bob:another password" GET /v2/; [[ $STATUS == 200 ]]; }
check "a new user is read as that user" eventually logs_in

# --- root's commands, by a way to the directory that is closed to its owner
install -d -m 700 "$WORK/closed" && mkdir "$WORK/closed/data" && mount --bind "$WORK/data" "$WORK/closed/data" || exit 1
sed "s|rootdirectory: .*|rootdirectory: $WORK/closed/data|" "$WORK/config.yml" >"$WORK/closed.yml"
printf 'berth-backup:x:4713:berth-test\n' >>"$WORK/group"
install -d -m 770 -g berth-backup "$WORK/backups"
by_root() { "$BUILD/berth" "$@" --config "$WORK/closed.yml"; }
nothing_of_others() { [[ -z $(find "$WORK/data" "(" ! -user berth-test -o ! -group berth-test ")" -print | tee /dev/stderr) ]]; }
check "the owner may not go there" fails as_berth ls "$WORK/closed/data"
check "with a server root's gc works there" by_root gc --grace 0s
check "and du" by_root du
check "it stops" server_stop
check "without one root's gc works there" by_root gc --grace 0s
check "and du" by_root du
check "and fsck" by_root fsck
check "and a backup to where only a group of the owner's may write" by_root backup "$WORK/backups/one"
check "which is his" test "$(stat -c %U "$WORK/backups/one/berth-backup")" == berth-test
check "nothing in the directory is anybody else's" nothing_of_others
chown root:root "$WORK/data/meta/data.mdb"
check "what the owner may not do is told with his name" fails_saying "as user berth-test, who owns its lock: data directory $WORK/closed/data: " by_root du
chown berth-test:berth-test "$WORK/data/meta/data.mdb"
umount "$WORK/closed/data"

# --- as a developer wants it
PORT=5000 REG=$NAME:5000
server_config
chown -R root:root "$WORK/data"
check "BERTH_DUMPABLE=yes is heard" server_start env BERTH_DUMPABLE=yes bash -c 'ulimit -c unlimited; exec "$@"' -
check "and said" log_says "this process may be traced, and dumped"
check "cores are left on" fails no_core
check "it stops" server_stop

# --- the service manager
python3 - "$WORK/notify" >"$WORK/heard" <<'PYTHON' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(60)
while True:
    said = s.recv(4096).decode().split("\n")[0]
    print(said, flush=True)
    if said.startswith("STOPPING"):
        break
PYTHON
eventually test -S "$WORK/notify"
check "the server starts under a service manager" server_start env NOTIFY_SOCKET="$WORK/notify"
heard() { [[ $(tr '\n' ' ' <"$WORK/heard") == "$1" ]] || { cat "$WORK/heard"; return 1; }; }
check "which hears that it serves" eventually heard "READY=1 "
kill -HUP "$SERVER_PID"
check "that it reloads and serves again" eventually heard "READY=1 RELOADING=1 READY=1 "
check "it stops" server_stop
check "and that it stops" eventually heard "READY=1 RELOADING=1 READY=1 STOPPING=1 "

# --- its watchdog
python3 - "$WORK/watched" >"$WORK/alive" <<'PYTHON' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(60)
while not (said := s.recv(4096).decode()).startswith("STOPPING"):
    print(said.split("\n")[0], time.monotonic(), flush=True)
PYTHON
eventually test -S "$WORK/watched"
pets() { [[ $(grep -c WATCHDOG "$WORK/alive") -ge $1 ]]; }
check "the server starts with a watchdog of two seconds" server_start env NOTIFY_SOCKET="$WORK/watched" WATCHDOG_USEC=2000000
check "which hears of it again and again" eventually pets 3
log_mark
# Each turn of each loop takes five seconds more.
timeout 5 strace -qq -f -p "$SERVER_PID" -e trace=epoll_wait -e inject=epoll_wait:delay_enter=5000000 -o /dev/null &
hung() { log_says 'event loop [0-9]+ has not turned for [0-9]+ ms; if it goes on like that'; }
check "when a loop hangs that is said" eventually hung
before=$(grep -c WATCHDOG "$WORK/alive")
sleep 1
check "and the watchdog hears nothing" test "$(grep -c WATCHDOG "$WORK/alive")" == "$before"
check "until the loop turns again" eventually pets $((before + 1))
check "it stops" server_stop

# --- the unit
unit=$TESTS/../conf/berth.service
sed "s|/usr/local/bin/berth|$BUILD/berth|; /^Documentation=/d" "$unit" >"$WORK/berth.service"
sed "s|/usr/local/bin/berth|$BUILD/berth|; /^Documentation=/d" "$TESTS/../conf/berth-backup.service" >"$WORK/berth-backup.service"
cp "$TESTS/../conf/berth.socket" "$TESTS/../conf/berth-backup.timer" "$WORK"
lint() { systemd-analyze verify "$WORK"/berth{.service,.socket,-backup.service,-backup.timer} 2>&1 | grep -E 'berth(-backup)?\.(service|socket|timer)' && return 1; return 0; }
check "systemd has nothing to say against the units" lint
exposure() { systemd-analyze security --offline=true --threshold=20 "$WORK/berth.service"; }
check "its exposure is at most 2.0 of 10" exposure

# What the filter allows: the sets it names, minus and plus what it says.
systemd-analyze syscall-filter --no-pager >"$WORK/sets"
python3 - "$WORK/sets" "$unit" >"$WORK/allowed" <<'PYTHON'
import re, sys
sets, name = {}, None
for line in open(sys.argv[1], encoding="utf-8"):
    line = line.split("#")[0].rstrip()
    if line.startswith("@"):
        sets[name := line] = []
    elif line.strip() and name:
        sets[name].append(line.strip())
def flat(word):
    return {word} if not word.startswith("@") else set().union(*(flat(w) for w in sets[word]))
# What is always allowed, whatever the filter.
allowed = flat("@default")
for words in re.findall(r"^SystemCallFilter=(.*)", open(sys.argv[2], encoding="utf-8").read(), re.M):
    chosen = set().union(*(flat(w) for w in words.lstrip("~").split()))
    allowed = allowed - chosen if words.startswith("~") else allowed | chosen
print("\n".join(sorted(allowed)))
PYTHON
check "the filter is known" grep -qx openat "$WORK/allowed"
check "and filters" fails grep -qxE 'mount|ptrace|bpf|chown|reboot|keyctl' "$WORK/allowed"
work() {
    local n
    printf '%s' 'watched' >"$WORK/blob"
    blob_push watched/app "$WORK/blob"
    n=$(digest_of "$WORK/blob")
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":7},"layers":[]}' "$OCI_MANIFEST" "$n" >"$WORK/manifest"
    manifest_push watched/app 1 "$WORK/manifest" "$OCI_MANIFEST"
    [[ $STATUS == 201 ]] || { show_answer; return 1; }
    head -c 20000000 /dev/urandom >"$WORK/large"
    blob_push watched/app "$WORK/large"
    request GET "/v2/watched/app/blobs/$(digest_of "$WORK/large")"
    body_is_file "$WORK/large" || return 1
    dd if="$(find "$WORK/data/blobs" -size +10000k)" iflag=nocache count=0 2>/dev/null # so that a worker reads
    request GET "/v2/watched/app/blobs/$(digest_of "$WORK/large")"
    body_is_file "$WORK/large" || return 1
    request_as nobody:wrong GET /v2/
    request GET /v2/_catalog
    request POST /v2/watched/app/blobs/uploads/
    request PATCH "$(header Location)" --data-binary "@$WORK/blob"
    request DELETE "$(header Location)"
    request DELETE /v2/watched/app/manifests/1
    request DELETE "/v2/watched/app/manifests/$(digest_of "$WORK/manifest")"
    request GET http://127.0.0.1:5001/metrics
    [[ $STATUS == 200 ]] || { show_answer; return 1; }
    kill -HUP "$SERVER_PID"
    sleep 7 # the sweeper comes by
}
calls_allowed() {
    sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$WORK/calls" | sort -u >"$WORK/called"
    echo "$(wc -l <"$WORK/called") different calls"
    (($(wc -l <"$WORK/called") > 60)) || return 1
    [[ -z $(comm -23 "$WORK/called" <(sort -u "$WORK/allowed")) ]] || { comm -23 "$WORK/called" <(sort -u "$WORK/allowed"); return 1; }
}
if [[ -z ${SANITIZER_SLOW:-} ]]; then
    export REGISTRY_STORAGE_MAINTENANCE_GARBAGECOLLECTION_INTERVAL=2s REGISTRY_STORAGE_MAINTENANCE_GARBAGECOLLECTION_GRACE=4s
    export REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5001 REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED=true
    check "the server starts with its calls watched" server_start strace -D -f -qq -o "$WORK/calls"
    check "does all kinds of work" work
    check "it stops" server_stop
    sleep 1
    check "and made no call that the unit's filter keeps from it" calls_allowed
    cat "$WORK/check.out"
fi
finish
