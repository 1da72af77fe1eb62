#!/bin/bash
# Fills two folders, the layers of Berth's container image, from what is built and from Debian's packages as they are
# installed here: the programs, the libraries that they load, the authorities that they trust, and everybody's licences.
# There is no shell in it, no package manager, nothing to run but Berth.
# usage: conf/image/root.sh BUILD BASE BERTH      folder with the programs; folders to fill, for Debian's and our files
set -eu -o pipefail
export LC_ALL=C
umask 022
here=$(cd "$(dirname "$0")" && pwd)
build=$1
base=$2
berth=$3
programs=(berth berth-user berth-ca berth-trust)
# What no program names as needed: libcurl is loaded when Berth calls others, libgcc when glibc ends a thread.
loaded=(libcurl.so.4 libgcc_s.so.1)

# path_of LIBRARY: where the loader finds it.
path_of() {
    local path
    path=$(PATH=/usr/sbin:/sbin:$PATH ldconfig -p | sed -n "s|^[[:space:]]*$1 (libc6[^)]*) => ||p" | grep "/$(gcc -print-multiarch)/" | head -n 1)
    [[ -n $path ]] || { echo "image: $1 is not installed" >&2; return 1; }
    echo "$path"
}

# All libraries that a program or library loads, with the loader itself.
libraries_of() { ldd "$1" | sed -n 's|^.*=> \(/[^ ]*\) (0x.*|\1|p; s|^[[:space:]]*\(/[^ ]*\) (0x.*|\1|p'; }

# names_of PATH: those by which Debian's database may know a library; /lib is a link, and some packages say so.
names_of() {
    local real
    real=$(realpath "$1")
    printf '%s\n' "$1" "$real" "/usr$1" "/usr$real" "${1#/usr}" "${real#/usr}"
}

# packages_of PATH...: the packages that brought them, in one question, for the database is long. Whatever none of them
# brought must not be in the image.
packages_of() {
    local path name owner
    local -A owners=()
    while IFS=' ' read -r owner name; do
        owners[$name]=${owner%%:*}
    done < <(for path; do names_of "$path"; done | sort -u | xargs dpkg-query -S 2>/dev/null || true)
    for path; do
        owner=
        while read -r name; do owner=${owner:-${owners[$name]-}}; done < <(names_of "$path")
        [[ -n $owner ]] || { echo "image: no Debian package brings $path; only such go into the image" >&2; return 1; }
        echo "$owner"
    done
}

# The layout that every Debian has since 12: /bin, /lib and so on are links into /usr.
make_links() {
    local name
    for name in bin sbin lib lib64; do
        [[ $name == lib64 && ! -e /lib64 ]] || { mkdir -p "$base/usr/$name" && ln -s "usr/$name" "$base/$name"; }
    done
}

copy_libraries() {
    local program library path
    local -A seen=()
    for program in "${programs[@]/#/$build/}"; do
        while read -r path; do seen[$path]=1; done < <(libraries_of "$program")
    done
    for library in "${loaded[@]}"; do
        path=$(path_of "$library")
        seen[$path]=1
        while read -r path; do seen[$path]=1; done < <(libraries_of "$path")
    done
    for path in "${!seen[@]}"; do
        mkdir -p "$base/$(dirname "$path")"
        cp -pL "$path" "$base$path"
    done
    packages_of "${!seen[@]}"
}

# The package's own roots, not those that this machine has been told to trust besides.
copy_authorities() {
    mkdir -p "$base/etc/ssl/certs" "$base/usr/lib/ssl"
    find /usr/share/ca-certificates/mozilla -name '*.crt' -print0 | sort -z | xargs -0 cat >"$base/etc/ssl/certs/ca-certificates.crt"
    touch -r "$(find /usr/share/ca-certificates/mozilla -name '*.crt' | sort | head -n 1)" "$base/etc/ssl/certs/ca-certificates.crt"
    ln -s /etc/ssl/certs/ca-certificates.crt "$base/usr/lib/ssl/cert.pem"
    ln -s /etc/ssl/certs "$base/usr/lib/ssl/certs"
    echo ca-certificates
}

# Of every package its licence, the common ones that it points to, and its record, by which scanners know what is there.
describe() {
    local package name
    mkdir -p "$base/usr/share/common-licenses" "$base/var/lib/dpkg/status.d"
    for package; do
        mkdir -p "$base/usr/share/doc/$package"
        cp -pL "/usr/share/doc/$package/copyright" "$base/usr/share/doc/$package/copyright"
        dpkg-query -s "$package" >"$base/var/lib/dpkg/status.d/$package"
        touch -r "$base/usr/share/doc/$package/copyright" "$base/var/lib/dpkg/status.d/$package"
    done
    grep -rhoE '/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]' "$base/usr/share/doc" | sort -u | while read -r name; do
        [[ ! -e $name ]] || cp -pL "$name" "$base$name"
    done
}

copy_base() {
    local -a packages
    make_links
    copy_libraries >"$base.packages"
    copy_authorities >>"$base.packages"
    # On Debian 12 llhttp comes as sources and is inside the program.
    [[ ! -d /usr/share/llhttp ]] || echo node-llhttp >>"$base.packages"
    echo base-files >>"$base.packages" # /etc/os-release
    mapfile -t packages < <(sort -u "$base.packages")
    rm "$base.packages"
    cp -pL /etc/os-release "$base/etc/os-release"
    describe "${packages[@]}"
}

copy_berth() {
    local program
    mkdir -p "$berth"/usr/{bin,share/doc/berth,share/berth} "$berth"/etc/{docker/registry,distribution} "$berth/var/lib/registry"
    for program in "${programs[@]}"; do
        # The build's id stands for the folder it was built in, too.
        strip -R .comment -R .note.gnu.build-id -o "$berth/usr/bin/$program" "$build/$program"
    done
    ln -s berth "$berth/usr/bin/registry"
    ln -s berth-user "$berth/usr/bin/htpasswd"
    cp "$here/files/passwd" "$here/files/group" "$here/files/nsswitch.conf" "$berth/etc/"
    cp "$here/files/config.yml" "$berth/etc/docker/registry/config.yml"
    # One file under both names: whichever is mounted is the one that is found.
    ln -s ../docker/registry/config.yml "$berth/etc/distribution/config.yml"
    cp "$here/../../LICENSE" "$berth/usr/share/doc/berth/copyright"
    cp "$here/../config.yml" "$berth/usr/share/berth/config.example.yml"
    chmod 700 "$berth/var/lib/registry"
}

rm -rf "$base" "$berth"
mkdir -p "$base" "$berth"
copy_base
copy_berth
