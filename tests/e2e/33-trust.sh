#!/bin/bash
# Goal: berth-trust makes hosts trust a registry: this machine, hosts by ssh and docker-machine, and trees of images;
# Docker, Podman and containerd then pull what they refused before, and everything it wrote can be taken away again.
# The hosts are all this machine: what differs is the way to it, and the private folders put over the shared ones.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
TRUST=$BUILD/berth-trust
SSH_PORT=2222

# cover FOLDER: a private copy of it.
cover() {
    mkdir -p "$1" "$WORK/covers$1"
    cp -a "$1/." "$WORK/covers$1/"
    mount --bind "$WORK/covers$1" "$1"
}
for folder in /etc/containerd /etc/ssh /etc/ssl /usr/local/share/ca-certificates /etc/sudoers.d /home; do
    cover "$folder"
done
: >/etc/containerd/config.toml

# --- a host with users: root, one that may use sudo without a password, one that may not
for file in passwd shadow; do
    cp -a "/etc/$file" "$WORK/$file"
    mount --bind "$WORK/$file" "/etc/$file"
done
for name in operator:4001 guest:4002; do
    echo "${name%:*}:x:${name#*:}:65534::/home/${name%:*}:/bin/sh" >>/etc/passwd
    echo "${name%:*}:*:20000::::::" >>/etc/shadow
    mkdir -p "/home/${name%:*}"
done
echo 'operator ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/operator
chmod 440 /etc/sudoers.d/operator

mkdir -p /run/sshd "$WORK/ssh"
for key in host client stranger; do
    ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$WORK/ssh/$key"
done
cp "$WORK/ssh/client.pub" "$WORK/ssh/authorized"
cat >"$WORK/ssh/sshd_config" <<END
Port $SSH_PORT
ListenAddress 192.0.2.1
ListenAddress 2001:db8::5
HostKey $WORK/ssh/host
AuthorizedKeysFile $WORK/ssh/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
END
chmod 755 "$WORK" "$WORK/ssh"
/usr/sbin/sshd -D -f "$WORK/ssh/sshd_config" -E "$WORK/ssh/log" &
for name in 192.0.2.1 2001:db8::5 registry.test; do
    echo "[$name]:$SSH_PORT $(cut -d' ' -f1,2 "$WORK/ssh/host.pub")"
done >"$WORK/ssh/known"
ssh_options=(--identity "$WORK/ssh/client" --ssh-option "UserKnownHostsFile=$WORK/ssh/known" --ssh-option GlobalKnownHostsFile=/dev/null
    --ssh-option IdentitiesOnly=yes --ssh-option IdentityAgent=none)
ssh_up() { (exec 3<>"/dev/tcp/192.0.2.1/$SSH_PORT") 2>/dev/null; }
check "sshd runs" eventually ssh_up || exit 1

trust() { local action=$1; shift; "$TRUST" "$action" "$@"; }
by_ssh() { local action=$1; shift; "$TRUST" "$action" "$@" "${ssh_options[@]}"; }
mode_is() { [[ $(stat -c %a:%U "$2") == "$1" ]] || { stat "$2"; return 1; }; }
# states FILE: each line "STATE PATH" of a JSON result, sorted.
states() { jq -r '.targets[].files[] | "\(.state) \(.path)"' "$1" | sort; }
no_files() { ! find "$@" -type f | grep .; }
ca_of() { cmp <(openssl x509 -in "$1/ca.crt") <(openssl x509 -in "$CA"); }

