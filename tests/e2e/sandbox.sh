#!/bin/bash
# Runs one scenario on a machine of its own, made of namespaces: its network has only its own loopback
# interface, its /run, /tmp, /etc/hosts, /etc/docker, /etc/containers, /var/lib/containers and $HOME are
# private, so is its host name, its environment is clean, and when it ends the kernel kills every process it left behind.
# usage: BUILD=folder tests/e2e/sandbox.sh SCENARIO
set -eu
if [[ ${1-} != --inside ]]; then
    [[ $(id -u) -eq 0 ]] || { echo "the end-to-end scenarios make namespaces and start dockerd: run them as root"; exit 1; }
    scenario=$(realpath "$1")
    work=$(mktemp -d "${TMPDIR:-/tmp}/berth-e2e.XXXXXX")
    # The mounts end with the namespace; --one-file-system guards against one that does not.
    trap 'rm -rf --one-file-system "$work"' EXIT
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$work/home" LANG=C.UTF-8 BUILD="$BUILD" WORK="$work" \
        CONTAINERS_DIR="$work/containers" SANITIZER_SLOW="${SANITIZER_SLOW-}" GO_BIN="${GO_BIN-}" BERTH_LARGE_GB="${BERTH_LARGE_GB-}" \
        SOAK_MINUTES="${SOAK_MINUTES-}" SOAK_SEED="${SOAK_SEED-}" SOAK_OUT="${SOAK_OUT-}" \
        LSAN_OPTIONS="${LSAN_OPTIONS-}" ASAN_OPTIONS="${ASAN_OPTIONS-}" UBSAN_OPTIONS="${UBSAN_OPTIONS-}" TSAN_OPTIONS="${TSAN_OPTIONS-}" \
        unshare --net --mount --uts --pid --ipc --fork --kill-child --mount-proc "$0" --inside "$scenario" &
    # unshare itself ignores SIGTERM; its children die with it.
    trap 'kill -KILL $! 2>/dev/null' TERM INT
    code=0
    wait $! || code=$?
    exit $code
fi

scenario=$2
mkdir -p "${WORK:?}"/{home,tmp,etc-docker,etc-containers,containers}
# A name that no scenario uses for the registry, whatever this machine is called.
hostname sandbox
ip link set lo up
# Addresses kept for documentation (RFC 5737, RFC 3849): unlike 127.0.0.0/8, no client takes them for "insecure".
ip address add 192.0.2.1/32 dev lo
ip address add 2001:db8::5/128 dev lo nodad

mount --make-rprivate /
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock /etc/docker /etc/containers /var/lib/containers
{
    printf '127.0.0.1 localhost %s\n::1 localhost ip6-localhost\n' "$(hostname)"
    printf '192.0.2.1 registry.test\n2001:db8::5 registry6.test\n'
} >"$WORK/hosts"
# What distributions put there by default is kept: it tells podman which image signatures to want (none).
cp -a /etc/containers/. "$WORK/etc-containers/"
mount --bind "$WORK/hosts" /etc/hosts
mount --bind "$WORK/etc-docker" /etc/docker
mount --bind "$WORK/etc-containers" /etc/containers
mount --bind "$CONTAINERS_DIR" /var/lib/containers
export TMPDIR=$WORK/tmp
cd "$WORK/home"
exec bash "$scenario"
