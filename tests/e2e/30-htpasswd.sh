#!/bin/bash
# Goal: the user file has one content for everybody. What Apache's htpasswd writes, berth-user and the server read, and
# the other way round; berth-user under the name htpasswd does what scripts expect of Apache's; lists are imported whole
# or not at all; whatever is changed is in force at a running server within moments.
# shellcheck disable=SC2016 # dollars of hashes, everywhere below
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1
cd "$WORK" || exit 1

APACHE=$(command -v htpasswd)
mkdir ours
ln -s "$BUILD/berth-user" ours/htpasswd
OURS=$WORK/ours/htpasswd
berth_user() { "$BUILD/berth-user" "$@"; }
lets_in() { request_as "$1" GET /v2/ && status_is 200; }
keeps_out() { request_as "$1" GET /v2/ && status_is 401; }
# piped TEXT COMMAND...
piped() { local text=$1; shift; printf '%s' "$text" | "$@"; }
typed() { python3 -B "$TESTS/e2e/typed.py" "$@"; }

# --- both directions --------------------------------------------------------------------------------------

lines_alike() {
    local shape='^testuser:\$2y\$05\$[./A-Za-z0-9]{53}$' program
    for program in "$APACHE" "$OURS"; do
        "$program" -Bbn testuser testpassword >line || return 1
        { [[ $(wc -l <line) == 2 && -z $(sed -n 2p line) ]] && sed -n 1p line | grep -Eq "$shape"; } || { cat line; return 1; }
    done
}
check "htpasswd -Bbn prints the same kind of line as Apache's" lines_alike
: >shared
"$APACHE" -Bb shared apache1 secret-1 2>/dev/null
check "what Apache's program adds, ours verifies" "$OURS" -vb shared apache1 secret-1
check "and so does berth-user" piped secret-1 berth_user verify apache1 --file shared --password-stdin
"$OURS" -Bb shared ours1 secret-2 2>/dev/null
check "what ours adds, Apache's verifies" "$APACHE" -vb shared ours1 secret-2
piped secret-3 berth_user add user1 --file shared --password-stdin
check "in a file with bcrypt berth-user adds bcrypt, which Apache's verifies" "$APACHE" -vb shared user1 secret-3
piped secret-4 berth_user passwd apache1 --file shared --password-stdin
check "a password that berth-user changes, Apache's verifies" "$APACHE" -vb shared apache1 secret-4
"$APACHE" -D shared ours1 2>/dev/null
check "a user that Apache's removes is gone" exits 3 piped secret-2 berth_user verify ours1 --file shared --password-stdin
"$OURS" -D shared apache1 2>/dev/null
check "a user that ours removes is unknown to Apache's" exits 6 "$APACHE" -vb shared apache1 secret-4
check "the others are still there" "$APACHE" -vb shared user1 secret-3

# same ARGUMENTS...: both programs, each in a folder of its own, say the same and end with the same status.
same() {
    local program status words=()
    for program in "$APACHE" "$OURS"; do
        rm -rf try
        mkdir try
        cp shared try/f
        echo junk >try/junk
        (cd try && exec -a htpasswd "$program" "$@") >/dev/null 2>said </dev/null
        status=$?
        words+=("$status $(sed 's/ (line [0-9]*)//' said)")
    done
    [[ ${words[0]} == "${words[1]}" ]] || { printf 'Apache: %s\nours:   %s\n' "${words[@]}"; return 1; }
}
check "adding is the same" same -Bb f new secret
check "updating is the same" same -b -B f user1 secret
check "making a file is the same" same -c -B -b made new secret
check "removing is the same" same -D f user1
check "removing nobody is the same" same -D f nobody
check "verifying is the same" same -v -b f user1 secret-3
check "verifying the wrong password is the same" same -vb f user1 wrong
check "verifying nobody is the same" same -vb f nobody wrong
check "a file that is not there is the same" same -Bb none new secret
check "a colon in the name is the same" same -Bbn a:b secret
check "a long name is the same" same -Bbn "$(printf '%0300d' 0)" secret
check "a file of something else is the same" same -Bb junk new secret
check "options that exclude each other are the same" same -c -n new
check "wrong usage ends with 2" exits 2 "$OURS" -C x -Bbn new secret
check "a scheme that the server refuses is refused by name" fails_saying '-m (MD5 (apr1)) is refused' "$OURS" -mbn a b

check "a typed password goes in when it was typed twice" typed secret-5 secret-5 -- "$OURS" -B shared typed1
check "and verifies" "$APACHE" -vb shared typed1 secret-5
check "two different ones do not, and end with 3" exits 3 typed one two -- "$OURS" -B shared typed1
check "an interrupted question ends with 4" exits 4 typed ^C -- "$OURS" -B shared typed1
check "and leaves the file alone" "$APACHE" -vb shared typed1 secret-5

# --- the running server -----------------------------------------------------------------------------------

"$OURS" -Bb "$USERS" robot secret-6 2>/dev/null
check "what ours adds gets in at once" eventually lets_in robot:secret-6
check "a user gets another name" berth_user rename robot android --file "$USERS"
check "and gets in by it, with the same password" eventually lets_in android:secret-6
check "the old name is kept out" keeps_out robot:secret-6
check "a name that is taken is refused" exits 1 berth_user rename android "$ALICE" --file "$USERS"
check "a name that is not there is told apart" exits 3 berth_user rename robot other --file "$USERS"