# --- Docker on this machine
check "a Docker daemon runs" start_dockerd || exit 1
import_image "$REG/hello:1" "hello from a trusted registry" >/dev/null || exit 1
login() { docker login -u "$ALICE" --password-stdin "$1" <<<"$ALICE_PASSWORD"; }
check "Docker does not trust the registry before" fails_saying x509 login "$REG"
check "check says that it is not trusted, with exit status 1" exits 1 trust check "$REG" --runtimes docker local
check "and why" fails_saying 'no ca.crt there' trust check "$REG" --runtimes docker local
check "a dry run says what would be written" says "would write /etc/docker/certs.d/$REG/ca.crt" trust install "$REG" --ca "$CA" --dry-run local
check "and writes nothing" no_files /etc/docker/certs.d /etc/containers/certs.d /etc/containerd/certs.d
check "install" says 'local   installed' trust install "$REG" --ca "$CA" --runtimes docker local
check "the CA is where Docker looks" ca_of "/etc/docker/certs.d/$REG"
check "everybody can read it" mode_is 644:root "/etc/docker/certs.d/$REG/ca.crt"
check "Docker trusts the registry now, without a restart" says 'Login Succeeded' login "$REG"
check "docker push" says 'digest: sha256:' docker push "$REG/hello:1"
docker rmi -f "$REG/hello:1" >/dev/null
check "docker run of the pulled image" says 'hello from a trusted registry' docker run --rm --network none "$REG/hello:1"
check "check proves it, and tells the days left" says 'days left' trust check "$REG" --runtimes docker local
check "a second install says that nothing changes" says 'local   unchanged' trust install "$REG" --ca "$CA" --runtimes docker local
check "remove" says 'local   removed' trust remove "$REG" local
check "takes away the folder" fails test -e "/etc/docker/certs.d/$REG"
check "Docker does not trust the registry after it" fails_saying x509 login "$REG"
check "a second remove finds nothing" says 'nothing there' trust remove "$REG" local
check "the address as a name: Docker looks in a folder with brackets" trust install "[2001:db8::5]:$PORT" --ca "$CA" --runtimes docker local
check "Docker trusts it by its IPv6 address" says 'Login Succeeded' login "[2001:db8::5]:$PORT"
check "and check does" says 'trusted, by its file' trust check "[2001:db8::5]:$PORT" --runtimes docker local
check "but not by its name, which has no folder" fails_saying x509 login "$REG"
check "remove of the IPv6 name" trust remove "[2001:db8::5]:$PORT" local

# --- by ssh, as root, by sudo, and without either
targets=("root@192.0.2.1:$SSH_PORT" "operator@[2001:db8::5]:$SSH_PORT")
check "install by ssh as root" says 'docker, containerd, containers: 4 written' by_ssh install "$REG" --ca "$CA" "${targets[0]}"
check "Docker trusts the registry" says 'Login Succeeded' login "$REG"
check "skopeo reads /etc/containers/certs.d" says '"Name"' skopeo inspect --creds "$ALICE:$ALICE_PASSWORD" "docker://$REG/hello:1"
check "podman does" podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend none pull -q --creds "$ALICE:$ALICE_PASSWORD" "$REG/hello:1"
check "by sudo over IPv6 it finds all unchanged" says '4 unchanged' by_ssh install "$REG" --ca "$CA" "${targets[1]}"
check "who may not use sudo is told so" fails_saying 'sudo without a password (NOPASSWD)' by_ssh install "$REG" --ca "$CA" "guest@192.0.2.1:$SSH_PORT"
check "check from the host by sudo" says 'days left' by_ssh check "$REG" "${targets[1]}"
printf '# ours\n\n%s # the first\r\nroot@192.0.2.1:2223\n' "${targets[0]}" >"$WORK/hosts.txt"
check "two targets of a list, of which one fails: exit status 1" exits 1 by_ssh install "$REG" --ca "$CA" --hosts-file "$WORK/hosts.txt"
by_ssh install "$REG" --ca "$CA" --hosts-file "$WORK/hosts.txt" >"$WORK/table" 2>"$WORK/progress"
check "the table has the good one" grep -qE '^root@192\.0\.2\.1:2222 +unchanged' "$WORK/table"
check "and the failed one" grep -qE '^root@192\.0\.2\.1:2223 +failed' "$WORK/table"
check "with ssh's own words" grep -q 'Connection refused' "$WORK/table"
check "and a line of progress for each" grep -c '^\[[12]/2\] root@' "$WORK/progress"
check "a stranger's key: what to do about it" fails_saying 'give a key that the host accepts with --identity' \
    "$TRUST" install "$REG" --ca "$CA" "${targets[0]}" --identity "$WORK/ssh/stranger" "${ssh_options[@]:2}"
check "an unknown host key is refused" fails_saying 'accept it once with ssh or add it to known_hosts' \
    "$TRUST" install "$REG" --ca "$CA" "${targets[0]}" --ssh-option UserKnownHostsFile=/dev/null --ssh-option GlobalKnownHostsFile=/dev/null
