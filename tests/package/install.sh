#!/bin/bash
# Goal: the package on a fresh release, in its life: installed, it serves as its unit says with TLS and a password that it
# made; an upgrade keeps data, configuration and authority; removed, they are still there; purged, the images are. Inside
# bare-debian.sh, where no systemd runs: the unit's command line runs as the unit's user.
set -u -o pipefail
package=$(echo /mnt/berth_*.deb)
if [[ ${1-} != --alone ]]; then
    # What the test itself uses, and none of what building took.
    apt-get install -y -qq --no-install-recommends curl iproute2 jq >/dev/null 2>&1 || exit 1
    echo '127.0.0.1 localhost' >/etc/hosts
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >/root/installed.log 2>&1 || { cat /root/installed.log; exit 1; }
    # The rest needs no network, and nobody else's ports.
    exec unshare --net "$0" --alone
fi
ip link set lo up
WORK=$(mktemp -d)
export WORK BUILD=/usr/bin
cd "$WORK" || exit 1
# shellcheck source=tests/e2e/lib.sh
. /root/berth/tests/e2e/lib.sh
CA=/etc/berth/ca/ca.crt
ALICE=berth
REG=localhost:$PORT # a name that the certificate has
unit=$(find /lib/systemd/system/ /usr/lib/systemd/system/ -name berth.service | head -n 1)
of_unit() { sed -n "s/^$1=//p" "$unit"; }
is() { [[ $(stat -c "$2" "$1") == "$3" ]] || { stat "$1"; return 1; }; }

# --- installed
check "it says what it made" grep -q 'user berth, password in /etc/berth/initial-password' /root/installed.log
check "the programs are there" says "$(dpkg -s berth | sed -n 's/^Version: //p')" berth --version
check "and what registry:2 calls them, out of others' way" says "berth" /usr/lib/berth/bin/registry --version
check "htpasswd, too" grep -q '^x:.2y.05' <(/usr/lib/berth/bin/htpasswd -Bbn x y)
check "no library is missing" fails grep 'not found' <(ldd /usr/bin/berth /usr/bin/berth-*)
check "nor the one that is loaded later" test -n "$(ldconfig -p | grep -F 'libcurl.so.4 ')"
check "manual pages are there" test -s /usr/share/man/man1/berth.1.gz
check "the user may not log in" grep -q '^berth:.*:/var/lib/berth:/usr/sbin/nologin$' /etc/passwd
check "the data directory is nobody else's" is /var/lib/berth %U:%a berth:700
check "the key is the server's to read" is /etc/berth/ca/server.key %U:%G:%a root:berth:640
check "the authority's is not" is /etc/berth/ca/ca.key %U:%a root:600
check "the users are the server's to read" is /etc/berth/htpasswd %U:%G:%a root:berth:640
check "the password is root's" is /etc/berth/initial-password %U:%a root:600
ALICE_PASSWORD=$(cat /etc/berth/initial-password)
fingerprint=$(sha256sum "$CA")

# --- it serves
serve() {
    local environment command
    mapfile -t environment < <(of_unit Environment)
    read -r -a command < <(of_unit ExecStart)
    setpriv --reuid "$(of_unit User)" --regid "$(of_unit Group)" --init-groups --no-new-privs --bounding-set=-all \
        env -i PATH=/usr/bin:/bin "${environment[@]}" "${command[@]}" >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    { eventually listening_or_dead && server_running; } || { cat "$LOG"; return 1; }
}
answers() { request GET /v2/ && status_is 200; }
keeps() { request GET "/v2/team/app/manifests/1" -H "Accept: $OCI_MANIFEST" && body_is_file "$WORK/manifest"; }
check "the unit's command line serves" serve || exit 1
check "with the password it made" answers
check "and nobody without" bash -c "[[ \$(curl -s --cacert $CA -o /dev/null -w '%{http_code}' https://$REG/v2/) == 401 ]]"
check "it is well" berth health
printf 'a layer' >"$WORK/layer"
blob_push team/app "$WORK/layer"
check "a blob is pushed" status_is 201
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"%s","size":7},"layers":[]}' "$OCI_MANIFEST" "$(digest_of "$WORK/layer")" >"$WORK/manifest"
manifest_push team/app 1 "$WORK/manifest" "$OCI_MANIFEST"
check "an image, too" status_is 201

# --- the next version: the same package under another number
echo '# mine' >>/etc/berth/config.yml
dpkg-deb -R "$package" "$WORK/next" && sed -i 's/^Version: .*/&+next/' "$WORK/next/DEBIAN/control" && dpkg-deb -b "$WORK/next" "$WORK/next.deb" >/dev/null || exit 1
check "it stops" server_stop
check "an upgrade asks nothing" dpkg -i "$WORK/next.deb"
check "and is one" says "+next" dpkg -s berth
check "what the administrator wrote stays" grep -q '^# mine$' /etc/berth/config.yml
check "so does the authority" test "$(sha256sum "$CA")" == "$fingerprint"
check "it serves again" serve
check "and has the image" keeps
check "it stops again" server_stop

# --- gone, and back
check "it is removed" dpkg -r berth
check "its service would be stopped before" grep -q 'deb-systemd-invoke stop.*berth.service' <(dpkg-deb --ctrl-tarfile "$package" | tar -xO ./prerm)
check "with its programs" test ! -e /usr/bin/berth
check "but not the images" test -n "$(find /var/lib/berth/blobs -type f)"
check "nor the configuration" grep -q '^# mine$' /etc/berth/config.yml
check "installed again" dpkg -i "$package"
check "it serves" serve
check "what was there" keeps
check "with the password of before" answers
check "it stops for good" server_stop
check "purged it says what stays" says 'The images stay in /var/lib/berth' dpkg -P berth
check "which is them" test -n "$(find /var/lib/berth/blobs -type f)"
check "and nothing of the configuration" test ! -e /etc/berth
finish
