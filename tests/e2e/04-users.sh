#!/bin/bash
# Goal: users are added, changed and removed while the registry runs; entries made elsewhere (htpasswd -Bbn) just
# work; a broken user file never lets anybody in and never locks out those who were known.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

# lets_in NAME:PASSWORD, keeps_out NAME:PASSWORD
lets_in() { request_as "$1" GET /v2/ && status_is 200; }
keeps_out() { request_as "$1" GET /v2/ && status_is 401; }
# The user file is looked at again within a moment of its change.
check "a user who is not there is kept out" keeps_out bob:secret-1
user_set add bob secret-1
check "a user who was added gets in without a restart" eventually lets_in bob:secret-1
user_set passwd bob secret-2
check "a changed password works" eventually lets_in bob:secret-2
check "and the old one no longer does" keeps_out bob:secret-1
"$BUILD/berth-user" del bob --file "$USERS" >/dev/null
check "a removed user is kept out" eventually keeps_out bob:secret-2
check "the others still get in" lets_in "$ALICE:$ALICE_PASSWORD"

htpasswd -Bbn testuser testpassword >>"$USERS"
check "an entry made by htpasswd -Bbn works" eventually lets_in testuser:testpassword
# shellcheck disable=SC2016 # dollars of bcrypt
sed -i '/^testuser:/s/\$2y\$/$2b$/' "$USERS"
check "and so does one with the prefix 2b" eventually lets_in testuser:testpassword

cp "$USERS" "$WORK/good"
# shellcheck disable=SC2016 # dollars of bcrypt
printf 'alice:$2y$05$half' >"$WORK/half"
log_mark
cat "$WORK/half" >"$USERS"
check "a half-written user file is complained about" eventually log_says "level=error .*$USERS:1: user alice: malformed bcrypt hash"
check "but those known before still get in" lets_in "$ALICE:$ALICE_PASSWORD"
check "and an empty password does not" keeps_out alice:
log_mark
rm "$USERS"
check "a user file that is gone is complained about" eventually log_says "level=error .*$USERS: No such file"
check "and those known before still get in" lets_in "$ALICE:$ALICE_PASSWORD"
cp "$WORK/good" "$USERS"
user_set add carol secret-3
check "a mended file is taken" eventually lets_in carol:secret-3

# Left to itself the server takes a file without a last newline only when it looks a second time, a second later. A busy
# machine has five goes.
hup_is_at_once() {
    local n
    for n in 1 2 3 4 5; do
        { cat "$WORK/good" && sed -n "s/^carol:/hup$n:/p" "$WORK/carol" | tr -d '\n'; } >"$USERS.new"
        mv "$USERS.new" "$USERS"
        kill -HUP "$SERVER_PID"
        within 700 lets_in "hup$n:secret-3" && return
        eventually lets_in "hup$n:secret-3" || return 1
    done
    return 1
}
cp "$USERS" "$WORK/carol"
check "SIGHUP reads the users again at once" hup_is_at_once
check "and does not disturb the others" lets_in "$ALICE:$ALICE_PASSWORD"
cp "$WORK/good" "$USERS"

server_stop
printf 'old:%s\n' "$(openssl passwd -apr1 weak)" >>"$USERS"
check "a weak scheme is refused at start by name" fails_saying 'user old: MD5 (apr1) hashes are not accepted' timeout 10 "$BUILD/berth" serve "$WORK/config.yml"
rm -rf "$USERS"
check "without a user file the server starts" server_start
password=$(sed -nE 's/.*password[=: "]+([A-Za-z0-9_-]{8,}).*/\1/p' "$LOG" | tail -n 1)
check "and has made a user whose password it told once" lets_in "docker:$password"
check "in a file that only its owner reads" [ "$(stat -c %a "$USERS")" = 600 ]
finish
