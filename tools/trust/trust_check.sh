#!/bin/sh
# How berth-trust proves on a host that the registry is trusted, and the last line that starts everything. Goes behind
# trust_host.sh and trust_install.sh.
# shellcheck disable=SC2154 # trust_host.sh sets them
SECONDS_FOR_ANSWER=15

# Sets $problem to the first thing that openssl complains of: a certificate it does not accept, else an error of OpenSSL's
# (number:error:code:library:function:reason:file:line:more, where only more says it when the reason is "system lib"), else
# its last words.
find_problem() { # OUTPUT
    problem=$(printf '%s\n' "$1" | sed -n 's/.*verify error:num=[0-9]*://p' | sed -n 1p)
    [ -n "$problem" ] || problem=$(printf '%s\n' "$1" | sed -n \
        -e 's/^[0-9A-Fa-f]*:error:[^:]*:[^:]*:[^:]*:system lib:.*:\([^:][^:]*\)$/\1/p' -e t \
        -e 's/^[0-9A-Fa-f]*:error:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p' | sed -n 1p)
    [ -n "$problem" ] || problem=$(printf '%s\n' "$1" | sed '/^[[:space:]]*$/d' | sed -n '$p')
    problem=${problem:-no answer}
}

with_limit() {
    if timeout 5 true 2>/dev/null; then
        timeout $SECONDS_FOR_ANSWER "$@"
    else
        "$@"
    fi
}