check "without ssh's full stop before it" grep -q 'verification failed: check' "$WORK/said"
printf 'Host *\nRemoteCommand /bin/false\nStdinNull yes\nSessionType none\nForkAfterAuthentication yes\n' >>/etc/ssh/ssh_config
check "a configuration of ssh for sessions of people does not get in the way" says '4 unchanged' by_ssh install "$REG" --ca "$CA" "${targets[0]}"
check "remove for one of them leaves the others" by_ssh remove "$REG" --runtimes docker "${targets[0]}"
check "Docker's is gone" fails test -e "/etc/docker/certs.d/$REG"
check "Podman's is not" ca_of "/etc/containers/certs.d/$REG"
check "remove by ssh" says 'removed' by_ssh remove "$REG" "${targets[0]}"
check "nothing of it is left" no_files /etc/docker/certs.d /etc/containers/certs.d /etc/containerd/certs.d

# --- containerd
check "containerd runs" start_containerd || exit 1
pull() { ctr images pull --snapshotter native --hosts-dir /etc/containerd/certs.d --user "$ALICE:$ALICE_PASSWORD" "$1/hello:1"; }
check "containerd does not trust the registry before" fails_saying x509 pull "$REG"
check "install tells what Kubernetes needs" says 'has config_path = "/etc/containerd/certs.d"' trust install "$REG" --ca "$CA" --runtimes containerd local
check "containerd pulls with what was written" pull "$REG"
printf "[plugins.'io.containerd.cri.v1.images'.registry]\n  config_path = '/etc/containerd/certs.d:/etc/docker/certs.d'\n" >/etc/containerd/config.toml
silent() { ! trust install "$REG" --ca "$CA" --runtimes containerd local | grep config_path; }
check "when it is set there is nothing to tell" silent
check "config.toml is not touched" test "$(wc -l </etc/containerd/config.toml)" = 2
check "the IPv6 name as a folder" trust install "[2001:db8::5]:$PORT" --ca "$CA" --runtimes containerd local
check "containerd pulls by it" pull "[2001:db8::5]:$PORT"
echo '# by hand' >"/etc/containerd/certs.d/$REG/hosts.toml"
check "a hosts.toml of somebody else is left alone" fails_saying 'is not from berth-trust' trust install "$REG" --ca "$CA" --runtimes containerd local
check "by remove, too" says 'the folder stays as it is' trust remove "$REG" local
check "it is as it was" grep -q 'by hand' "/etc/containerd/certs.d/$REG/hosts.toml"
rm -r /etc/containerd/certs.d

# --- client certificates
"$BUILD/berth-ca" client ops --dir "$TLS_DIR" --out "$WORK/client" >/dev/null || exit 1
pair=(--client-cert "$WORK/client/client.cert" --client-key "$WORK/client/client.key")
server_stop
sed -i "/^    key: /a\\    clientcas: [\"$CA\"]" "$WORK/config.yml"
server_start || exit 1
trust install "$REG" --ca "$CA" local >/dev/null 2>&1
check "a registry that wants a client certificate refuses hosts without" exits 1 trust check "$REG" local
check "install with a client certificate, by ssh" by_ssh install "$REG" --ca "$CA" "${pair[@]}" "operator@192.0.2.1:$SSH_PORT"
for folder in docker containerd containers; do
    check "the key in /etc/$folder is root's alone" mode_is 600:root "/etc/$folder/certs.d/$REG/client.key"
