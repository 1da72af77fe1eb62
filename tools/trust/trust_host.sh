#!/bin/sh
# What berth-trust runs on a host: this file, trust_install.sh and trust_check.sh, one after the other, in any POSIX shell,
# as root. The tool puts assignments in front (trust_script.c):
#   ACTION   install, check, remove; read (show daemon.json); daemon (write it)
#   NAMES    the registry's folders, by blanks;  CONNECT, HOST, KIND (name, address)  where a handshake goes
#   PLAIN    the registry as a file name;  STAMP  the date for backups
#   CA CERTIFICATE KEY    what is to be written; empty: not given
#   DAEMON DAEMON_WAS     what daemon.json is to hold, and what it must hold now
#   ROOT     of an image's tree, else empty: no program of it is run;  RUNTIMES  what to write for; empty: what is found
#   DRY SYSTEM REBOOT    yes or no
# It answers in lines "@berth TAG WORD...", with tabs between; trust_report.h has the tags. All is in functions, and the
# last line of all calls them: a script that arrives in part does nothing.
#
# shellcheck disable=SC2034 # the other files use what is set here
set -u -f
umask 022
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
MARK='# Written by berth-trust, which replaces and removes this file.'
failed=0 changed=no

say() {
    printf '@berth'
    printf '\t%s' "$@"
    printf '\n'
}
fail() {
    say error "$1"
    failed=1
}
first_line() { printf '%s\n' "$1" | sed -n 1p; }

# --- files --------------------------------------------------------------------------------------------------------------

# A link in an image's tree would lead out of it, to this machine.
no_links() {
    [ -n "$ROOT" ] || return 0
    rest=${1#"$ROOT"/} at=$ROOT
    while [ -n "$rest" ]; do
        at=$at/${rest%%/*}
        if [ -L "$at" ]; then
            echo "$at is a symbolic link, which is not followed below --root"
            return 1
        fi
        [ "$rest" != "${rest#*/}" ] || break
        rest=${rest#*/}
    done
}

# write_new FILE MODE TEXT: the file must not be there, and nobody else reads it before it has its mode. The text goes in
# by a pipe or a file that only the shell sees: never as an argument of a program.
write_new() (
    umask 077
    set -C
    cat >"$1" <<END
$3
END
    code=$?
    [ $code -eq 0 ] && chmod "$2" "$1"
)

same() { # MODE FILE TEXT
    [ -f "$2" ] && [ ! -L "$2" ] && [ "$(cat "$2")" = "$3" ] && [ -n "$(find "$2" -prune -perm "$1")" ]
}

# replace MODE FILE TEXT: readers see the old or the new content. Prints what went wrong.
replace() {
    no_links "$2" || return 1
    if [ -d "$2" ]; then
        echo 'it is a folder'
        return 1
    fi
    new=${2%/*}/.berth-trust.$$
    mkdir -p "${2%/*}" && write_new "$new" "$1" "$3" && mv -f "$new" "$2" && return 0
    rm -f "$new"
    return 1
}

put() { # MODE FILE TEXT
    if same "$@"; then
        say file unchanged "$2"
    elif [ "$DRY" = yes ]; then
        say file would-write "$2"
    elif said=$(replace "$@" 2>&1); then
        say file written "$2"
        changed=yes
    else
        fail "$2 cannot be written: $(first_line "$said")"
        return 1
    fi
}

take() { # FILE
    [ -f "$1" ] || [ -L "$1" ] || return 0
    if [ "$DRY" = yes ]; then
        say file would-remove "$1"
    elif said=$(no_links "${1%/*}" 2>&1 && rm -f "$1" 2>&1); then
        say file removed "$1"
        changed=yes
    else
        fail "$1 cannot be removed: $(first_line "$said")"
    fi
}

# --- what runs here -----------------------------------------------------------------------------------------------------

has() { # PROGRAM...
    for program; do
        for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
            [ ! -x "$ROOT$folder/$program" ] || return 0
        done
        [ -n "$ROOT" ] || ! command -v "$program" >/dev/null || return 0
    done
    return 1
}

runs() { # RUNTIME
    case $1 in
    docker) has dockerd || [ -d "$ROOT/etc/docker" ] ;;
    containerd) has containerd || [ -d "$ROOT/etc/containerd" ] ;;
    containers) has podman buildah skopeo || [ -d "$ROOT/etc/containers" ] ;;
    esac
}

find_runtimes() {
    found=$RUNTIMES
    [ -z "$found" ] || return 0
    # Only Docker is there, and all but /var/lib/boot2docker is lost when it restarts.
    if is_boot2docker; then
        found='docker boot2docker'
        return 0
    fi
    for runtime in docker containerd containers; do
        ! runs "$runtime" || found="$found $runtime"
    done
}

is_boot2docker() {
    case " $RUNTIMES " in
    *' boot2docker '*) ;;
    *) [ -d "$ROOT/var/lib/boot2docker" ] ;;
    esac
}

# boot2docker makes /etc/docker a link to this folder when it starts.
docker_folder() {
    if is_boot2docker; then
        echo "$ROOT/var/lib/boot2docker/etc/docker"
    else
        echo "$ROOT/etc/docker"
    fi
}

folder_of() { # RUNTIME NAME
    case $1 in
    docker) echo "$(docker_folder)/certs.d/$2" ;;
    containerd) echo "$ROOT/etc/containerd/certs.d/$2" ;;
    containers) echo "$ROOT/etc/containers/certs.d/$2" ;;
    esac
}

boot2docker_file() { echo "$ROOT/var/lib/boot2docker/certs/$PLAIN.pem"; }

# Where the system's store takes certificates from. Nothing: it is of no kind that is known here.
system_file() {
    for folder in /etc/pki/ca-trust/source/anchors /etc/pki/trust/anchors /usr/local/share/ca-certificates; do
        if [ -d "$ROOT$folder" ]; then
            echo "$ROOT$folder/berth-$PLAIN.crt"
            return
        fi
    done
    ! has update-ca-certificates || echo "$ROOT/usr/local/share/ca-certificates/berth-$PLAIN.crt"
}