# A request like the clients' own: with TLS 1.3 only an answer shows that the client's certificate was accepted.
request() { printf 'GET /v2/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$CONNECT"; }

# Sets $problem, empty when the registry is trusted, and $until, the end of its certificate if it was shown.
ask_openssl() { # CA CERTIFICATE KEY, each may be empty
    ca=$1 certificate=$2 key=$3
    set -- -connect "$CONNECT" -verify_return_error -ign_eof
    if [ "$KIND" = name ]; then
        set -- "$@" -servername "$HOST" -verify_hostname "$HOST"
    else
        set -- "$@" -verify_ip "$HOST"
    fi
    [ -z "$ca" ] || set -- "$@" -CAfile "$ca"
    [ -z "$certificate" ] || set -- "$@" -cert "$certificate" -key "$key"
    output=$(request | with_limit openssl s_client "$@" 2>&1 | head -c 100000)
    until=$(printf '%s\n' "$output" | openssl x509 -noout -enddate 2>/dev/null | sed 's/^notAfter=//')
    problem=
    if ! printf '%s\n' "$output" | grep -q '^HTTP/1\.[01] [1-5][0-9][0-9]'; then
        find_problem "$output"
    elif ! printf '%s\n' "$output" | openssl x509 -noout -text 2>/dev/null | grep -q 'Subject Alternative Name'; then
        problem='the certificate has no subject alternative name, and clients no longer read its common name'
    fi
}

# --capath keeps curl from looking into the system's folder as well. A password could stand behind a colon in --cert.
ask_curl() { # CA CERTIFICATE KEY
    ca=$1 certificate=$(printf '%s\n' "$2" | sed 's/[\\:]/\\&/g') key=$3
    set -- -q -sS -v --max-time $SECONDS_FOR_ANSWER --noproxy '*' -o /dev/null
    [ -z "$ca" ] || set -- "$@" --cacert "$ca" --capath "${ca%/*}"
    [ -z "$certificate" ] || set -- "$@" --cert "$certificate" --key "$key"
    problem=
    if ! output=$(curl "$@" "https://$CONNECT/v2/" 2>&1); then
        problem=$(printf '%s\n' "$output" | sed -n 's/^curl: ([0-9]*) //p' | sed -n 1p)
        problem=${problem:-no answer}
    fi
    until=$(printf '%s\n' "$output" | sed -n 's/^\* *expire date: //p' | sed -n 1p)
}

ask() {
    if has openssl; then
        ask_openssl "$@"
    else
        ask_curl "$@"
    fi
}

# Clients trust the system's store besides their own files.
ask_each() { # RUNTIME PLACE CERTIFICATE KEY CA...
    runtime=$1 place=$2 client=$3 client_key=$4
    shift 4
    tried='' why='no ca.crt there' detail="by the system's store: its folder has no ca.crt"
    for file; do
        if [ ! -f "$file" ] || [ "$file" = "$tried" ]; then continue; fi
        ask "$file" "$client" "$client_key"
        if [ -z "$problem" ]; then
            [ "$file" = "$1" ] && detail='by its file' || detail="by its file ${file##*/}"
            say check "$runtime" "$place" trusted "$until" "$detail"
            return
        fi
        [ -n "$tried" ] || why=$problem detail="by the system's store, not by its file: $problem"
        tried=${tried:-$file}
    done
    ask '' "$client" "$client_key"
    if [ -z "$problem" ]; then
        say check "$runtime" "$place" trusted "$until" "$detail"
        return
    fi
    [ -n "$tried" ] || why="$why, and by the system's store: $problem"
    say check "$runtime" "$place" refused "$until" "$why"
    failed=1
}

# The pair goes with the handshake when it is there whole, as clients do it. They trust by every file that ends in .crt, but
# containerd by those that its hosts.toml names.
check_folder() { # RUNTIME FOLDER
    certificate=$2/client.cert key=$2/client.key
    if [ -f "$key" ] && [ -z "$(find "$key" -prune ! -perm -040 ! -perm -004)" ]; then
        say note "$key can be read by others: chmod 600"
    fi
    [ -f "$certificate" ] && [ -f "$key" ] || certificate='' key=''
    if [ "$1" = containerd ] && [ -f "$2/hosts.toml" ]; then
        ask_each "$1" "$2" "$certificate" "$key" "$2/ca.crt"
    else
        set +f
        set -- "$1" "$2" "$2/ca.crt" "$2"/*.crt
        set -f
        runtime=$1 place=$2
        shift 2
        ask_each "$runtime" "$place" "$certificate" "$key" "$@"
    fi
}

check_file() { # RUNTIME FILE
    if [ -f "$2" ]; then
        ask_each "$1" "$2" '' '' "$2"
    else
        say check "$1" "$2" refused '' 'there is no such file'
        failed=1
    fi
}

check() {
    if ! has openssl && ! has curl; then
        fail 'this host has neither openssl nor curl to try it with'
        return
    fi
    if [ -z "$found" ] && [ "$SYSTEM" = no ]; then
        fail 'neither Docker, containerd, Podman, Buildah nor Skopeo was found; name what to look at with --runtimes'
        return
    fi
    for runtime in $found; do
        if [ "$runtime" = boot2docker ]; then
            check_file boot2docker "$(boot2docker_file)"
            continue
        fi
        for name in $NAMES; do
            check_folder "$runtime" "$(folder_of "$runtime" "$name")"
        done
    done
    if [ "$SYSTEM" = yes ]; then
        ask '' '' ''
        if [ -z "$problem" ]; then
            say check system "the system's store" trusted "$until" ''
        else
            say check system "the system's store" refused "$until" "$problem"
            failed=1
        fi
    fi
}

# The host must have answered before it goes down.
restart_boot2docker() {
    if [ "$REBOOT" = yes ] && [ "$failed" = 0 ] && [ "$changed" = yes ] && [ -d /var/lib/boot2docker ]; then
        say note 'boot2docker restarts'
        (sleep 2 && reboot) >/dev/null 2>&1 </dev/null &
    fi
}

main() {
    say begin 1
    find_runtimes
    for runtime in $found; do
        say found "$runtime"
    done
    case $ACTION in
    install) install && restart_boot2docker ;;
    check) check ;;
    remove) remove ;;
    read) read_for_install ;;
    daemon) write_daemon ;;
    esac
    say "done" "$failed"
    exit "$failed"
}

main
