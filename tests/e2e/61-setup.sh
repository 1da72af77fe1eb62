#!/bin/bash
# Goal: what the Debian package does on a machine, as far as it can be seen without installing it (tests/package.sh does that):
# "make install" brings the user and the directory in systemd's words, and the first set-up makes what the configuration of
# the package names, for the server's user alone, once.
. "$(dirname "$0")/lib.sh"
ROOT=$(cd "$TESTS/.." && pwd)
[[ $BUILD == /* ]] || BUILD=$ROOT/$BUILD
PATH=$BUILD:$PATH

# --- in systemd's words
mkdir -p "$WORK/root/etc" "$WORK/root/var/lib"
PATIENCE=$((PATIENCE * 6))
check "it is installed" make -s -C "$ROOT" BUILD="$BUILD" DESTDIR="$WORK/root" PREFIX=/usr install
check "systemd makes the user" systemd-sysusers --root="$WORK/root"
check "who cannot log in" grep -qE '^berth:x:[0-9]+:[0-9]+:Berth container registry:/var/lib/berth:/usr/sbin/nologin$' "$WORK/root/etc/passwd"
check "and the directory" systemd-tmpfiles --root="$WORK/root" --create berth.conf
check "which is his alone" test "$(stat -c %u:%a "$WORK/root/var/lib/berth")" == "$(sed -n 's/^berth:x:\([0-9]*\):.*/\1/p' "$WORK/root/etc/passwd"):700"

# --- the first set-up
mkdir -p /etc/berth /var/lib/berth "$WORK/etc-berth" "$WORK/var-lib-berth"
mount --bind "$WORK/etc-berth" /etc/berth && mount --bind "$WORK/var-lib-berth" /var/lib/berth || exit 1
grep -v '^berth:' /etc/passwd >"$WORK/passwd"
grep -v '^berth:' /etc/group >"$WORK/group"
printf 'berth:x:4711:4712::/var/lib/berth:/usr/sbin/nologin\n' >>"$WORK/passwd"
printf 'berth:x:4712:\n' >>"$WORK/group"
mount --bind "$WORK/passwd" /etc/passwd && mount --bind "$WORK/group" /etc/group || exit 1
chown berth:berth /var/lib/berth
chmod 755 "$WORK" /etc/berth
setup() { "$ROOT/conf/debian/first-setup"; }
is() { [[ $(stat -c "$2" "$1") == "$3" ]] || { stat "$1"; return 1; }; }

check "without a configuration there is nothing to do" setup
check "and nothing is made" test -z "$(ls /etc/berth)"
printf 'version: 0.1\nhttp: {addr: ":5000"}\n' >/etc/berth/config.yml
check "nor for one of the administrator's own" setup
check "which names other files" test "$(ls /etc/berth)" == config.yml
cp "$ROOT/conf/debian/config.yml" /etc/berth/
check "for the package's it says what it made" says 'user berth, password in /etc/berth/initial-password' setup
check "the authority's key is root's" is /etc/berth/ca/ca.key %U:%a root:600
check "the server's may be read by its user" is /etc/berth/ca/server.key %U:%G:%a root:berth:640
check "and the user file" is /etc/berth/htpasswd %U:%G:%a root:berth:640
check "the password is root's" is /etc/berth/initial-password %U:%a root:600
find /etc/berth -type f -exec sha256sum {} + >"$WORK/before"
check "a second time" setup
check "changes nothing" sha256sum --quiet -c "$WORK/before"
CA=/etc/berth/ca/ca.crt
ALICE=berth
ALICE_PASSWORD=$(cat /etc/berth/initial-password)
REG=localhost:$PORT

# serve: as the unit says.
serve() {
    local environment command
    mapfile -t environment < <(sed -n 's/^Environment=//p' "$ROOT/conf/berth.service")
    read -r -a command < <(sed -n 's/^ExecStart=[^ ]*//p' "$ROOT/conf/berth.service")
    setpriv --reuid berth --regid berth --init-groups --no-new-privs --bounding-set=-all \
        env -i "${environment[@]}" "$BUILD/berth" "${command[@]}" >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    { eventually listening_or_dead && server_running; } || { cat "$LOG"; return 1; }
}
check "the unit's command line serves with it, as the unit's user" serve
request GET /v2/
check "who has the password gets in" status_is 200
request_as '' GET /v2/
check "nobody else does" error_is 401 UNAUTHORIZED
check "it stops" server_stop

# --- cut off in between
rm /etc/berth/htpasswd
check "where the users are missing they are made anew" setup
check "with another password" test "$(cat /etc/berth/initial-password)" != "$ALICE_PASSWORD"
check "that lets in" bash -c 'berth-user verify berth --file /etc/berth/htpasswd --password-stdin </etc/berth/initial-password'
rm /etc/berth/ca/server.crt
check "so is a certificate" setup
check "of the same authority" openssl verify -CAfile "$CA" /etc/berth/ca/server.crt
finish
