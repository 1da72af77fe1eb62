#!/bin/bash
# Makes the Debian package for the release that this machine runs: a copy of the sources with debian/ in its place, built as
# any other package. DEBFULLNAME and DEBEMAIL say who did.
# usage: conf/debian/build.sh VERSION FOLDER      the package comes to FOLDER/berth_VERSION_ARCH.deb
set -eu -o pipefail
cd "$(dirname "$0")/../.."
version=$1
mkdir -p "$2"
output=$(realpath "$2")
tree=$output/deb/berth-$version
name=${DEBFULLNAME:-Berth developers}
mail=${DEBEMAIL:-berth@berth.invalid}
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

rm -rf "$output/deb"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -c | tar -C "$tree" -x
cp -r conf/debian "$tree/debian"
rm "$tree/debian/build.sh" "$tree/debian/DESIGN.md"
printf 'berth (%s) %s; urgency=medium\n\n  * The changes are in the history of the sources.\n\n -- %s <%s>  %s\n' "$version" "${release:-unstable}" "$name" "$mail" \
    "$(date -R -u -d "@${SOURCE_DATE_EPOCH:-0}")" >"$tree/debian/changelog"
cd "$tree"
DEB_BUILD_OPTIONS="parallel=$(nproc) nocheck noautodbgsym ${DEB_BUILD_OPTIONS-}" dpkg-buildpackage --no-sign --build=binary
mv "../berth_${version}_$(dpkg --print-architecture).deb" "$output/"
