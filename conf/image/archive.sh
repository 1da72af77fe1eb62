#!/bin/bash
# Makes one archive of two layers that is both an OCI image layout (podman, skopeo, ctr) and what "docker load" takes.
# The same files give the same bytes: names are sorted, owners fixed, times those of the packages and of the commit.
# usage: SOURCE_DATE_EPOCH=seconds conf/image/archive.sh BASE BERTH VERSION OUTPUT
set -eu -o pipefail
export LC_ALL=C
umask 022
base=$1
berth=$2
version=$3
output=$4
epoch=${SOURCE_DATE_EPOCH:?}
user=5000 # berth in files/passwd
layout=$output.layout

# GOARCH, as images name it, and its variant.
architecture() {
    local name
    name=$(dpkg --print-architecture)
    case $name in
    armhf) echo 'arm v7' ;;
    i386) echo '386' ;;
    ppc64el) echo 'ppc64le' ;;
    *) echo "$name" ;;
    esac
}

# blob FILE: moves it among the blobs, by its digest, and prints that.
blob() {
    local digest
    digest=$(sha256sum "$1" | cut -d' ' -f1)
    mv "$1" "$layout/blobs/sha256/$digest"
    echo "sha256:$digest"
}
size_of() { stat -c %s "$layout/blobs/${1/://}"; }
date_of() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

# tar_of FOLDER SECONDS: everything is root's; the data directory alone is the user's.
tar_of() {
    {
        find "$1" -mindepth 1 ! -path "$1/var/lib/registry" -printf '%P\0' | sort -z |
            tar -C "$1" --null --no-recursion -T - --format=gnu --numeric-owner --owner=0 --group=0 --mtime="@$2" -c -f -
    } >"$layout/layer.tar"
    [[ ! -d $1/var/lib/registry ]] ||
        tar -C "$1" --no-recursion --format=gnu --numeric-owner --owner="$user" --group="$user" --mtime="@$2" -r -f "$layout/layer.tar" var/lib/registry
}

# add_layer FOLDER SECONDS: sets $diff_id and $digest.
add_layer() {
    tar_of "$1" "$2"
    diff_id=sha256:$(sha256sum "$layout/layer.tar" | cut -d' ' -f1)
    gzip -n "$layout/layer.tar"
    digest=$(blob "$layout/layer.tar.gz")
}

rm -rf "$layout"
mkdir -p "$layout/blobs/sha256"
read -r arch variant <<<"$(architecture)"

# The newest file of the packages: upgrading Berth leaves this layer as it was.
base_epoch=$(find "$base" -type f -printf '%T@\n' | sort -n | tail -n 1)
add_layer "$base" "${base_epoch%.*}"
base_layer=$digest base_diff=$diff_id
add_layer "$berth" "$epoch"
berth_layer=$digest berth_diff=$diff_id

system=$(sed -n 's/^PRETTY_NAME="\(.*\)"$/\1/p' "$base/etc/os-release")
jq -n -c -S --arg created "$(date_of "$epoch")" --arg arch "$arch" --arg variant "$variant" --arg version "$version" \
    --arg revision "${REVISION:-}" --arg base "$base_diff" --arg berth "$berth_diff" --arg system "$system" '
    {
        created: $created, architecture: $arch, os: "linux",
        config: {
            # As registry:2: arguments are those of "registry"; without a file "serve" looks where configurations are mounted.
            Entrypoint: ["/usr/bin/registry"], Cmd: ["serve"],
            Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "BERTH_USER=berth"],
            ExposedPorts: {"5000/tcp": {}}, Volumes: {"/var/lib/registry": {}}, WorkingDir: "/", StopSignal: "SIGTERM",
            Healthcheck: {Test: ["CMD", "/usr/bin/berth", "health"], Interval: 10e9, Timeout: 5e9, StartPeriod: 30e9, Retries: 3},
            Labels: ({
                "org.opencontainers.image.title": "berth",
                "org.opencontainers.image.description": "A private registry for container images",
                "org.opencontainers.image.version": $version,
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.created": $created,
                "org.opencontainers.image.base.name": $system
            } + if $revision == "" then {} else {"org.opencontainers.image.revision": $revision} end)
        },
        rootfs: {type: "layers", diff_ids: [$base, $berth]},
        history: [{created: $created, created_by: ("packages of " + $system)}, {created: $created, created_by: ("berth " + $version)}]
    } + if $variant == "" then {} else {variant: $variant} end' >"$layout/config"
config=$(blob "$layout/config")

jq -n -c -S --arg config "$config" --argjson config_size "$(size_of "$config")" --arg base "$base_layer" --argjson base_size "$(size_of "$base_layer")" \
    --arg berth "$berth_layer" --argjson berth_size "$(size_of "$berth_layer")" '
    def layer($digest; $size): {mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: $digest, size: $size};
    {
        schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $config_size},
        layers: [layer($base; $base_size), layer($berth; $berth_size)]
    }' >"$layout/manifest"
manifest=$(blob "$layout/manifest")

jq -n -c -S --arg digest "$manifest" --argjson size "$(size_of "$manifest")" --arg version "$version" --arg arch "$arch" '
    {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [{
        mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
        platform: {os: "linux", architecture: $arch},
        annotations: {"org.opencontainers.image.ref.name": $version, "io.containerd.image.name": ("docker.io/library/berth:" + $version)}
    }]}' >"$layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
# What Docker reads, pointing to the same files.
jq -n -c -S --arg config "$config" --arg base "$base_layer" --arg berth "$berth_layer" --arg version "$version" '
    def path: "blobs/" + sub(":"; "/");
    [{Config: ($config | path), RepoTags: ["berth:" + $version, "berth:latest"], Layers: [($base | path), ($berth | path)]}]' >"$layout/manifest.json"

find "$layout" -mindepth 1 -printf '%P\0' | sort -z |
    tar -C "$layout" --null --no-recursion -T - --format=gnu --numeric-owner --owner=0 --group=0 --mtime="@$epoch" -c -f "$output.tmp"
mv "$output.tmp" "$output"
rm -rf "$layout"
echo "$manifest"
