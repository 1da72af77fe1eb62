#!/bin/bash
# Goal: what another registry holds is copied over the wire, all of it or chosen parts, beside a running server and
# without one; with passwords, tokens and nobody's login; again and again, which copies what is new. Every tag then has
# the digest that it has there, and pulls.
. "$(dirname "$0")/lib.sh"
export REG CA ALICE ALICE_PASSWORD
OTHER=$NAME:5001

server_setup && server_start || exit 1
htpasswd -Bbn -C 5 "$ALICE" "$ALICE_PASSWORD" >"$WORK/other.htpasswd"
cat >"$WORK/other.yml" <<END
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $WORK/other}}
http: {addr: ":5001", tls: {certificate: $TLS_DIR/server.crt, key: $TLS_DIR/server.key}}
auth: {htpasswd: {realm: other, path: $WORK/other.htpasswd}}
END
docker-registry serve "$WORK/other.yml" >"$WORK/other.log" 2>&1 &
eventually curl -sS --cacert "$CA" -o "$WORK/hello" "https://$OTHER/v2/" 2>"$WORK/curl.err"

other() { REG=$OTHER python3 -B "$TESTS/e2e/import_fill.py" "$@"; }
ours() { python3 -B "$TESTS/e2e/import_fill.py" "$@"; }
printf '%s\n' "$ALICE_PASSWORD" >"$WORK/password"
printf 'wrong\n' >"$WORK/wrong"
import() { "$BUILD/berth" import --config "$WORK/config.yml" --ca "$CA" "$@"; }
login=(--user "$ALICE" --password-file "$WORK/password")
json() { "$@" --json >"$WORK/said"; }
# said FILTER VALUE: of the JSON that the last command printed.
said() { [[ $(jq -c "$1" "$WORK/said") == "$2" ]] || { cat "$WORK/said"; return 1; }; }
same_tags() { other digests >"$WORK/there" && ours digests >"$WORK/here" && diff "$WORK/there" "$WORK/here"; }
catalog_is() { request GET /v2/_catalog; json_is .repositories "$1"; }

other fill >"$WORK/digests" || exit 1
read -r signed signature <"$WORK/digests"

# --- who may

check "nobody may look at the other registry's catalog" fails_saying "it wants a login" import "docker://$OTHER"
check "a wrong password is told" fails_saying "it wants a login, or another one" import "docker://$OTHER" --user "$ALICE" --password-file "$WORK/wrong"
check "a certificate of an unknown authority is not taken" fails_saying "its certificate is not to be trusted" \
    "$BUILD/berth" import --config "$WORK/config.yml" "docker://$OTHER" "${login[@]}"
check "no terminal to ask on: the other ways are named" fails_saying "use --password-file or the variable BERTH_IMPORT_PASSWORD" \
    setsid "$BUILD/berth" import --config "$WORK/config.yml" --ca "$CA" "docker://$OTHER" --user "$ALICE"
docker_http() { sed "s/:5001\", tls: {.*}}/:5002\"}/; s,/other$,/plain," "$WORK/other.yml" >"$WORK/plain.yml" && docker-registry serve "$WORK/plain.yml" >"$WORK/plain.log" 2>&1; }
docker_http &
eventually curl -sS -o "$WORK/hello" http://localhost:5002/v2/ 2>"$WORK/curl.err"
check "http has to be asked for" fails_saying "no TLS connection" import "docker://localhost:5002"
check "a directory is not asked over the wire" fails_saying "--ca is for importing from another registry" import "$WORK"
check "nor another registry for its files" fails_saying "--no-verify is for importing from a directory" import "docker://$OTHER" --no-verify

# --- all of it, beside a server

check "a dry run lists what would be copied" says "would copy library/app:20" import "docker://$OTHER" "${login[@]}" --dry-run
check "and copies nothing" catalog_is '[]'
check "all of it is copied, beside the server" json import "docker://$OTHER" "${login[@]}"
check "that is every tag" said '[.complete, .repositories, .tags.copied, .left_out]' '[true,4,24,[]]'
check "what repositories share came once" said '.blobs.shared' 1
check "tags have the digests and types that they have there" same_tags
check "and pull to the last byte" python3 -B "$TESTS/e2e/pull_all.py"
request GET "/v2/team-b/signed/referrers/$signed"
check "what was attached by a tag is a referrer here" json_is '[.manifests[].digest]' "[\"$signature\"]"
check "the server's log has no password" fails grep -F "$ALICE_PASSWORD" "$LOG"

