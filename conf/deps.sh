#!/bin/bash
# Install what a group of make targets needs, from Debian's packages: conf/deps.sh build|test|lint|bench|image|deb|package
# Silent and quick when everything is there. To add a package, add a word to its group below.
#   a       must be there
#   a|b     one of them, the first that this release has
#   a?      where this release has it
set -euo pipefail
export LC_ALL=C # apt-cache's words are looked at below

build=(
    gcc make pkg-config libc6-dev
    libh2o-evloop-dev libssl-dev libargon2-dev libjansson-dev liblmdb-dev libyaml-dev libcrypt-dev libcurl4-openssl-dev
    'libllhttp-dev|node-llhttp'
)
test=(
    curl ca-certificates openssl gnutls-bin python3 jq procps iproute2 strace util-linux apache2-utils groff-base
    pebble acme-tiny
    docker.io 'docker-cli?' docker-registry containerd runc skopeo podman buildah umoci
    openssh-client openssh-server sudo 'busybox-static|busybox' prometheus
)
lint=(clang clang-tidy clang-format cppcheck shellcheck)
# What goes into the container image comes from these, too: the libraries that Berth loads, the authorities.
image=(binutils ca-certificates jq libcurl4-openssl-dev libgcc-s1)
deb=(build-essential debhelper git)
# What looks at packages, on other releases, too: tests/package.sh.
package=(debootstrap lintian)
bench=(openssl python3 apache2-utils docker-registry nginx-light wrk util-linux)

# The sanitizers' libraries, of the version that the package clang stands for.
clang_runtime() {
    local depends version
    depends=$(dpkg-query -W -f '${Depends}' clang 2>/dev/null || true)
    [[ -n $depends ]] || depends=$(apt-cache show --no-all-versions clang 2>/dev/null | sed -n 's/^Depends: //p')
    version=$(sed -n 's/.*clang-\([0-9][0-9]*\).*/\1/p' <<<"$depends")
    [[ -z $version ]] || echo "libclang-rt-$version-dev"
}

# One question for all packages: asking for each takes longer than the build has to look at its files.
declare -A present=()
look() {
    local name status
    while read -r name status; do
        [[ $status != installed ]] || present[$name]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n')
}

available() {
    [[ $(apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[^'(']* ]]
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps: not root and no sudo; as root: $*" >&2
        return 1
    fi
}

# libh2o was last released with Debian 12. Later releases get its packages, and nothing else, from there: they depend
# only on libraries that every release since has (libc6, libssl3, libwslay1, zlib1g).
borrow_libh2o() {
    local mirror
    ! available libh2o-evloop-dev || return 0
    # On bookworm itself the pin below would shut out everything.
    ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || return 0
    mirror=$(sed -n -e 's,^\(URIs: *\|deb .*\)\(https\?://[^ ]*/debian\)/\?\( .*\)\?$,\2,p' \
        -e 's,^\(URIs: *\|deb .*\)\(mirror+file:[^ ]*/debian\.list\)\( .*\)\?$,\2,p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true)
    if [[ -z $mirror ]]; then
        echo "deps: this release has no libh2o, and no Debian mirror is in /etc/apt to take Debian 12's from" >&2
        return 1
    fi
    echo "deps: this release has no libh2o; taking libh2o*, and only that, from Debian 12 (bookworm)"
    as_root tee /etc/apt/sources.list.d/berth-libh2o.sources >/dev/null <<SOURCES
Types: deb
URIs: $mirror
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
    as_root tee /etc/apt/preferences.d/berth-libh2o >/dev/null <<'PREFERENCES'
Package: *
Pin: release n=bookworm
Pin-Priority: -1

Package: libh2o*
Pin: release n=bookworm
Pin-Priority: 500
PREFERENCES
    as_root apt-get update -qq
}

# Words of which nothing is installed yet.
missing_of() {
    local word name
    for word in "$@"; do
        for name in $(tr '|?' '  ' <<<"$word"); do
            [[ -z ${present[$name]-} ]] || continue 2
        done
        echo "$word"
    done
}

# The package that this release has for a word; nothing for an optional one that it does not have.
choose() {
    local name
    for name in $(tr '|?' '  ' <<<"$1"); do
        if available "$name"; then
            echo "$name"
            return
        fi
    done
    if [[ $1 != *'?' ]]; then
        echo "deps: this release has no package $1" >&2
        return 1
    fi
}

main() {
    local -a missing packages=()
    local word chosen
    mapfile -t missing < <(missing_of "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ ${missing[*]} =~ [^?]( |$) ]]; then
        as_root apt-get update -qq
        [[ " ${missing[*]} " != *' libh2o-evloop-dev '* ]] || borrow_libh2o
    fi
    for word in "${missing[@]}"; do
        chosen=$(choose "$word")
        [[ -z $chosen ]] || packages+=("$chosen")
    done
    [[ ${#packages[@]} -gt 0 ]] || return 0
    echo "deps: installing ${packages[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

# Debian starts a service when its package is installed; only the programs are wanted. What was there before is left
# alone: give the packages that have just been installed. A socket goes before the service that it would start again.
stop_services() {
    local package unit
    local -A units=([docker.io]='docker.socket docker.service' [nginx-light]=nginx.service [openssh-server]='ssh.socket ssh.service')
    [[ -d /run/systemd/system ]] || return 0
    for package in "$@"; do
        for unit in ${units[$package]:-$package.service}; do
            as_root systemctl disable --now --quiet "$unit"
        done
    done
}

look
case ${1-} in
build) main "${build[@]}" ;;
test)
    mapfile -t fresh < <(missing_of docker.io docker-registry containerd openssh-server prometheus)
    main "${test[@]}"
    stop_services "${fresh[@]}"
    ;;
lint)
    main "${lint[@]}"
    mapfile -t runtime < <(clang_runtime)
    main "${runtime[@]}"
    ;;
image) main "${image[@]}" ;;
deb) main "${deb[@]}" ;;
package) main "${package[@]}" ;;
bench)
    mapfile -t fresh < <(missing_of docker-registry nginx-light)
    main "${bench[@]}"
    stop_services "${fresh[@]}"
    ;;
*)
    echo "usage: conf/deps.sh build|test|lint|bench|image|deb|package" >&2
    exit 2
    ;;
esac