done
check "check shows the certificate" says 'trusted, by its file' trust check "$REG" local
check "Docker shows it" says 'Login Succeeded' login "$REG"
check "skopeo shows it" says '"Name"' skopeo inspect --creds "$ALICE:$ALICE_PASSWORD" "docker://$REG/hello:1"
check "containerd shows it" pull "$REG"
secret=$(sed -n 2p "/etc/docker/certs.d/$REG/client.key")
rm "/etc/docker/certs.d/$REG/client.key"
ASAN_OPTIONS=detect_leaks=0 strace -f -v -s 100000 -e trace=execve -o "$WORK/strace" "$TRUST" install "$REG" --ca "$CA" "${pair[@]}" local >/dev/null 2>&1
check "the key is written again" grep -qF "$secret" "/etc/docker/certs.d/$REG/client.key"
check "programs were run for it" grep -q 'execve.*chmod' "$WORK/strace"
check "in no command line and no environment was the key" fails grep -qF "$secret" "$WORK/strace"
chmod 644 "/etc/docker/certs.d/$REG/client.key"
check "a key that others can read is pointed out" says 'can be read by others' trust check "$REG" --runtimes docker local
check "and put right" says '1 written' trust install "$REG" --ca "$CA" "${pair[@]}" --runtimes docker local
check "its mode" mode_is 600:root "/etc/docker/certs.d/$REG/client.key"
mount --bind /dev/null /usr/bin/openssl
check "a host without openssl checks with curl" says 'days left' trust check "$REG" local
umount /usr/bin/openssl
openssl pkey -in "$WORK/client/client.key" -aes128 -passout pass:x -out "$WORK/encrypted.key"
check "a key with a passphrase is refused" fails_saying 'the key has a passphrase' trust install "$REG" --ca "$CA" --client-cert "$WORK/client/client.cert" --client-key "$WORK/encrypted.key" local
check "a key of another certificate is refused" fails_saying 'not the key of' trust install "$REG" --ca "$CA" --client-cert "$WORK/client/client.cert" --client-key "$TLS_DIR/server.key" local
touch "/etc/docker/certs.d/$REG/other.crt"
check "check looks at it, too, and the CA is enough" says 'trusted, by its file' trust check "$REG" --runtimes docker local
check "remove leaves what is not from it" says 'holds other files and stays' trust remove "$REG" local
check "and takes all that is" test "$(find /etc/docker/certs.d /etc/containers/certs.d /etc/containerd/certs.d -type f)" = "/etc/docker/certs.d/$REG/other.crt"
rm -r /etc/docker/certs.d
server_stop
server_config && server_start || exit 1

# --- files that somebody made by hand
mkdir -p "/etc/docker/certs.d/$REG"
echo 'by hand' >"/etc/docker/certs.d/$REG/ca.crt"
check "a dry run says that a copy would stay" says 'a copy of it would stay' trust install "$REG" --ca "$CA" --runtimes docker --dry-run local
check "and makes none" test "$(ls -A "/etc/docker/certs.d/$REG")" = ca.crt
check "a CA that somebody put there is replaced, and that is said" says 'was not from berth-trust: it stays as' trust install "$REG" --ca "$CA" --runtimes docker local
check "a copy stays" grep -q 'by hand' "/etc/docker/certs.d/$REG"/ca.crt.20*
check "Docker reads neither the copy nor our record" says 'Login Succeeded' login "$REG"
echo 'by hand' >"/etc/docker/certs.d/$REG/client.key"
check "remove says what it leaves" says 'client.key is not from berth-trust and stays' trust remove "$REG" --runtimes docker local
check "that is what was there, and no more" test "$(cat "/etc/docker/certs.d/$REG"/client.key "/etc/docker/certs.d/$REG"/ca.crt.20*; find "/etc/docker/certs.d/$REG" -type f | wc -l)" = $'by hand\nby hand\n2'
rm -r /etc/docker/certs.d
mkdir -p "/etc/docker/certs.d/$REG"
cp "$CA" "/etc/docker/certs.d/$REG/company.crt"
check "Docker reads every file that ends in .crt" says 'Login Succeeded' login "$REG"
check "so check does" says 'trusted, by its file company.crt' trust check "$REG" --runtimes docker local
rm -r /etc/docker/certs.d
check "a server's certificate is no CA" fails_saying 'no authority' trust install "$REG" --ca "$TLS_DIR/server.crt" local
check "nothing is written of it" fails test -e "/etc/docker/certs.d/$REG"

