#!/bin/sh
# What berth-trust writes on a host, and takes away. Goes behind trust_host.sh, which says how it works.
# shellcheck disable=SC2154 # trust_host.sh sets them

put_pair() { # FOLDER
    put_recorded 644 "$1/ca.crt" "$CA" || return 1
    [ -n "$KEY" ] || return 0
    put_recorded 600 "$1/client.key" "$KEY" && put_recorded 644 "$1/client.cert" "$CERTIFICATE"
}

# The paths are relative to the file, so that it is right in an image's tree too.
hosts_toml() { # NAME FOLDER
    printf '%s\nserver = "https://%s"\ncapabilities = ["pull", "resolve", "push"]\nca = "ca.crt"\n' "$MARK" "$1"
    if [ -n "$KEY" ] || [ -f "$2/client.key" ]; then
        printf 'client = [["client.cert", "client.key"]]\n'
    fi
}

foreign_hosts_toml() { # FOLDER
    [ -f "$1/hosts.toml" ] && [ "$(sed -n 1p "$1/hosts.toml")" != "$MARK" ]
}

# containerd looks there before it looks in the folder named like the registry.
warn_of_shadow() { # NAME
    case $1 in
    *:*) ;;
    *) return ;;
    esac
    shadow=$ROOT/etc/containerd/certs.d/${1%:*}_${1##*:}_
    [ ! -d "$shadow" ] || say note "containerd reads $shadow instead: move it away"
}

install_containerd() { # NAME
    folder=$(folder_of containerd "$1")
    if foreign_hosts_toml "$folder"; then
        fail "$folder/hosts.toml is not from berth-trust and is left alone: add the CA there, or move the file away"
        return
    fi
    put_pair "$folder" && put 644 "$folder/hosts.toml" "$(hosts_toml "$1" "$folder")"
    warn_of_shadow "$1"
}

# Kubernetes reads the folder only when it is told to (the default of containerd 2.2 is both this and Docker's folder).
check_config_path() {
    find "$ROOT/etc/containerd" -name '*.toml' ! -name hosts.toml -exec sed 's/#.*//' {} + 2>/dev/null |
        grep config_path | grep -q "[\"':]/etc/containerd/certs\\.d[\"':]" && return
    say note 'containerd: ctr --hosts-dir and nerdctl read /etc/containerd/certs.d; Kubernetes (CRI) does when /etc/containerd/config.toml has config_path = "/etc/containerd/certs.d" below [plugins."io.containerd.grpc.v1.cri".registry], in containerd 2 below [plugins."io.containerd.cri.v1.images".registry], after a restart of containerd'
}

install_boot2docker() {
    changed_before=$changed changed=no
    put_recorded 644 "$(boot2docker_file)" "$CA"
    if [ $changed = yes ] && [ "$REBOOT" = no ] && [ -z "$ROOT" ]; then
        say note 'boot2docker reads it when it starts: restart it, or give --reboot'
    fi
    [ "$changed_before" = no ] || changed=yes
}

update_system() {
    if [ "$DRY" = yes ] || [ "$changed" = no ]; then
        return
    fi
    if [ -n "$ROOT" ]; then
        say note 'the store of this tree is not updated: run update-ca-certificates or update-ca-trust in the image'
    elif has update-ca-trust && [ -d /etc/pki/ca-trust ]; then
        said=$(update-ca-trust extract 2>&1 </dev/null) || fail "update-ca-trust: $(first_line "$said")"
    elif has update-ca-certificates; then
        said=$(update-ca-certificates 2>&1 </dev/null) || fail "update-ca-certificates: $(first_line "$said")"
    else
        fail 'this host has neither update-ca-certificates nor update-ca-trust'
    fi
}

install_system() {
    file=$(system_file)
    if [ -z "$file" ]; then
        fail 'the store of this system is of no known kind (Debian, Alpine, Red Hat, SUSE)'
        return
    fi
    changed_before=$changed changed=no
    put 644 "$file" "$CA"
    update_system
    [ "$changed_before" = no ] || changed=yes
}

install() {
    if [ -z "$found" ] && [ "$SYSTEM" = no ]; then
        fail 'neither Docker, containerd, Podman, Buildah nor Skopeo was found; name what to write for with --runtimes'
        return
    fi
    if [ -n "$CA" ]; then
        for runtime in $found; do
            case $runtime in
            boot2docker) install_boot2docker ;;
            containerd) for name in $NAMES; do install_containerd "$name"; done && check_config_path ;;
            *) for name in $NAMES; do put_pair "$(folder_of "$runtime" "$name")"; done ;;
            esac
        done
        [ "$SYSTEM" = no ] || install_system
    fi
    write_daemon
}

