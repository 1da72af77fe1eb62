#!/bin/bash
# Goal: one command on a fresh machine gives a TLS registry with its own CA, a certificate for this host's names and addresses, one
# user, and the lines to paste next. Run from the repository's root after the build; "make run" does. Running it again reuses
# everything, and issues the server's certificate anew when the host has an address that it does not cover, or it ends soon.
#
#   BERTH_DATA   where everything is kept; default ./berth-data
#   BERTH_ADDR   where to listen, as http.addr; default what the configuration says, :5000 at first
#   BUILD        where the programs are; default build
set -euo pipefail
umask 077

bin=${BUILD:-build}
for program in berth berth-ca berth-user; do
    if [[ ! -x $bin/$program ]]; then
        echo "quickstart: $bin/$program is not there; \"make run\" builds it" >&2
        exit 1
    fi
done

mkdir -p "${BERTH_DATA:-berth-data}"
data=$(cd "${BERTH_DATA:-berth-data}" && pwd)
ca=$data/ca
users=$data/auth/htpasswd
password_file=$data/auth/initial-password
config=$data/config.yml

make_certificates() {
    # Cut off between key and certificate, a CA is none: --force makes both anew.
    if [[ ! -e $ca/ca.crt ]]; then
        "$bin/berth-ca" init --force --dir "$ca" >/dev/null
    fi
    mapfile -t hosts < <("$bin/berth-ca" hosts)
    if [[ ${#hosts[@]} -eq 0 ]]; then
        echo "quickstart: cannot tell this host's names and addresses" >&2
        exit 1
    fi
    if [[ ! -e $ca/server.key ]] || ! "$bin/berth-ca" check --dir "$ca" --days 30 "$ca/server.crt" "${hosts[@]}" 2>/dev/null; then
        "$bin/berth-ca" server --force --dir "$ca" "${hosts[@]}" >/dev/null
        echo "A server certificate was issued for this host's names and addresses."
    fi
}

# The password goes to its file first: cut off in between, there is no user file yet, and the next run makes both anew.
make_user() {
    mkdir -p "$data/auth"
    [[ ! -e $users ]] || return 0
    head -c 15 /dev/urandom | base32 | tr -d '=' | tr '[:upper:]' '[:lower:]' >"$password_file"
    "$bin/berth-user" add berth --file "$users" --password-stdin <"$password_file"
}

yaml_quote() {
    printf "'%s'" "${1//\'/\'\'}"
}

make_config() {
    [[ ! -e $config ]] || return 0
    cat >"$config.tmp" <<YAML
# Made by "make run"; yours to edit. The commented example with all keys is conf/config.yml.
version: 0.1
storage:
  filesystem:
    rootdirectory: $(yaml_quote "$data/registry")
  delete:
    enabled: true
auth:
  htpasswd:
    realm: Berth
    path: $(yaml_quote "$users")
http:
  addr: ':5000'
  tls:
    certificate: $(yaml_quote "$ca/server.crt")
    key: $(yaml_quote "$ca/server.key")
YAML
    mv "$config.tmp" "$config"
}

# A name for others to use: the first that has a dot in it, else the first address, else the first of all.
public_host() {
    local host
    for host in "${hosts[@]}"; do
        [[ $host == *[a-z]*.* && $host != *:* ]] && echo "$host" && return
    done
    for host in "${hosts[@]}"; do
        [[ $host == *.* && $host != 127.* ]] && echo "$host" && return
    done
    for host in "${hosts[@]}"; do
        [[ $host == *:* && $host != ::1 ]] && echo "[$host]" && return
    done
    echo "${hosts[0]}"
}

listen_address() {
    local addr=${BERTH_ADDR:-}
    [[ -n $addr ]] || addr=$(sed -n "s/^  addr: *['\"]\{0,1\}\([^'\"# ]*\).*/\1/p" "$config" | head -n 1)
    echo "${addr:-:5000}"
}

print_next_steps() {
    local addr registry certs login secret
    addr=$(listen_address)
    registry=$(public_host):${addr##*:}
    certs=/etc/docker/certs.d/$registry
    printf 'Registry  https://%s  (the certificate covers: %s)\nData      %s\n' "$registry" "${hosts[*]}" "$data"
    if "$bin/berth-user" verify berth --file "$users" --password-stdin 2>/dev/null <"$password_file"; then
        secret=berth:$(<"$password_file")
        login="-u berth --password-stdin $(printf %q "$registry") <$(printf %q "$password_file")"
        printf 'User      berth, password %s (kept in %s)\n' "${secret#*:}" "$password_file"
    else
        secret=USER
        login=$(printf %q "$registry")
        printf 'Users     those of %s (the password made at first is no longer in use)\n' "$users"
    fi
    printf '\nOn each Docker host, once (another machine needs a copy of ca.crt first):\n'
    printf '  sudo install -D -m 0644 %q %q\n' "$ca/ca.crt" "$certs/ca.crt"
    printf 'or on many at once, by ssh:\n  %q/berth-trust install %q --ca %q USER@HOST...\n' "$bin" "$registry" "$ca/ca.crt"
    printf 'Then:\n  docker login %s\n' "$login"
    printf 'Without Docker:\n  curl --cacert %q -u %s https://%s/v2/\n' "$ca/ca.crt" "$secret" "$registry"
    printf 'More users:\n  %q/berth-user add NAME --file %q\n\n' "$bin" "$users"
}

make_certificates
make_user
make_config
print_next_steps
[[ -z ${BERTH_ADDR:-} ]] || export REGISTRY_HTTP_ADDR=$BERTH_ADDR
exec "$bin/berth" serve "$config"