# --- what check finds
check "a name that the host does not know: that is what it says" fails_saying 'name' trust check nowhere.invalid:5000 --runtimes docker local
check "and nothing of OpenSSL's inside" fails grep -q 'system lib' "$WORK/said"
check "another spelling of the registry is pointed out" fails_saying "the folders are called $REG, not ${REG^^}: write it like that" trust check "${REG^^}" --runtimes docker local
"$BUILD/berth-ca" init --dir "$WORK/other" >/dev/null
trust install "$REG" --ca "$WORK/other/ca.crt" --runtimes docker local >/dev/null 2>&1
check "another authority is not trusted" fails_saying 'not trusted, self-signed certificate' trust check "$REG" --runtimes docker local
check "install of the right one replaces it" says '1 written' trust install "$REG" --ca "$CA" --runtimes docker local
trust install "ip6-localhost:$PORT" --ca "$CA" --runtimes docker local >/dev/null 2>&1
check "a name that the certificate does not have" fails_saying 'ostname mismatch' trust check "ip6-localhost:$PORT" --runtimes docker local
check "nothing listens there" fails_saying 'refused' trust check "$NAME:5999" --runtimes docker local
trust remove "ip6-localhost:$PORT" local >/dev/null 2>&1
check "the system's store on request" says 'installed' trust install "$REG" --ca "$CA" --system --runtimes docker local
check "programs without a setting of their own trust the registry" curl -sS -o /dev/null "https://$REG/v2/"
check "check proves that" says "the system's store: trusted" trust check "$REG" --system local
check "remove takes it from the store" trust remove "$REG" local
check "nobody trusts the registry any more" fails_saying certificate curl -sS "https://$REG/v2/"

# --- insecure
printf '{\n    "log-level": "info",\n  "shutdown-timeout":   15, "insecure-registries": ["a.example:80"] ,\n    "labels":["x=1"]}\n' >/etc/docker/daemon.json
cp /etc/docker/daemon.json "$WORK/daemon.before"
check "--insecure warns" says 'never for production' trust install "$REG" --insecure --runtimes docker local
# shellcheck disable=SC2016 # jq's own variable, here and below
check "it is on the list" jq -e --arg r "$REG" '."insecure-registries" == ["a.example:80", $r]' /etc/docker/daemon.json
check "every other byte is as it was" test "$(sed "s/, \"$REG\"//" /etc/docker/daemon.json)" = "$(cat "$WORK/daemon.before")"
backups=(/etc/docker/daemon.json.20*)
check "a dated copy is kept" cmp "$WORK/daemon.before" "${backups[0]}"
check "again: unchanged" says 'unchanged' trust install "$REG" --insecure --runtimes docker local
kill -HUP "$(cat "$WORK/docker.pid")"
insecure_listed() { docker info 2>/dev/null | grep -A 5 'Insecure Registries' | grep -qF "$REG"; }
check "Docker reads it after a reload" eventually insecure_listed
check "remove undoes it, by ssh as well" by_ssh remove "$REG" "operator@192.0.2.1:$SSH_PORT"
check "byte for byte" cmp "$WORK/daemon.before" /etc/docker/daemon.json
echo '{"a": 1,}' >/etc/docker/daemon.json
check "a daemon.json that is no JSON is refused" fails_saying 'no valid JSON' trust install "$REG" --ca "$CA" --insecure --runtimes docker local
check "and left as it is" test "$(cat /etc/docker/daemon.json)" = '{"a": 1,}'
check "nothing else was written either" fails test -e "/etc/docker/certs.d/$REG"
rm /etc/docker/daemon.json*
mkdir -p "$WORK/managed"
printf '{\n    "log-level": "info"\n}' >"$WORK/managed/daemon.json"
cp "$WORK/managed/daemon.json" "$WORK/daemon.before"
chown operator "$WORK/managed/daemon.json"
ln -s "$WORK/managed/daemon.json" /etc/docker/daemon.json
check "a daemon.json that is a link" says '--insecure' trust install "$REG" --insecure --runtimes docker local
check "stays one" test -L /etc/docker/daemon.json
# shellcheck disable=SC2016
check "and what it leads to is changed" jq -e --arg r "$REG" '."insecure-registries" == [$r]' "$WORK/managed/daemon.json"
check "its owner stays" mode_is 644:operator "$WORK/managed/daemon.json"
check "remove" trust remove "$REG" --runtimes docker local
check "the bytes are as before, without a newline at the end" cmp "$WORK/daemon.before" "$WORK/managed/daemon.json"
rm /etc/docker/daemon.json*
ln -s nowhere/at/all.json /etc/docker/daemon.json
check "a link that leads nowhere is an error" fails_saying 'leads nowhere' trust install "$REG" --insecure --runtimes docker local
rm /etc/docker/daemon.json