# --- daemon.json --------------------------------------------------------------------------------------------------------

# Sets $file. A link, as tools for configuration make them, stays, and what it leads to is changed.
find_daemon() {
    file=$(docker_folder)/daemon.json
    said=$(no_links "$file") || fail "$said" || return 1
    [ -L "$file" ] || return 0
    target=$(readlink -f "$file") && [ -n "$target" ] || fail "$file is a symbolic link that leads nowhere" || return 1
    file=$target
}

show_daemon() {
    find_daemon || return
    if [ ! -e "$file" ]; then
        say daemon-file absent "$file"
    elif [ ! -f "$file" ] || [ "$(wc -c <"$file")" -gt 262144 ]; then
        fail "$file is no file, or too large"
    else
        say daemon-file present "$file"
        od -An -v -tx1 <"$file" | sed "s/^/@berth$(printf '\t')daemon$(printf '\t')/"
    fi
}

read_for_install() {
    case " $found " in
    *' docker '*) show_daemon ;;
    *) fail '--insecure is for Docker, which was not found' ;;
    esac
}

# A usual mode as it is; anything else, and a new file, as Docker makes it.
mode_of() { # FILE
    for mode in 600 640 644 660 664; do
        [ -z "$(find "$1" -prune -perm $mode 2>/dev/null)" ] || break
        mode=600
    done
    [ -e "$1" ] && echo "$mode" || echo 644
}

owner_of() { # FILE that is there
    # shellcheck disable=SC2012,SC2046 # the owner's two numbers come before the name
    set -- $(ls -nd "$1")
    printf '%s\n' "$3:$4"
}

# To the last byte: a file need not end with a newline.
write_daemon() {
    [ -n "$DAEMON" ] || return 0
    find_daemon || return
    if [ "$DRY" = yes ]; then
        say file would-write "$file"
        return
    fi
    mode=$(mode_of "$file") owner=
    if [ -e "$file" ]; then
        owner=$(owner_of "$file")
        [ "$(cat "$file" && echo .)" = "$DAEMON_WAS." ] || fail "$file has changed meanwhile: try again" || return
        keep "$file" || return
    fi
    said=$(printf '%s' "$DAEMON" | replace "$mode" "$file" 2>&1 && { [ -z "$owner" ] || chown "$owner" "$file" 2>&1; }) ||
        fail "$file cannot be written: $(first_line "$said")" || return
    say file written "$file"
    changed=yes
    [ -n "$ROOT" ] || say note 'Docker reads daemon.json anew after: systemctl reload docker (or SIGHUP to dockerd)'
}

# --- remove -------------------------------------------------------------------------------------------------------------

remove_folder() { # FOLDER
    [ -d "$1" ] || return 0
    said=$(no_links "$1") || fail "$1 is left alone: $said" || return
    for file in ca.crt client.cert client.key; do
        take_recorded "$1/$file"
    done
    [ "$DRY" = yes ] || rmdir "$1" 2>/dev/null || say note "$1 holds other files and stays"
}

remove_runtime() { # RUNTIME NAME
    folder=$(folder_of "$1" "$2")
    if [ "$1" = containerd ] && foreign_hosts_toml "$folder"; then
        say note "$folder/hosts.toml is not from berth-trust: the folder stays as it is"
        return
    fi
    [ "$1" != containerd ] || take "$folder/hosts.toml"
    remove_folder "$folder"
}

remove_system() {
    changed_before=$changed changed=no
    file=$(system_file)
    [ -z "$file" ] || take "$file"
    update_system
    [ "$changed_before" = no ] || changed=yes
}

wanted() { # RUNTIME
    case " ${RUNTIMES:-$1} " in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# Everywhere, unless --runtimes says otherwise: what was written for stays when it is uninstalled.
remove() {
    for runtime in docker containerd containers; do
        for name in $NAMES; do
            ! wanted $runtime || remove_runtime $runtime "$name"
        done
    done
    ! wanted boot2docker || take_recorded "$(boot2docker_file)"
    [ -n "$RUNTIMES" ] || remove_system
    file=$(docker_folder)/daemon.json
    if wanted docker && [ -f "$file" ] && grep -q insecure-registries "$file"; then
        show_daemon
    fi
}
