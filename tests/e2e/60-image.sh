#!/bin/bash
# Goal: the container image in place of registry:2, in a real Docker daemon: the command line that people use, unchanged, on
# files of root's; mutual TLS and passwords; a read-only root, other users, no capabilities; and it holds its own image for
# another daemon that runs it.
#
# Ports are published as everywhere (-p 443:5000) through a bridge in this sandbox and Docker's own proxy; what is missing
# beside a real host are Docker's network rules, which only other machines would meet.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
RECIPE=$TESTS/../conf/image
VERSION=$("$BUILD/berth" --version | cut -d' ' -f2)
REG=$NAME
PORT=443

# --- what it is made of
make_image() {
    "$RECIPE/root.sh" "$BUILD" "$1/base" "$1/berth" >/dev/null &&
        SOURCE_DATE_EPOCH=1700000000 "$RECIPE/archive.sh" "$1/base" "$1/berth" "$VERSION" "$1.tar"
}
(umask 077 && TZ=Asia/Tokyo make_image "$WORK/again" >/dev/null) &
check "the image is made" make_image "$WORK/image" || exit 1
wait $!
check "once more it is the same, byte for byte" cmp "$WORK/image.tar" "$WORK/again.tar"
check "it is small" test "$(stat -c %s "$WORK/image.tar")" -lt 20000000
check "nobody's shell is in it" test -z "$(find "$WORK/image" -name '*sh' -type f)"
unlicensed() { for package in "$WORK"/image/base/var/lib/dpkg/status.d/*; do [[ -s $WORK/image/base/usr/share/doc/${package##*/}/copyright ]] || echo "$package"; done; }
check "every package in it has its licence" test -z "$(unlicensed)"
check "of which there are many" test "$(find "$WORK/image/base/var/lib/dpkg/status.d" -type f | wc -l)" -gt 20
check "it is an OCI image" says "\"org.opencontainers.image.version\": \"$VERSION\"" skopeo inspect --config "oci-archive:$WORK/image.tar"

# Not docker0, which a daemon without networks removes, be it another's.
ip link add berth0 type bridge && ip address add 172.31.255.1/24 dev berth0 && ip link set berth0 up || exit 1
check "a Docker daemon runs" start_dockerd --bridge=berth0 --ip-forward=false || exit 1
check "and takes it" says "berth:$VERSION" docker load --input "$WORK/image.tar" || exit 1
inspect() { docker inspect --format "$1" "$2"; }
check "it says where its data goes" says 'map[/var/lib/registry:{}] map[5000/tcp:{}]' inspect '{{.Config.Volumes}} {{.Config.ExposedPorts}}' berth:latest

# --- the line of every guide
mkdir -m 700 "$WORK/certs" "$WORK/auth"
mkdir "$WORK/registry"
"$BUILD/berth-ca" init --dir "$TLS_DIR" >/dev/null && "$BUILD/berth-ca" server --dir "$TLS_DIR" "$NAME" 127.0.0.1 >/dev/null &&
    "$BUILD/berth-ca" client node1 --dir "$TLS_DIR" >/dev/null || exit 1
cp "$TLS_DIR/server.crt" "$WORK/certs/registry.pem"
install -m 600 "$TLS_DIR/server.key" "$WORK/certs/registry-key.pem"
cp "$CA" "$WORK/certs/ca.pem"
docker run --rm --entrypoint htpasswd berth:latest -Bbn "$ALICE" "$ALICE_PASSWORD" >"$WORK/auth/htpasswd"
chmod 600 "$WORK/auth/htpasswd"
check "htpasswd is in the image" grep -qE "^$ALICE:\\\$2y\\\$05\\\$.{53}$" "$WORK/auth/htpasswd"

