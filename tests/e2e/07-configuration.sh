#!/bin/bash
# Goal: distribution's configuration file and environment drop in; mistakes are named with file, line and the
# nearest key; delete disabled, read-only, reply headers and http.host do what they say.
. "$(dirname "$0")/lib.sh"
server_setup || exit 1

# Everything by environment, as container guides do it.
printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /nowhere\nhttp:\n  addr: :5001\n' >"$WORK/config.yml"
check "settings come from the environment" server_start env REGISTRY_HTTP_ADDR=:$PORT \
    REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/data" REGISTRY_STORAGE_DELETE_ENABLED=true \
    REGISTRY_HTTP_TLS_CERTIFICATE="$TLS_DIR/server.crt" REGISTRY_HTTP_TLS_KEY="$TLS_DIR/server.key" \
    REGISTRY_AUTH=htpasswd "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm" REGISTRY_AUTH_HTPASSWD_PATH="$USERS" \
    REGISTRY_HTTP_TLZ_KEY=typo
request_as "" GET /v2/
check "the realm from the environment is in force" header_is WWW-Authenticate 'Basic realm="Registry Realm"'
request GET /v2/
check "and so are its users" status_is 200
check "a variable that nobody knows is warned about with the nearest key" \
    grep -q 'level=warn .*REGISTRY_HTTP_TLZ_KEY: .*did you mean REGISTRY_HTTP_TLS_KEY?' "$LOG"
check "it stops" server_stop
server_config
check "REGISTRY_CONFIGURATION_PATH names the file" server_start env REGISTRY_CONFIGURATION_PATH="$WORK/config.yml"
check "it stops" server_stop

# refused "sentence" TEXT... with the configuration on standard input: the server says each TEXT and does not start.
refused() {
    local sentence=$1 text
    shift
    cat >"$WORK/bad.yml"
    timeout 10 "$BUILD/berth" serve "$WORK/bad.yml" >"$WORK/refusal" 2>&1
    check "$sentence: refused" [ $? -eq 1 ]
    for text; do
        check "$sentence: the refusal says $text" grep -qF -- "$text" "$WORK/refusal"
    done
}
good="version: 0.1
storage:
  filesystem:
    rootdirectory: $WORK/data"
refused "an unknown key" bad.yml:5 htp: http <<<"$good
htp:
  addr: :$PORT"
refused "a misspelt key" bad.yml:6 http.adr http.addr <<<"$good
http:
  adr: :$PORT"
refused "a key that is known but not served" bad.yml redis <<<"$good
redis:
  addr: localhost:6379
http:
  addr: :$PORT"
refused "a value of the wrong kind" bad.yml delete.enabled <<<"$good
  delete:
    enabled: perhaps
http:
  addr: :$PORT"
refused "a duration without a unit that is none" draintimeout <<<"$good
http:
  addr: :$PORT
  draintimeout: soon"
refused "text that is not YAML" bad.yml <<<'version: [0.1'
refused "a version that is not 0.1" version <<<"${good/0.1/0.9}
http:
  addr: :$PORT"
check "a file that is not there is named" fails_saying "$WORK/none.yml" timeout 10 "$BUILD/berth" serve "$WORK/none.yml"

# What is in force, and what there is.
server_config extra=$'proxy:\n  password: hush\n'
show() { env -i REGISTRY_HTTP_LIMITS_QUEUE=77 "$BUILD/berth" config "$@"; }
check "the configuration in force is shown, with lines" says "rootdirectory: $WORK/data" show show "$WORK/config.yml"
show show "$WORK/config.yml" | tr -s ' ' >"$WORK/shown.yml"
check "a variable's value with its name" grep -q 'queue: 77 # REGISTRY_HTTP_LIMITS_QUEUE' "$WORK/shown.yml"
check "a default as such" grep -q 'head: 30s # default' "$WORK/shown.yml"
check "a secret is not shown" fails grep -q hush "$WORK/shown.yml"
show show "$WORK/config.yml" >"$WORK/shown.yml"
check "what is shown is good" says "$WORK/shown.yml: good" "$BUILD/berth" config check "$WORK/shown.yml"
"$BUILD/berth" config show --json "$WORK/shown.yml" | sed 's/,"source".*//' >"$WORK/second"
show show --json "$WORK/config.yml" | sed 's/,"source".*//' >"$WORK/first"
check "and means the same" diff "$WORK/first" "$WORK/second"
check "check names what is wrong" fails_saying "$WORK/bad.yml:1: version: " "$BUILD/berth" config check "$WORK/bad.yml"
check "all keys are listed" says 'http.timeouts.idle  (duration, default 2m; REGISTRY_HTTP_TIMEOUTS_IDLE)' "$BUILD/berth" config keys
"$BUILD/berth" config man >"$WORK/berth-config.5"
check "and are a manual page" [ "$(grep -c '^\.TP' "$WORK/berth-config.5")" -gt 100 ]

server_config
check "with delete enabled the server starts" server_start
printf 'x' >"$WORK/blob"
blob_push conf/app "$WORK/blob"
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"a/b","digest":"%s","size":1},"layers":[]}' "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" >"$WORK/manifest"
manifest_push conf/app 1 "$WORK/manifest" "$OCI_MANIFEST"
check "an image is pushed" status_is 201
check "it stops" server_stop

server_config delete=false
check "with delete disabled the server starts" server_start env REGISTRY_HTTP_HOST=https://outside.example "REGISTRY_HTTP_HEADERS={X-Content-Type-Options: [nosniff]}"
for path in manifests/1 "manifests/$(digest_of "$WORK/manifest")" "blobs/$(digest_of "$WORK/blob")"; do
    request DELETE "/v2/conf/app/$path"
    check "DELETE ${path%%:*} is refused as UNSUPPORTED" error_is 405 UNSUPPORTED
done
request POST /v2/conf/app/blobs/uploads/
check "Locations begin with http.host" says https://outside.example/v2/conf/app/blobs/uploads/ header Location
check "http.headers are added" header_is X-Content-Type-Options nosniff
check "it stops" server_stop

server_config
check "read-only the server starts" server_start env REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true
request GET /v2/conf/app/manifests/1 -H "Accept: $OCI_MANIFEST"
check "read-only serves" status_is 200
request POST /v2/conf/app/blobs/uploads/
check "an upload is refused" error_is 405 UNSUPPORTED
manifest_push conf/app 2 "$WORK/manifest" "$OCI_MANIFEST"
check "a manifest is refused" error_is 405 UNSUPPORTED
request DELETE /v2/conf/app/manifests/1
check "a deletion is refused" error_is 405 UNSUPPORTED
check "the version is told" says 0. "$BUILD/berth" --version
check "it stops" server_stop

# As the container images call it.
ln -s "$(realpath "$BUILD/berth")" "$WORK/registry"
registry_start() {
    "$WORK/registry" "$@" >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    eventually listening_or_dead && server_running
}
check "registry serve FILE serves" registry_start serve "$WORK/config.yml"
check "it stops" server_stop
check "registry FILE.yml serves" registry_start "$WORK/config.yml"
request GET /v2/conf/app/manifests/1 -H "Accept: $OCI_MANIFEST"
check "what was pushed before" status_is 200
check "registry garbage-collect CONFIG -d -m works beside it" says blob "$WORK/registry" garbage-collect "$WORK/config.yml" -d -m
check "registry -v tells the version" says 0. "$WORK/registry" -v
check "registry help tells its commands" says garbage-collect "$WORK/registry" help
finish
