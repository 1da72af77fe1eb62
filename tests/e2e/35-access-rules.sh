#!/bin/bash
# Goal: anybody pulls and people with a password push, with Docker, Skopeo and curl; a team has its own prefix, a robot
# cannot move a tag, and the rules change while the server runs. `berth access explain` says why.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup || exit 1
user_set add bob bobs-password || exit 1
user_set add robot robots-password || exit 1
RULES=$WORK/access.yml
echo 'preset: anonymous-pull' >"$RULES"
server_config extra="access: {file: $RULES}" # one line
check "the server starts with one line of rules" server_start

# rules: puts standard input in force.
rules() {
    cat >"$RULES.new" && mv "$RULES.new" "$RULES"
}
# answers STATUS USER:PASSWORD METHOD PATH: for `within`.
answers() {
    local wanted=$1
    shift
    request_as "$@" && status_is "$wanted"
}

# ---- a program that lists images and tags to offer them in a menu: no credentials at all
make_program "$WORK/blob" content
blob_push menu/app "$WORK/blob"
check "who is logged in pushes a blob" status_is 201
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}' \
    "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" "$(stat -c %s "$WORK/blob")" >"$WORK/manifest"
manifest_push menu/app v1 "$WORK/manifest" "$OCI_MANIFEST"
check "and its manifest" status_is 201
request_as "" GET /v2/_catalog
check "curl lists the repositories without credentials" body_is '{"repositories":["menu/app"]}'
request_as "" GET /v2/menu/app/tags/list
check "and their tags" json_is .tags '["v1"]'
request_as "" POST /v2/menu/app/blobs/uploads/
check "pushing without them is refused" error_is 401 UNAUTHORIZED
request_as "bob:wrong" GET /v2/menu/app/tags/list
check "a wrong password is wrong though none is needed" error_is 401 UNAUTHORIZED

# ---- Docker: pull without a login, push with one
check "a Docker daemon runs" start_dockerd || exit 1
trust_by_docker "$REG"
login() { docker login -u "$1" --password-stdin "$REG" <<<"$2"; }
import_image hello:1 "hello, anybody" >/dev/null || exit 1
import_image hello:2 "hello, again" >/dev/null || exit 1
docker tag hello:1 "$REG/team-a/hello:1"
check "docker push without a login is refused" fails docker push "$REG/team-a/hello:1"
check "docker login with a wrong password is refused" fails_saying unauthorized login "$ALICE" wrong
check "docker login" says 'Login Succeeded' login "$ALICE" "$ALICE_PASSWORD"
check "docker push after it" says 'digest: sha256:' docker push "$REG/team-a/hello:1"
docker logout "$REG" >/dev/null
docker rmi -f "$REG/team-a/hello:1" hello:1 >/dev/null
check "docker run of the image without a login" says 'hello, anybody' docker run --rm --network none "$REG/team-a/hello:1"
check "skopeo inspects it without credentials" says '"Name"' skopeo inspect --cert-dir "/etc/docker/certs.d/$REG" "docker://$REG/team-a/hello:1"
check "skopeo copies with them" skopeo copy -q --src-cert-dir "/etc/docker/certs.d/$REG" --dest-cert-dir "/etc/docker/certs.d/$REG" \
    --dest-creds bob:bobs-password "docker://$REG/team-a/hello:1" "docker://$REG/team-b/hello:1"
check "and not without" fails skopeo copy -q --src-cert-dir "/etc/docker/certs.d/$REG" --dest-cert-dir "/etc/docker/certs.d/$REG" \
    "docker://$REG/team-a/hello:1" "docker://$REG/team-c/hello:1"

# ---- a team has its own prefix; the robot pushes new tags and moves none
rules <<'RULES'
groups:
  team-a: [alice]
rules:
  - {repositories: [team-a/**], subjects: ["@team-a"]}
  - {repositories: [team-a/**], subjects: [robot], actions: [pull, push]}
  - {repositories: ["home/${user}/**"], subjects: [authenticated]}
  - {repositories: [menu/**], subjects: [anonymous], actions: [pull]}
  - {repositories: [team-a/**], subjects: [bob], actions: [pull], networks: [198.51.100.0/24]}
RULES
check "new rules hold within two seconds" within 2000 answers 401 "" GET /v2/team-a/hello/tags/list
check "what the team has is not for bob" answers 403 bob:bobs-password GET /v2/team-a/hello/tags/list
check "nor does the catalog tell him" answers 200 bob:bobs-password GET /v2/_catalog
request_as bob:bobs-password GET /v2/_catalog
check "of more than he may pull" json_is .repositories '["menu/app"]'
check "his own prefix is his" answers 202 bob:bobs-password POST /v2/home/bob/app/blobs/uploads/
check "and nobody else's" answers 403 "$ALICE:$ALICE_PASSWORD" POST /v2/home/bob/app/blobs/uploads/
check "docker pull of what is closed now is refused" fails docker pull "$REG/team-a/hello:1"
check "the robot logs in" says 'Login Succeeded' login robot robots-password
docker tag hello:2 "$REG/team-a/hello:2"
check "the robot pushes a new tag" says 'digest: sha256:' docker push "$REG/team-a/hello:2"
docker tag hello:2 "$REG/team-a/hello:1"
check "the robot cannot move an old one" fails_saying denied docker push "$REG/team-a/hello:1"
check "a member of the team logs in" says 'Login Succeeded' login "$ALICE" "$ALICE_PASSWORD"
check "and moves it" says 'digest: sha256:' docker push "$REG/team-a/hello:1"

# ---- why
explain() { "$BUILD/berth" access explain "$@" --config "$WORK/config.yml"; }
check "explain names the rule that lets the robot push" says "access.yml:5" explain robot push team-a/hello
check "explain says that no rule lets it overwrite" exits 1 explain robot overwrite team-a/hello
check "explain says that the address matters" fails_saying "--address" explain bob pull team-a/hello
check "explain knows addresses" says "access.yml:8" explain bob pull team-a/hello --address 198.51.100.7
check "explain knows nobody" says "access.yml:7" explain - pull menu/app
check "explain --all says why the others do not match" says "does not match: repository" explain - pull menu/app --all
check "berth access check prints the rules" says "access.yml:4" "$BUILD/berth" access check --rules "$RULES"
echo 'rules: [{subjects: [alice], actions: [pul]}]' >"$WORK/bad.yml"
check "and names what is wrong with others" fails_saying 'pull' "$BUILD/berth" access check --rules "$WORK/bad.yml"
finish