run_registry() {
    docker run -d -p 443:5000 -v "$WORK/certs:/certs" -v "$WORK/registry:/var/lib/registry" -v "$WORK/auth:/auth" \
        -e REGISTRY_HTTP_TLS_CERTIFICATE=/certs/registry.pem -e REGISTRY_HTTP_TLS_KEY=/certs/registry-key.pem \
        -e REGISTRY_HTTP_TLS_CLIENTCAS_0=/certs/ca.pem -e REGISTRY_AUTH=htpasswd -e "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm" \
        -e REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd berth:latest >"$WORK/container"
}
# Only whoever may ask gets an answer; a refused handshake is no listener that is missing.
answers() { request GET /v2/ --cert "$TLS_DIR/clients/node1/client.cert" --key "$TLS_DIR/clients/node1/client.key"; [[ $STATUS == "${1:-200}" ]] || { show_answer; docker logs "$id" 2>&1 | tail -n 5; return 1; }; }
container_field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(inspect '{{.State.Pid}}' "$1")/status"; }
check "the registry runs" run_registry || { cat "$WORK/check.out"; exit 1; }
id=$(cat "$WORK/container")
check "and answers who has a certificate and a password" eventually answers || exit 1
check "it is no root any more" test "$(container_field "$id" Uid)" == "5000	5000	5000	5000"
check "with the one right that root's key takes" test "$(container_field "$id" CapPrm)" == 0000000000000002
check "which it says" says "user berth keeps CAP_DAC_OVERRIDE, in place of CAP_DAC_READ_SEARCH: configured files are root's" docker logs "$id"
check "the data directory is its own now" test "$(stat -c %u:%g "$WORK/registry")" == 5000:5000
check "the key is still root's" test "$(stat -c %u:%a "$WORK/certs/registry-key.pem")" == 0:600
no_certificate() { ! curl -sS --cacert "$CA" -u "$ALICE:$ALICE_PASSWORD" "https://$REG/v2/"; }
check "without a certificate nobody gets in" no_certificate
trust_by_docker "$REG"
login() { docker login -u "$ALICE" --password-stdin "$REG" <<<"${1:-$ALICE_PASSWORD}"; }
check "nor does Docker" fails_saying certificate login
install -m 644 "$TLS_DIR/clients/node1/client.cert" "/etc/docker/certs.d/$REG/client.cert"
install -m 600 "$TLS_DIR/clients/node1/client.key" "/etc/docker/certs.d/$REG/client.key"
check "with one, but the wrong password, it does not either" fails_saying unauthorized login wrong
check "with both it does" says 'Login Succeeded' login
import_image "$REG/hello-world" "hello from the container" >/dev/null
check "docker push" says 'digest: sha256:' docker push "$REG/hello-world"
docker rmi "$REG/hello-world" >/dev/null
check "docker run of what this host does not have" says 'hello from the container' docker run --rm --network none "$REG/hello-world"
check "one more user works without a restart" bash -c "docker run --rm --entrypoint htpasswd berth:latest -Bbn bob secret-of-bob >>'$WORK/auth/htpasswd'"
bob() { request_as bob:secret-of-bob GET /v2/ --cert "$TLS_DIR/clients/node1/client.cert" --key "$TLS_DIR/clients/node1/client.key" && status_is 200; }
check "and gets in" eventually bob
check "distribution's way to collect garbage" docker exec "$id" registry garbage-collect /etc/docker/registry/config.yml -m
check "what it holds is its own" test -z "$(find "$WORK/registry" ! -user 5000)"

# --- it holds itself
docker tag berth:latest "$REG/berth:$VERSION"
check "its own image is pushed into it" says 'digest: sha256:' docker push "$REG/berth:$VERSION"
image=$(inspect '{{.Id}}' berth:latest)
first=$DOCKER_HOST
second=unix://$WORK/second.sock
mkdir -p "$WORK/second"
dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs --data-root "$WORK/second/data" --exec-root "$WORK/second/exec" \
    --pidfile "$WORK/second/pid" -H "$second" >"$WORK/second/log" 2>&1 &
export DOCKER_HOST=$second
check "another daemon runs" eventually docker version
check "and pulls the image" docker pull "$REG/berth:$VERSION"
check "which is the same" says "$image" inspect '{{.Id}}' "$REG/berth:$VERSION"
check "and serves there" docker run -d --name berth --network none "$REG/berth:$VERSION"
well() { docker exec "${1:-berth}" berth health; }
check "where it is well" eventually well
docker rm -f -v berth >/dev/null
export DOCKER_HOST=$first

# --- health, of the registry that has been serving all the while: Docker asks every ten seconds
healthy() { [[ $(inspect '{{.State.Health.Status}}' "$id") == healthy ]]; }
PATIENCE=$((PATIENCE + 15))
check "Docker finds the registry healthy" eventually healthy || inspect '{{json .State.Health}}' "$id"
check "it stops when told to" docker stop "$id"
check "in order" test "$(inspect '{{.State.ExitCode}}' "$id")" == 0
docker rm -v "$id" >/dev/null