# --- again

check "again, with the password from the environment" json env BERTH_IMPORT_PASSWORD="$ALICE_PASSWORD" "$BUILD/berth" import \
    --config "$WORK/config.yml" --ca "$CA" "docker://$OTHER" --user "$ALICE"
check "copies nothing" said '[.complete, .tags.copied, .tags.unchanged, .manifests, .blobs.copied]' '[true,0,24,0,0]'
other move >/dev/null
printf '{"auths": {"%s": {"auth": "%s"}}}' "$OTHER" "$(printf '%s:%s' "$ALICE" "$ALICE_PASSWORD" | base64 -w0)" >"$WORK/auth.json"
check "a tag that moved there is left, and told of" exits 1 json import "docker://$OTHER" --authfile "$WORK/auth.json"
check "by its name" said '[.tags.kept, .left_out[].name]' '[1,"library/app:1"]'
check "it moves when that is asked for, with the login that Docker keeps" env HOME="$WORK/docker-home" bash -c \
    "mkdir -p \$HOME/.docker && cp '$WORK/auth.json' \$HOME/.docker/config.json && '$BUILD/berth' import --config '$WORK/config.yml' --ca '$CA' docker://$OTHER/library/app:1 --overwrite"
check "then all are the same again" same_tags

# --- chosen, without a server

somewhere() { mkdir -p "$WORK/$1" && REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$WORK/$1 "${@:2}"; }
listed() { [[ $(somewhere "$1" "$BUILD/berth" tags list "$2" --config "$WORK/config.yml") == *"$3"* ]]; }
check "chosen repositories and tags" somewhere chosen json import "docker://$OTHER" "${login[@]}" --repository 'team-*/**' --tag 'v*' --jobs 1
check "are what is copied" said '[.repositories, .tags.copied, .manifests]' '[3,1,2]'
check "names in full need no catalog" somewhere named json import "docker://$OTHER" "${login[@]}" --repository library/app --repository team-b/big --tag big --tag '1*'
check "and several patterns are one or the other" said '[.repositories, .tags.copied]' '[2,12]'
check "a digest is enough" somewhere named json import "docker://$OTHER/team-b/signed@$signed" "${login[@]}" --no-referrers
check "without what is attached" said '[.complete, .manifests]' '[true,1]'
check "a tag that is not there is told" exits 1 somewhere named json import "docker://$OTHER/library/app:none" "${login[@]}"
check "with what the registry says" said '[.left_out[].name]' '["library/app:none"]'

# --- Berth as the other registry: tokens

cat >"$WORK/access.yml" <<'END'
rules:
  - {repositories: [library/**], subjects: [anonymous], actions: [pull]}
  - {repositories: ["**"], subjects: [alice]}
END
server_config extra="access: {file: $WORK/access.yml}"
server_stop && server_start
log_mark
check "nobody gets what is open to anybody" somewhere open json import "docker://$REG/library/app"
check "which is all of that" said '[.complete, .tags.copied]' '[true,20]'
check "what is closed is not given to nobody" exits 1 somewhere open json import "docker://$REG/team-b/signed"
check "alice gets it" somewhere open json import "docker://$REG" "${login[@]}"
check "all of it" said '[.complete, .tags.copied, .tags.unchanged]' '[true,4,20]'
check "by tokens" eventually log_says '"GET /v2/_token.*" 200'
check "and what is attached to a chosen tag, by the API" somewhere signed json import "docker://$REG/team-b/signed:v1" "${login[@]}"
check "is its signature" said '[.complete, .tags.copied, .manifests]' '[true,1,2]'
check "a server serves what was copied while there was none" server_stop
check "it starts" server_start env REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/open"
check "and every tag pulls" python3 -B "$TESTS/e2e/pull_all.py"
finish
