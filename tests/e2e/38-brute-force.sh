#!/bin/bash
# Goal: who guesses passwords learns nothing and slows nobody: the time of a refusal does not tell whether a user exists;
# a thousand guesses a second are answered 429, do not delay the pulls of others, and lock nobody out. The work is
# guess_timing.py's and guess_flood.py's.
. "$(dirname "$0")/lib.sh"
export WORK BUILD
DEBUG=127.0.0.1:5001

# users PREFIX ALGORITHM-AND-COST…: PREFIX-00 … PREFIX-19, each with that hash.
users() {
    local prefix=$1
    shift
    printf "$prefix-%02d,the right password\n" {0..19} | "$BUILD/berth-user" import --file "$USERS" --update "$@" >/dev/null
}

# ---- timing
timing() {
    python3 -B "$TESTS/e2e/guess_timing.py" "$@"
}
serve_and_time() {
    local sentence=$1
    shift
    server_start || exit 1
    check "$sentence" timing "$@"
    cat "$WORK/check.out"
    check "the server stops" server_stop
    rm "$USERS"
}
server_config tls=no extra='access: {throttle: {disabled: true}}'
users bcrypt --algorithm bcrypt --cost 5 || exit 1
serve_and_time "bcrypt: an unknown user and a wrong password take the same time" alike bcrypt
users argon2id --algorithm argon2id --cost 1 --memory 1 || exit 1
serve_and_time "argon2id: an unknown user and a wrong password take the same time" alike argon2id
users ordinary --algorithm bcrypt --cost 4 && users costly --algorithm bcrypt --cost 6 && users plain --algorithm bcrypt --cost 4 || exit 1
serve_and_time "the test notices users whose hash costs more than most" different costly

# ---- a flood
for n in 1 2 3 4; do ip address add "2001:db8:$n::1/128" dev lo nodad || exit 1; done
printf "%s,%s's password\n" alice alice bob bob carol carol steady steady newcomer-1 newcomer-1 newcomer-2 newcomer-2 |
    "$BUILD/berth-user" import --file "$USERS" --algorithm bcrypt --cost 10 >/dev/null || exit 1
server_config tls=no && sed -i "s/^http:/http:\n  debug: {addr: \"$DEBUG\", prometheus: {enabled: true, path: \/metrics}}/" "$WORK/config.yml"
server_start || exit 1
push() {
    NAME=127.0.0.1 ALICE_PASSWORD="alice's password"
    printf 'config' >"$WORK/blob"
    request POST "http://127.0.0.1:$PORT/v2/team/app/blobs/uploads/?digest=$(digest_of "$WORK/blob")" --data-binary "@$WORK/blob"
    status_is 201 || return 1
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":6},"layers":[]}' \
        "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" >"$WORK/manifest"
    request PUT "http://127.0.0.1:$PORT/v2/team/app/manifests/v1" -H "Content-Type: $OCI_MANIFEST" --data-binary "@$WORK/manifest"
    status_is 201
}
check "an image is pushed" push
flood() { python3 -B "$TESTS/e2e/guess_flood.py"; }
check "a thousand guesses a second slow no pull and lock nobody out" flood
cat "$WORK/check.out"
finish