# --- in other ways. They need no port: inside, `berth health` asks. All are started at once, and then looked at.
starts=()
start() {
    docker run -d --name "$1" --network none "${@:2}" >"$WORK/started.$1" 2>&1 &
    starts+=($!)
}
# is_well NAME: it was started and says so.
is_well() { eventually well "$1" || { cat "$WORK/started.$1"; docker logs "$1"; return 1; }; }
ends_saying() { fails_saying "$1" docker run --rm --network none "${@:2}"; }
# uid_is NAME UID; rights_are NAME MASK
uid_is() { [[ $(container_field "$1" Uid) == "$2	$2	$2	$2" ]]; }
rights_are() { [[ $(container_field "$1" CapPrm) == "$2" ]]; }
printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/registry}}\nhttp: {addr: ":5005"}\n' >"$WORK/own.yml"
install -d -o 1000 -g 1000 "$WORK/of-1000"
mkdir -p "$WORK/strange/letters"
# What registry:2 leaves of one image: old_file NAME TEXT
old_file() { install -D -m 644 <(printf '%s' "$2") "$WORK/taken/docker/registry/v2/$1"; }
old_blob() { hex=$(printf '%s' "$1" | sha256sum | cut -d' ' -f1) && old_file "blobs/sha256/${hex:0:2}/$hex/data" "$1"; }
old_blob '{}'
old_file "repositories/old/app/_layers/sha256/$hex/link" "sha256:$hex"
old_blob "{\"schemaVersion\":2,\"mediaType\":\"$OCI_MANIFEST\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:$hex\",\"size\":2},\"layers\":[]}"
for link in "revisions/sha256/$hex" tags/1/current "tags/1/index/sha256/$hex"; do
    old_file "repositories/old/app/_manifests/$link/link" "sha256:$hex"
done
start readonly --read-only -v "$WORK/registry:/var/lib/registry" berth:latest
start serve berth:latest serve /etc/docker/registry/config.yml
start alone berth:latest /etc/distribution/config.yml
start old -v "$WORK/own.yml:/etc/docker/registry/config.yml" berth:latest
start new -v "$WORK/own.yml:/etc/distribution/config.yml" berth:latest
start other --user 1000:1000 --cap-drop ALL -v "$WORK/of-1000:/var/lib/registry" berth:latest
start root -e BERTH_USER= berth:latest
start taken -v "$WORK/taken:/var/lib/registry" berth:latest
wait "${starts[@]}"
check "the root file system may be read-only" is_well readonly
check "and then no right is left" rights_are readonly 0000000000000000
check "serve takes registry:2's file" is_well serve
check "and is berth in a volume that Docker made" uid_is serve 5000
check "so does a file alone" is_well alone
check "a file over the old name is found" is_well old
check "and read" says ':5005' docker logs old
check "a file over the new name is found" is_well new
check "and read, too" says ':5005' docker logs new
check "as another user it runs without any capability" is_well other
check "it is that one" uid_is other 1000
check "and so is what it made" test -z "$(find "$WORK/of-1000" ! -user 1000)"
check "root may stay root" is_well root
check "when it is wanted" uid_is root 0
check "beside a tree of registry:2 it runs" is_well taken
check "its directory becomes berth's" test "$(stat -c %u "$WORK/taken")" == 5000
check "but the tree stays root's" test "$(stat -c %u "$WORK/taken/docker/registry/v2")" == 0
check "its image is served" says "sha256:$hex" docker exec taken berth tags list old/app
check "and its files are the old ones" test -n "$(find "$WORK/taken/blobs" -type f -links 2 -user 0)"
check "the rights for that are gone" rights_are taken 0000000000000000
check "somebody else's directory is told, with what to do" ends_saying 'belongs to user 1000; start the container as that one (--user 1000:1000)' -v "$WORK/of-1000:/var/lib/registry" berth:latest
check "so is root without the right to become anybody" ends_saying 'may not become another user, CAP_SETUID is missing; start it as one (--user 5000:5000)' --cap-drop ALL berth:latest
check "a directory with something else in it stays root's" ends_saying 'user berth may not write' -v "$WORK/strange:/var/lib/registry" berth:latest
check "and was not given away" test "$(stat -c %u "$WORK/strange")" == 0
check "it says what it is" says "$VERSION" docker run --rm --network none berth:latest --version
check "there is no shell" fails_saying 'no such file' docker run --rm --network none --entrypoint /bin/sh berth:latest -c true
finish
