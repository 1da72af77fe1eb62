#!/bin/bash
# Goal: the page "From nothing to ten Docker hosts that trust it" of the handbook, line by line as it stands there; only the
# registry's name and addresses are those of this sandbox. The ten hosts are this machine under ten names.
. "$(dirname "$0")/lib.sh"
ROOT=$(cd "$TESTS/.." && pwd)
PATIENCE=$((PATIENCE * 6)) # it installs, too
[[ $BUILD == /* ]] || BUILD=$ROOT/$BUILD

# cover FOLDER: a private one over it, empty or, with "kept", with a copy of what is there.
cover() {
    mkdir -p "$1" "$WORK/covers$1"
    [[ ${2-} != kept ]] || cp -a "$1/." "$WORK/covers$1/"
    mount --bind "$WORK/covers$1" "$1"
}
cover /etc/berth
cover /var/lib/berth
cover /usr/local kept
cover /root
cover /home
cover /etc/sudoers.d
cover /etc/containerd kept

# page N: the N-th block of commands of the page.
# shellcheck disable=SC2016 # $LOG is for the script that comes out
page() {
    awk -v wanted="$1" '/^```sh/{n++; inside = 1; next} /^```/{inside = 0} inside && n == wanted' "$ROOT/conf/handbook/ten-hosts.md" |
        sed -e "s/registry\.example\.com:5000/$REG/g; s/registry\.example\.com/$NAME/g; s/192\.0\.2\.10/192.0.2.1/g" \
            -e "s|^make deps \&\& make \&\& make install.*|make -s -C '$ROOT' BUILD='$BUILD' install >/dev/null|" -e 's|^berth serve.*|berth serve /etc/berth/config.yml >>"$LOG" 2>\&1 \&|'
}

# ---- the registry's host
page 1 >"$WORK/server.sh"
check "the page has commands for the registry" [ "$(wc -l <"$WORK/server.sh")" -gt 15 ]
cd "$WORK/home" || exit 1
export LOG
PATH=/usr/local/bin:$PATH
(umask 022 && bash -e "$WORK/server.sh" >"$WORK/server.out" 2>&1 </dev/null) &
serving() { listening && ! pgrep -f "^bash -e $WORK/server.sh" >/dev/null; }
check "they run, and a registry serves" eventually serving || { cat "$WORK/server.out"; exit 1; }
serve=$(pgrep -f '^berth serve') # no child of this shell
CA=/etc/berth/ca/ca.crt
password_of() { sed -n "s/^$1,//p" "$WORK/home/passwords.csv"; }
check "the passwords are nobody else's to read" [ "$(stat -c %a "$WORK/home/passwords.csv")" = 600 ]
request_as "alice:$(password_of alice)" POST /v2/any/app/blobs/uploads/
check "alice may push" status_is 202
request_as "bob:$(password_of bob)" POST /v2/any/app/blobs/uploads/
check "bob may not" error_is 403 DENIED
request_as "bob:$(password_of bob)" POST /v2/home/bob/app/blobs/uploads/
check "but below his own prefix" status_is 202
request_as "ci:$(password_of ci)" POST /v2/any/app/blobs/uploads/ --interface 192.0.2.1
check "ci may from its network" status_is 202
request GET /v2/ --user ""
check "nobody else gets in" error_is 401 UNAUTHORIZED
check "the manual pages are installed" test -s /usr/local/share/man/man1/berth-trust.1
check "and the completions" test -s /usr/local/share/bash-completion/completions/berth-ca

# ---- what is installed, for packages too
# installed DESTDIR PREFIX: all units below it, and the services start a program that is there.
installed() {
    local unit program
    for unit in berth.socket berth-backup.timer; do
        cmp "$ROOT/conf/$unit" "$1$2/lib/systemd/system/$unit" || return 1
    done
    for unit in berth.service berth-backup.service; do
        program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$1$2/lib/systemd/system/$unit") || return 1
        [[ $program == "$2/bin/berth" && -x $1$program ]] || { echo "$unit starts \"$program\""; return 1; }
    done
}
check "services, socket and timer are installed" installed "" /usr/local
check "a package puts them elsewhere" make -s -C "$ROOT" BUILD="$BUILD" DESTDIR="$WORK/package" PREFIX=/usr install
check "where they start what the package brings" installed "$WORK/package" /usr

# ---- ten hosts that only ssh reaches
for file in passwd shadow; do
    cp -a "/etc/$file" "$WORK/$file" && mount --bind "$WORK/$file" "/etc/$file"
done
echo "admin:x:4001:65534::/home/admin:/bin/sh" >>/etc/passwd
echo "admin:*:20000::::::" >>/etc/shadow
mkdir -p /home/admin /run/sshd /root/.ssh "$WORK/ssh"
echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
chmod 440 /etc/sudoers.d/admin
ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/host"
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub "$WORK/ssh/authorized"
chmod 755 "$WORK" "$WORK/ssh"
for n in 1 2 3 4 5 6 7 8 9 10; do
    echo "192.0.2.1 node$n" >>/etc/hosts
    echo "node$n $(cut -d' ' -f1,2 "$WORK/ssh/host.pub")" >>/root/.ssh/known_hosts
done
/usr/sbin/sshd -D -f /dev/null -h "$WORK/ssh/host" -o ListenAddress=192.0.2.1 -o UsePAM=no -o StrictModes=no -o PidFile=none -o MaxStartups=100 \
    -o "AuthorizedKeysFile=$WORK/ssh/authorized" -E "$WORK/ssh/log" &
ssh_up() { (exec 3<>/dev/tcp/192.0.2.1/22) 2>/dev/null; }
check "sshd runs" eventually ssh_up
cp "$CA" "$WORK/home/ca.crt"
page 2 >"$WORK/hosts.sh"
check "the commands for the hosts run" bash -e "$WORK/hosts.sh"
check "there are ten hosts" [ "$(wc -l <"$WORK/home/hosts.txt")" = 10 ]
check "and Docker on them has the authority" cmp "$CA" "/etc/docker/certs.d/$REG/ca.crt"

# ---- the table of wishes
check "one more user" bash -c 'echo secret-of-carol | berth-user add carol --file /etc/berth/htpasswd --password-stdin'
logged_in() { request_as "$1" GET /v2/ && status_is 200; }
check "is one within two seconds" within 2000 logged_in carol:secret-of-carol
check "why may bob not push?" exits 1 berth access explain bob push team/app --config /etc/berth/config.yml
check "a certificate for a machine" berth-ca client node1 --dir /etc/berth/ca
check "is taken back" berth-ca revoke node1 --dir /etc/berth/ca
check "nothing to renew yet" berth-ca renew server --dir /etc/berth/ca
check "what a client sees there is good" berth-ca verify "$REG" --ca ca.crt
check "a request to another authority" berth-ca csr "$NAME" --country DE --organisation Example --dir /etc/berth/ca

kill -TERM "$serve"
gone() { ! kill -0 "$serve" 2>/dev/null; }
check "the server stops when told to" eventually gone
finish
