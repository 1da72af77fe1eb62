#!/bin/bash
# Runs a command in a bare Debian: a fresh minimal root of the given release, a clean clone of this repository's HEAD
# (or, with WORKTREE=1, of the files as they stand) in /root/berth, and nothing installed but git and certificates.
# The root is kept below BARE (default /var/tmp/berth-bare) as a base that each run copies. The folder SHARED, if given, is
# its /mnt. Needs root.
# usage: tests/bare-debian.sh bookworm|trixie [COMMAND...]     default command: make test
set -eu -o pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
suite=$1
shift
(($# > 0)) || set -- make test
bare=${BARE:-/var/tmp/berth-bare}
base=$bare/$suite

if [[ ${INSIDE-} != yes ]]; then
    command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap
    mkdir -p "$bare"
    if [[ ! -e $base/.ready ]]; then
        rm -rf "$base"
        mirror=$(sed -n 's,^\(URIs: *\|deb *\)\(https\?://[^ ]*/debian\)/\? *.*,\2,p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true)
        debootstrap --variant=minbase --include=git,ca-certificates,make "$suite" "$base" "${mirror:?no Debian mirror in /etc/apt}"
        touch "$base/.ready"
    fi
    work=$(mktemp -d "$bare/run.XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
    cp -a --reflink=auto "$base/." "$work"
    if [[ -n ${WORKTREE-} ]]; then
        mkdir -p "$work/root/berth"
        (cd "$here" && git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -c) | tar -C "$work/root/berth" -x
        git -C "$work/root/berth" init -q
        git -C "$work/root/berth" add -A
    else
        git clone -q "$here" "$work/root/berth"
    fi
    # How this machine reaches its mirrors: names, proxy settings, and the certificates it trusts.
    cp -L /etc/resolv.conf /etc/hosts "$work/etc/"
    cp /etc/ssl/certs/ca-certificates.crt "$work/etc/ssl/certs/"
    grep -rhiE '^\s*Acquire::' /etc/apt/apt.conf.d >"$work/etc/apt/apt.conf.d/90host" 2>/dev/null || true
    # The root lives as long as the command; its packages need not survive a power cut.
    echo force-unsafe-io >"$work/etc/dpkg/dpkg.cfg.d/unsafe-io"
    # Services are not started inside a root that has no init.
    printf '#!/bin/sh\nexit 101\n' >"$work/usr/sbin/policy-rc.d"
    chmod +x "$work/usr/sbin/policy-rc.d"
    INSIDE=yes unshare --mount --pid --ipc --uts --fork --kill-child "$0" "$work" "$@" &
    # unshare itself ignores SIGTERM; its children die with it.
    trap 'kill -KILL $! 2>/dev/null' TERM INT
    code=0
    wait $! || code=$?
    exit $code
fi

work=$suite
mount --make-rprivate /
mount --bind "$work" "$work"
mount -t proc proc "$work/proc"
mount -t sysfs sys "$work/sys" 2>/dev/null || mount --rbind /sys "$work/sys"
mount --rbind /sys/fs/cgroup "$work/sys/fs/cgroup" 2>/dev/null || true
mount --rbind /dev "$work/dev"
mount -t tmpfs tmpfs "$work/run"
[[ -z ${SHARED-} ]] || mount --bind "$SHARED" "$work/mnt"
# As a root of its own, not a chroot: container runtimes pivot from it.
mkdir -p "$work/.old"
cd "$work"
pivot_root . .old
umount -l /.old
variables=(HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY CI; do
    [[ -z ${!name-} ]] || variables+=("$name=${!name}")
done
cd /root/berth
apt-get update -qq
exec env -i "${variables[@]}" "$@"
