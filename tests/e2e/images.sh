# shellcheck shell=bash
# Images for the real clients, made from nothing: a static program, and layouts around it.

# make_program FILE TEXT: a static program that prints TEXT.
make_program() {
    printf '#include <stdio.h>\nint main(void) { return puts("%s") < 0; }\n' "$2" >"$WORK/program.c"
    mkdir -p "$(dirname "$1")"
    gcc -static -Os -s -o "$1" "$WORK/program.c"
}

# make_layout FOLDER: an OCI layout with one image index tagged "multi": linux/amd64, linux/arm64, linux/arm/v7, each
# with a layer of its own and one that they share. The program /hello runs on this machine's architecture.
make_layout() {
    make_program "$WORK/program" "hello from the index"
    python3 -B "$TESTS/e2e/make_layout.py" "$1" "$WORK/program"
}

# start_dockerd [ARGUMENTS]: a Docker daemon of this scenario, without network rules, and DOCKER_HOST for its clients. Its
# containers have no network unless the arguments say so.
start_dockerd() {
    local network=(--bridge=none)
    (($# == 0)) || network=("$@")
    export DOCKER_HOST=unix://$WORK/docker.sock DOCKER_CONFIG=$WORK/docker-config
    dockerd --iptables=false --ip6tables=false "${network[@]}" --storage-driver=vfs --data-root "$WORK/docker" \
        --exec-root "$WORK/docker-exec" --pidfile "$WORK/docker.pid" -H "$DOCKER_HOST" >"$WORK/dockerd.log" 2>&1 &
    eventually docker version || { tail -n 20 "$WORK/dockerd.log"; return 1; }
}

# start_containerd: a containerd of this scenario, for ctr.
start_containerd() {
    cat >"$WORK/containerd.toml" <<END
version = 2
root = "$WORK/containerd"
state = "/run/containerd-state"
[grpc]
address = "/run/containerd.sock"
END
    export CONTAINERD_ADDRESS=/run/containerd.sock CONTAINERD_NAMESPACE=default
    containerd -c "$WORK/containerd.toml" >"$WORK/containerd.log" 2>&1 &
    eventually ctr version || { tail -n 20 "$WORK/containerd.log"; return 1; }
}

# trust_by_docker REGISTRY...: what an administrator does on a Docker host. Podman, Buildah and Skopeo look there too.
trust_by_docker() {
    local registry
    for registry; do
        mkdir -p "/etc/docker/certs.d/$registry"
        cp "$CA" "/etc/docker/certs.d/$registry/ca.crt"
    done
}

# import_image NAME TEXT: an image for Docker whose program prints TEXT.
import_image() {
    rm -rf "$WORK/root"
    make_program "$WORK/root/hello" "$2"
    tar -C "$WORK/root" -c . | docker import -c 'CMD ["/hello"]' - "$1"
}
