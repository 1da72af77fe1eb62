#!/bin/bash
# A busy server is switched: read-only and back, and its log files are moved away in every way, again and again. What was
# acknowledged is there, what was refused was refused clearly, and every request has its one line in the access log. Then a
# disk with the logs fills up, which hurts nobody.
. "$(dirname "$0")/lib.sh"
export WORK

ctl() { "$BUILD/berth" ctl "$@" --config "$WORK/config.yml"; }
# files_config FOLDER: a plain server without passwords whose logs go there.
files_config() {
    server_config tls=no auth=no
    sed -i "s|^  level: info|&\n  file: $1/berth.log\n  accesslog: {file: $1/access.log}|" "$WORK/config.yml"
}
mkdir "$WORK/logs"
files_config "$WORK/logs"
server_start
check "it takes commands" eventually ctl status

python3 -B "$TESTS/e2e/switch_load.py" "$PORT" >"$WORK/figures" 2>&1 &
load=$!
for round in 1 2 3 4 5 6 7 8; do
    sleep 0.3
    ctl read-only on >>"$WORK/told" 2>&1 || touch "$WORK/refused"
    for file in berth access; do mv "$WORK/logs/$file.log" "$WORK/logs/$file.log.$round"; done
    case $((round % 3)) in
    0) ctl reopen-logs >>"$WORK/told" 2>&1 || touch "$WORK/refused" ;;
    1) kill -USR1 "$SERVER_PID" ;;
    esac
    sleep 0.2
    ctl read-only off >>"$WORK/told" 2>&1 || touch "$WORK/refused"
    eventually test -e "$WORK/logs/access.log" && eventually test -e "$WORK/logs/berth.log"
done
touch "$WORK/enough"
wait "$load"
code=$?
cat "$WORK/figures"
check "pushes are whole or clearly refused, and what was pushed can be pulled all the while" [ "$code" = 0 ]
check "every command was obeyed" [ ! -e "$WORK/refused" ]
check "read-only was switched on" grep -q '^read-only: writes that begin from now on are refused with 405' "$WORK/told"
check "the server is writable at the end" says "readonly             no" ctl status
server_stop
grep -ho '"load-[^"]*"' "$WORK"/logs/access.log* | tr -d '"' | sort >"$WORK/logged"
sort "$WORK/names" >"$WORK/asked"
check "each request has its line in the access log, and no other" cmp "$WORK/asked" "$WORK/logged"
check "the files were moved away that often" [ "$(find "$WORK/logs" -name 'access.log.?' | wc -l)" = 8 ]
check "the log is in its files, from the first line of serving to the last" \
    [ "$(cat "$WORK"/logs/berth.log* | grep -cE 'msg="(Berth .* serves|stopped)')" = 2 ]
check "every line is whole" fails grep -hvE '^time=[^ ]+ level=(info|warn) msg=".*"' "$WORK"/logs/berth.log*
check "and is for the owner and his group only" [ "$(stat -c %a "$WORK/logs/berth.log")" = 640 ]

# --- the disk with the logs is full
mkdir "$WORK/small" && mount -t tmpfs -o size=1m tmpfs "$WORK/small"
files_config "$WORK/small"
server_start
plain() { request_as "" GET "http://127.0.0.1:$PORT/v2/" -H "User-Agent: $1" && status_is 200; }
check "a request" plain before
check "is logged" eventually grep -q '"before"' "$WORK/small/access.log"
check "a full disk" fails dd if=/dev/zero of="$WORK/small/filler" bs=1k
for number in $(seq 100); do curl -s -o /dev/null -H "User-Agent: during-$number-$(printf '%0300d' 0)" "http://127.0.0.1:$PORT/v2/"; done
check "keeps nobody from anything" plain meanwhile
check "it is told by who has the log" ctl log-level debug
rm "$WORK/small/filler"
after() { plain after && grep -q '"after"' "$WORK/small/access.log"; }
check "when there is room again the next request is logged" eventually after
check "with how many lines are missing" eventually grep -qE 'access log: there is room again; [0-9]+ lines were dropped' "$WORK/small/berth.log"
check "no line of the access log is torn" fails grep -vE '^[^ ]+ - - \[.*\] "GET /v2/ HTTP/1.1" 200 2 "-" "[^"]*" [0-9a-f]{16}$' "$WORK/small/access.log"
server_stop
umount -l "$WORK/small"

# --- what cannot be
refuses() { fails_saying "$1" "$BUILD/berth" serve "$WORK/config.yml"; }
files_config /nowhere
check "a folder that is not there is told at start" refuses "log.file: /nowhere/berth.log: No such file or directory; make its directory"
ln -s /dev/null "$WORK/logs/link"
files_config "$WORK/logs"
sed -i "s|berth.log|link|" "$WORK/config.yml"
check "a link is not followed" refuses "it is a link; name the file itself, or leave the key out"
mkdir "$WORK/root-only"
files_config "$WORK/root-only"
chmod 755 "$WORK"
install -d -o nobody -g nogroup /run/berth-data
check "a user who may not write there is told the line that lets him" \
    fails_saying "log.file: user nobody may not make $WORK/root-only/berth.log; run: chgrp nogroup $WORK/root-only && chmod g+wx $WORK/root-only" \
    env REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/run/berth-data "$BUILD/berth" serve "$WORK/config.yml" --user nobody
finish