# --- docker-machine and boot2docker, on a machine whose /var/lib is its own
mkdir -p "$WORK/bin" "$WORK/machine/boot2docker" "$WORK/machine-bin"
cat >"$WORK/bin/docker-machine" <<END
#!/bin/sh
# docker-machine ssh NAME COMMAND
if [ "\$1 \$2" != 'ssh default' ]; then
    echo "Docker machine \"\$2\" does not exist" >&2
    exit 1
fi
export PATH="$WORK/machine-bin:\$PATH" COMMAND="\$3"
exec unshare --mount sh -c 'mount --bind "$WORK/machine" /var/lib && exec sh -c "\$COMMAND"'
END
printf '#!/bin/sh\ntouch "%s/rebooted"\n' "$WORK" >"$WORK/machine-bin/reboot"
chmod +x "$WORK/bin/docker-machine" "$WORK/machine-bin/reboot"
PATH=$WORK/bin:$PATH
check "a machine that does not exist" fails_saying 'machine "none" does not exist' trust install "$REG" --ca "$CA" machine:none
check "install by docker-machine tells that boot2docker has to restart" says 'restart it, or give --reboot' trust install "$REG" --ca "$CA" machine:default
check "the certificate stays there, named after the registry" test -f "$WORK/machine/boot2docker/certs/registry.test+$PORT.pem"
check "and where Docker looks after the restart" ca_of "$WORK/machine/boot2docker/etc/docker/certs.d/$REG"
check "it was not restarted" fails test -e "$WORK/rebooted"
trust remove "$REG" machine:default >/dev/null 2>&1
check "remove takes both away" no_files "$WORK/machine"
check "with --reboot it restarts" says 'boot2docker restarts' trust install "$REG" --ca "$CA" --reboot machine:default
check "really" eventually test -e "$WORK/rebooted"
rm -f "$WORK/rebooted"
check "but not when nothing has changed" says unchanged trust install "$REG" --ca "$CA" --reboot machine:default

# --- trees of images
root=$WORK/tree
mkdir -p "$root/etc/docker" "$root/usr/bin" "$root/etc/containers" "$root/usr/local/share/ca-certificates"
printf '#!/bin/sh\ntouch "%s/ran"\n' "$WORK" >"$root/usr/bin/containerd"
chmod +x "$root/usr/bin/containerd"
check "what is found in a tree is written for" says 'docker, containerd, containers: 9 written' trust install "$NAME:443" --ca "$CA" --system --root "$root" local
check "a registry with :443 has a folder with" ca_of "$root/etc/docker/certs.d/$NAME:443"
check "and one without the port" ca_of "$root/etc/docker/certs.d/$NAME"
check "hosts.toml has the name of its folder" grep -q "server = \"https://$NAME:443\"" "$root/etc/containerd/certs.d/$NAME:443/hosts.toml"
check "no program of the tree ran" fails test -e "$WORK/ran"
check "nothing was written outside of it" no_files /etc/docker/certs.d /etc/containers/certs.d
trust remove "$NAME:443" --root "$root" --json local >"$WORK/removed.json" 2>/dev/null
check "remove takes away what install wrote" test "$(states "$WORK/removed.json" | grep -c '^removed')" = 9
rm -r "$root/etc/containerd"
ln -s /etc/containerd "$root/etc/containerd"
check "links are not followed out of the tree" fails_saying 'is a symbolic link' trust install "$REG" --ca "$CA" --root "$root" --runtimes containerd local
check "nothing came out of it" no_files /etc/containerd/certs.d
mkdir -p "/etc/containerd/certs.d/$REG"
check "nor by remove" fails_saying 'is a symbolic link' trust remove "$REG" --root "$root" --runtimes containerd local
check "which leaves the folder that it leads to" test -d "/etc/containerd/certs.d/$REG"
rm -r /etc/containerd/certs.d
mkdir -p "$WORK/back\\tslash"
check "a tree with a backslash in its name" trust install "$REG" --ca "$CA" --root "$WORK/back\\tslash" --runtimes docker local
check "is where it is written" ca_of "$WORK/back\\tslash/etc/docker/certs.d/$REG"
check "nothing found is an error that says so" fails_saying 'neither Docker, containerd' trust install "$REG" --ca "$CA" --root "$WORK/client" local

