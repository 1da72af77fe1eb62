#!/bin/bash
# Goal: Docker against a registry with a private CA and passwords: login, tag, push, pull by tag and by digest,
# run from a host that has no copy, build from it; and that the CA matters. The registry's addresses are outside
# 127.0.0.0/8, which Docker takes for insecure, so TLS is verified as on a real host.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup && server_start || exit 1
check "a Docker daemon runs" start_dockerd || exit 1
import_image hello:1 "hello from the registry" >/dev/null || exit 1

login() { docker login -u "$ALICE" --password-stdin "$1" <<<"${2:-$ALICE_PASSWORD}"; }
# forget IMAGE...: removes local copies, so that only the registry has them.
forget() { docker rmi -f "$@"; }

check "without the CA docker login fails on the certificate" fails_saying x509 login "$REG"
trust_by_docker "$REG" "192.0.2.1:$PORT" "[2001:db8::5]:$PORT"
check "a wrong password is refused" fails_saying unauthorized login "$REG" wrong
docker tag hello:1 "$REG/hello-world"
check "without login a push is refused" fails_saying 'no basic auth' docker push "$REG/hello-world"
check "docker login succeeds" says 'Login Succeeded' login "$REG"
check "docker push" says 'digest: sha256:' docker push "$REG/hello-world"
digest=$(docker inspect --format '{{index .RepoDigests 0}}' "$REG/hello-world")
check "a second push finds its layers there" says 'Layer already exists' docker push "$REG/hello-world"

forget "$REG/hello-world" hello:1 >/dev/null
check "docker run pulls what this host does not have" says 'hello from the registry' docker run --rm --network none "$REG/hello-world"
forget "$REG/hello-world" >/dev/null
check "docker pull by digest" says "$digest" docker pull "$digest"
check "the image of the digest runs" says 'hello from the registry' docker run --rm --network none "$digest"
forget "$(docker images -q | sort -u)" >/dev/null

mkdir "$WORK/context"
make_program "$WORK/context/more" "built upon the registry"
printf 'FROM %s/hello-world\nCOPY more /more\nCMD ["/more"]\n' "$REG" >"$WORK/context/Dockerfile"
check "docker build from the registry's image" env DOCKER_BUILDKIT=0 docker build --network none -t "$REG/team/built:2" "$WORK/context"
check "what was built is pushed, its base mounted" says "Mounted from hello-world" docker push "$REG/team/built:2"
forget "$REG/team/built:2" "$REG/hello-world" >/dev/null
check "and runs from the registry" says 'built upon the registry' docker run --rm --network none "$REG/team/built:2"

for registry in "192.0.2.1:$PORT" "[2001:db8::5]:$PORT"; do
    check "docker login to $registry" says 'Login Succeeded' login "$registry"
done
forget "$REG/team/built:2" >/dev/null
check "docker pull by IPv4 address" docker pull "192.0.2.1:$PORT/team/built:2"
check "docker pull of what is not there: a clear answer" fails_saying 'not found' docker pull "$REG/none"
check "docker pull of a tag that is not there: a clear answer" fails_saying 'manifest unknown' docker pull "$REG/hello-world:none"

for n in 1 2 3 4 5 6; do
    import_image "$REG/many:$n" "image $n" >/dev/null
done
check "docker push --all-tags" docker push --all-tags "$REG/many"
request GET /v2/many/tags/list
check "all tags are there" json_is .tags '["1","2","3","4","5","6"]'
check "docker logout" docker logout "$REG"
forget "$REG/hello-world" >/dev/null
check "after logout a pull is refused" fails_saying 'no basic auth' docker pull "$REG/hello-world"
finish
