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
# Fails itself, for what follows.
fail() {
    say error "$1"
    failed=1
    return 1
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
            printf '%s\n' "$at is a symbolic link, which is not followed below --root"
            return 1
        fi
        [ "$rest" != "${rest#*/}" ] || break
        rest=${rest#*/}
    done
}

# write_new FILE MODE <BYTES: the file must not be there, and nobody else reads it before it has its mode.
write_new() (
    umask 077
    set -C
    cat >"$1" && chmod "$2" "$1"
)

has_text() { # FILE TEXT
    [ -f "$1" ] && [ ! -L "$1" ] && [ "$(cat "$1")" = "$2" ]
}

same() { # MODE FILE TEXT
    has_text "$2" "$3" && [ -n "$(find "$2" -prune -perm "$1")" ]
}

# replace MODE FILE <BYTES: readers see the old or the new content. Prints what went wrong. A key comes in by a
# here-document, which only the shell sees: never as an argument of a program.
replace() {
    no_links "$2" || return 1
    if [ -d "$2" ]; then
        echo 'it is a folder'
        return 1
    fi
    new=${2%/*}/.berth-trust.$$
    mkdir -p "${2%/*}" && write_new "$new" "$1" && mv -f "$new" "$2" && return 0
    rm -f "$new"
    return 1
}

replace_text() { # MODE FILE TEXT
    replace "$1" "$2" <<END
$3
END
}

put() { # MODE FILE TEXT
    if same "$@"; then
        say file unchanged "$2"
    elif [ "$DRY" = yes ]; then
        say file would-write "$2"
    elif said=$(replace_text "$@" 2>&1); then
        say file written "$2"
        changed=yes
    else
        fail "$2 cannot be written: $(first_line "$said")"
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

# --- whose file it is ---------------------------------------------------------------------------------------------------

# A certificate cannot say who wrote it. The folder's record does, a line "CHECKSUM NAME" for each file of ours, under a
# name that no client reads. A file that was changed since is somebody else's.
record_of() { printf '%s\n' "${1%/*}/.berth-trust"; }
# <BYTES: one word; none when the host has neither program (a small busybox may lack the first).
checksum() {
    if command -v cksum >/dev/null; then cksum; else sha256sum 2>/dev/null; fi | tr -s ' ' -
}
is_ours() { # FILE
    [ -f "$1" ] && [ ! -L "$1" ] && grep -qxF "$(checksum <"$1") ${1##*/}" "$(record_of "$1")" 2>/dev/null
}

sum_of_text() { # TEXT
    checksum <<END
$1
END
}

other_entries() { # FILE
    [ ! -f "$(record_of "$1")" ] || while read -r sum entry; do
        [ "$entry" = "${1##*/}" ] || printf '%s %s\n' "$sum" "$entry"
    done <"$(record_of "$1")"
}

# Before the file: one that is written and in no record could never be removed again.
record() { # FILE TEXT
    entries=$(other_entries "$1") sum=$(sum_of_text "$2")
    [ -n "$sum" ] || fail 'this host has neither cksum nor sha256sum to record what is written: install one' || return
    said=$(replace_text 600 "$(record_of "$1")" "${entries:+$entries
}$sum ${1##*/}" 2>&1) || fail "$(record_of "$1") cannot be written: $(first_line "$said")"
}

forget() { # FILE
    [ "$DRY" = no ] && [ -f "$(record_of "$1")" ] || return 0
    entries=$(other_entries "$1")
    if [ -n "$entries" ]; then
        said=$(replace_text 600 "$(record_of "$1")" "$entries" 2>&1)
    else
        said=$(no_links "$(record_of "$1")" && rm -f "$(record_of "$1")" 2>&1)
    fi || fail "$(record_of "$1") cannot be changed: $(first_line "$said")"
}

# Sets $copy to a name for a copy of FILE with the date in it: two runs in one second must not share one.
name_copy() { # FILE
    copy=$1.$STAMP count=1
    while [ -e "$copy" ] || [ -L "$copy" ]; do
        count=$((count + 1))
        copy=$1.$STAMP.$count
    done
}

# Clients read names that end in .crt, .cert and .key: not the copy.
keep() { # FILE
    name_copy "$1"
    if said=$(no_links "$1" 2>&1 && cp -pP "$1" "$copy" 2>&1); then
        say file written "$copy"
    else
        fail "$copy cannot be written: $(first_line "$said")"
    fi
}

keep_theirs() { # FILE
    if [ -d "$1" ] || is_ours "$1"; then return 0; fi
    [ -e "$1" ] || [ -L "$1" ] || return 0
    if [ "$DRY" = yes ]; then
        say note "$1 is not from berth-trust: a copy of it would stay, with the date in its name"
    else
        keep "$1" && say note "$1 was not from berth-trust: it stays as $copy"
    fi
}

put_recorded() { # MODE FILE TEXT
    if ! has_text "$2" "$3"; then
        keep_theirs "$2" || return 1
        [ "$DRY" = yes ] || record "$2" "$3" || return 1
    fi
    put "$@"
}

take_recorded() { # FILE
    if is_ours "$1"; then
        take "$1" || return 1
    elif [ -e "$1" ] || [ -L "$1" ]; then
        say note "$1 is not from berth-trust and stays"
    fi
    forget "$1"
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
        printf '%s\n' "$ROOT/var/lib/boot2docker/etc/docker"
    else
        printf '%s\n' "$ROOT/etc/docker"
    fi
}

folder_of() { # RUNTIME NAME
    case $1 in
    docker) printf '%s\n' "$(docker_folder)/certs.d/$2" ;;
    containerd) printf '%s\n' "$ROOT/etc/containerd/certs.d/$2" ;;
    containers) printf '%s\n' "$ROOT/etc/containers/certs.d/$2" ;;
    esac
}

boot2docker_file() { printf '%s\n' "$ROOT/var/lib/boot2docker/certs/$PLAIN.pem"; }

# Where the system's store takes certificates from. Nothing: it is of no kind that is known here.
system_file() {
    for folder in /etc/pki/ca-trust/source/anchors /etc/pki/trust/anchors /usr/local/share/ca-certificates; do
        if [ -d "$ROOT$folder" ]; then
            printf '%s\n' "$ROOT$folder/berth-$PLAIN.crt"
            return
        fi
    done
    ! has update-ca-certificates || printf '%s\n' "$ROOT/usr/local/share/ca-certificates/berth-$PLAIN.crt"
}