# --- shells
mkdir -p "$WORK/busybox"
ln -s "$(command -v busybox)" "$WORK/busybox/sh"
PATH=$WORK/busybox:$PATH
check "busybox's shell is the one that runs" says BusyBox sh --help
mkdir -p "$WORK/bb"
check "the script works in busybox's shell" says '4 written' trust install "$REG" --ca "$CA" "${pair[@]}" --root "$WORK/bb" --runtimes docker,boot2docker local
check "boot2docker's folder is the only one" test "$(cd "$WORK/bb" && ls)" = var
check "on this machine" trust install "$REG" --ca "$CA" "${pair[@]}" local
check "check" says 'days left' trust check "$REG" local
check "remove" says 'removed' trust remove "$REG" local
PATH=${PATH#*:}

# --- hosts that are not what they seem
hostile() { printf '#!/bin/sh\n%s\n' "$1" >"$WORK/bin/ssh"; chmod +x "$WORK/bin/ssh"; }
hostile 'printf "Welcome \033]0;owned\007\n"; printf "@berth\tbegin\t1\n@berth\tnote\t\033[2Jbad\n@berth\tdone\t0\n"'
trust install "$REG" --ca "$CA" evil >"$WORK/evil" 2>&1
check "escapes from a host do not reach the terminal" fails grep -q $'\033' "$WORK/evil"
check "its text does" grep -qF '?[2Jbad' "$WORK/evil"
hostile 'exec yes'
check "one that never stops talking is stopped" fails_saying 'said more than 4 MiB' trust install "$REG" --ca "$CA" evil
hostile 'exec sleep 60'
check "one that never answers is given up" within 10000 fails_saying 'did not end in time' trust install "$REG" --ca "$CA" --timeout 1 evil
hostile 'printf "@berth\tbegin\t1\n@berth\tdone\t1\n"; exit 1'
check "one that says only that it failed has failed" fails_saying 'something failed, but not what' trust install "$REG" --ca "$CA" evil
hostile 'printf "@berth\tbegin\t1\n@berth\tdone\t0\n"'
check "a check that checked nothing is not trusted" fails_saying 'not what it checked' trust check "$REG" evil
hostile 'printf "@berth\tcheck\tdocker\t/d\ttrusted\n@berth\tdone\t0\n"'
check "what comes before the script runs does not count" fails_saying 'it did not answer' trust check "$REG" evil
hostile 'printf "@berth\tbegin\t1\n@berth\tnote\tmind this\n@berth\tdone\t0\n"'
check "what all hosts say is said once" says 'all 10: note: mind this' trust install "$REG" --ca "$CA" node{0..9}
hostile 'sleep 1; exit 3'
mapfile -t many < <(seq -f 'node%g' 1 16)
check "sixteen hosts that take a second each are asked at a time" within 8000 fails_saying '[16/16]' trust install "$REG" --ca "$CA" --jobs 16 "${many[@]}"
hostile 'exit 3'
check "one that says nothing" fails_saying 'exit status 3' trust install "$REG" --ca "$CA" evil
rm "$WORK/bin/ssh"

# --- scripts read it
trust install "$REG" --ca "$CA" --json --runtimes docker local >"$WORK/result.json" 2>/dev/null
# shellcheck disable=SC2016
check "the result as JSON" jq -e --arg p "/etc/docker/certs.d/$REG/ca.crt" '.ok and .targets[0].files == [{path: $p, state: "written"}]' "$WORK/result.json"
trust check "$REG" --json --runtimes docker local >"$WORK/result.json" 2>/dev/null
check "with the days left" jq -e '.targets[0].checks[0] | .trusted and .days_left > 300' "$WORK/result.json"
check "exit status 2: a wrong target" exits 2 trust install "$REG" --ca "$CA" -- -oProxyCommand=x
check "exit status 2: no CA" exits 2 trust install "$REG" local
check "exit status 3: a CA that is not there" exits 3 trust install "$REG" --ca "$WORK/none" local
finish