hash=$("$APACHE" -Bbn x secret-7 | sed -n '1s/^x://p')
cat >team.csv <<CSV
user,password
# the team
bob,"pass, ""word"""
carol
dave:$hash
CSV
check "a list is imported" says 'carol,' berth_user import team.csv --file "$USERS"
generated=$(sed -n 's/^carol,//p' "$WORK/said")
check "a password in quotes gets in" eventually lets_in 'bob:pass, "word"'
check "one that was made up, too" lets_in "carol:$generated"
check "and one that came as Apache's hash" lets_in dave:secret-7
cp "$USERS" before
check "the same list again is refused" exits 1 berth_user import team.csv --file "$USERS"
printf 'erin,secret\nfrank:$apr1$x$y\n"gina\n' >bad.csv
check "a bad list is refused by line" fails_saying 'bad.csv:3: a quoted field has no end on its line' berth_user import bad.csv --file "$USERS"
check "with every reason" grep -qF 'bad.csv:2: MD5 (apr1) hashes are not accepted' said
check "and nothing of it was taken" cmp before "$USERS"
check "from standard input, users who are there are set anew when that is asked for" piped 'bob,secret-8' berth_user import --update --file "$USERS"
check "and get in" eventually lets_in bob:secret-8
check "but not with the old password" keeps_out 'bob:pass, "word"'

# --- files ------------------------------------------------------------------------------------------------

password=$(berth_user add solo --file alone --generate)
check "a new file is argon2id with two passes over 19 MiB" grep -q '^solo:\$argon2id\$v=19\$m=19456,t=2,p=1\$' alone
check "the password that was printed verifies" piped "$password" berth_user verify solo --file alone --password-stdin
check "the wrong one ends with 1" exits 1 piped wrong berth_user verify solo --file alone --password-stdin
piped x berth_user add strong --file alone --password-stdin --memory 64 --cost 3 --parallelism 2
check "its cost can be chosen" grep -q '^strong:\$argon2id\$v=19\$m=65536,t=3,p=2\$' alone
check "what a server would refuse is refused" exits 2 piped x berth_user add no --file alone --password-stdin --memory 1025
printf 'weak:%s\n' '$apr1$x$y' >>alone
berth_user list --file alone --json >list.json 2>said
check "a list as JSON tells algorithm, cost and verdict" [ "$(jq -c '[.[] | [.name, .algorithm, .cost, .accepted]]' list.json)" = '[["solo","argon2id",2,true],["strong","argon2id",3,true],["weak",null,null,false]]' ]
check "and what the server would say is told beside it" grep -qF 'alone:3: user weak: MD5 (apr1) hashes are not accepted' said
check "verify says it as JSON, too" [ "$(piped "$password" berth_user verify solo --file alone --password-stdin --json)" = '{"name":"solo","match":true}' ]

check "a cost that the file's algorithm does not have is wrong usage" exits 2 piped x berth_user add no --file "$USERS" --algorithm bcrypt --cost 3 --password-stdin
check "what is saved beside a bad entry is not in force, and that is told" exits 4 piped x berth_user add late --file alone --password-stdin
check "with the reason" fails_saying 'saved, but not in force: a server would refuse the file: ' piped x berth_user passwd late --file alone --password-stdin
check "to remove the bad entry mends it" says '{"removed":["weak","late"]}' berth_user del weak late --file alone --json
printf 'a\033[31mb:%s\nc\302\233d:%s\n' "$hash" "$hash" >odd
check "a list shows no terminal what it would obey" says 'a\x1b[31mb' berth_user list --file odd
check "nor in the other set of controls" says 'c\xc2\x9bd' berth_user list --file odd
check "a bad name is wrong usage to add" exits 2 piped x berth_user add a:b --file alone --password-stdin
check "and to rename" exits 2 berth_user rename solo a:b --file alone
check "a folder is no user file, whoever asks" exits 1 piped x berth_user add x --file "$WORK" --password-stdin
check "nor to list" exits 1 berth_user list --file "$WORK"
check "two sources of a password are wrong usage" exits 2 berth_user add x --file alone --password-stdin --generate
lost() { berth_user "$@" >/dev/full; }
check "a password that could not be printed is told, and what to do" fails_saying '"berth-user passwd" sets another password' lost add unseen --file alone --generate
check "because the user is there" says unseen berth_user list --file alone
check "renaming is told as JSON" says '{"name":"seen","before":"unseen"}' berth_user rename unseen seen --file alone --json
check "a password is typed twice for berth-user, too" typed secret-10 secret-10 -- "$BUILD/berth-user" add typed2 --file alone
check "and verifies" piped secret-10 berth_user verify typed2 --file alone --password-stdin
check "an interrupted question ends by the signal" exits 130 typed ^C -- "$BUILD/berth-user" passwd typed2 --file alone

mkdir elsewhere
cp before elsewhere/real
chown 123:456 elsewhere/real
chmod 640 elsewhere/real
ln -s elsewhere/real link
piped secret-9 berth_user add linked --file link --password-stdin
check "a symbolic link stays one" [ -L link ]
check "its target is what was edited" grep -q '^linked:' elsewhere/real
check "and keeps its owner and mode" [ "$(stat -c %u:%g:%a elsewhere/real)" = 123:456:640 ]

# Two people of a group edit one file.
chmod 711 "$WORK"
mkdir team
cp "$BUILD/berth-user" team/
cp before team/users
chown -R 123:456 team
chmod 2770 team
chmod 660 team/users
as() { local uid=$1; shift; setpriv --reuid "$uid" --regid "$uid" --groups 456 "$@"; }
check "the owner edits the group's file" as 123 team/berth-user rename dave david --file team/users
check "its lock is for all of them" says 123:456:660 stat -c %u:%g:%a team/users.lock
check "who cannot keep its owner is told so" fails_saying 'it belongs to user 123, group 456, which only they or root can keep' as 124 team/berth-user rename david dave --file team/users
check "and has changed nothing" grep -q '^david:' team/users
check "root can" berth_user rename david dave --file team/users
check "and it stays theirs" says 123:456:660 stat -c %u:%g:%a team/users
finish
