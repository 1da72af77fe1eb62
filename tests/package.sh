#!/bin/bash
# The Debian package, on fresh releases: built in one root of the release and found good by lintian, then installed in another
# that has nothing of what building took, where it serves, is upgraded, removed and purged. Needs root and Debian's mirrors;
# the roots are kept as bare-debian.sh says. The last line is "N passed, N failed".
# usage: [WORKTREE=1] tests/package.sh [RELEASE]...      default: bookworm trixie
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
(($# > 0)) || set -- bookworm trixie
shared=$(mktemp -d)
trap 'rm -rf "$shared"' EXIT
passed=0 failed=0

# in_root RELEASE STEP: one of package/*.sh in a root of its own, which has FOLDER/RELEASE as its /mnt.
in_root() { SHARED=$shared/$1 tests/bare-debian.sh "$1" "tests/package/$2.sh" >"$shared/$1.$2" 2>&1; }

look_at() {
    lintian --fail-on error,warning "$shared/$1"/berth_*.deb >"$shared/$1.lintian" 2>&1 &&
        echo "1 passed, 0 failed" >>"$shared/$1.lintian"
}

# One release, beginning to end; others meanwhile wait for the network, too.
try() {
    mkdir "$shared/$1"
    in_root "$1" build || return
    look_at "$1"
    in_root "$1" install
}

# tell RELEASE: adds the totals of its steps.
tell() {
    local step last
    for step in build lintian install; do
        last=$(tail -n 1 "$shared/$1.$step" 2>/dev/null)
        if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
            passed=$((passed + BASH_REMATCH[1]))
            failed=$((failed + BASH_REMATCH[2]))
        else
            failed=$((failed + 1))
            last='did not come to its end'
        fi
        echo "package: $1: $step: $last"
        [[ $last == *' passed, 0 failed' ]] || tail -n 60 "$shared/$1.$step" 2>/dev/null
    done
}

conf/deps.sh package || exit 1
chmod 755 "$shared"
for release; do
    try "$release" &
done
wait
for release; do
    tell "$release"
done
echo "$passed passed, $failed failed"
((failed == 0))
