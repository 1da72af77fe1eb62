#!/bin/bash
# Goal: everything that distribution tells its webhooks is told, field by field and in order, to plain and TLS receivers;
# again until it is accepted, whatever receiver and server go through in between; secrets are not logged; and
# docker-registry, asked the same, tells the same.
. "$(dirname "$0")/lib.sh"

TOLD=$WORK/told
mkdir "$TOLD"
declare -A receivers=()

# receiver_start PORT [CERTIFICATE KEY]
receiver_start() {
    rm -f "$TOLD/$1.ready"
    python3 -B "$TESTS/e2e/events_receiver.py" "$TOLD" "$@" 2>>"$WORK/receiver.log" &
    receivers[$1]=$!
    eventually test -e "$TOLD/$1.ready"
}
receiver_kill() { kill -KILL "${receivers[$1]}"; wait "${receivers[$1]}" 2>/dev/null; true; }
mode() { echo "$2" >"$TOLD/$1.mode.new" && mv "$TOLD/$1.mode.new" "$TOLD/$1.mode"; }

# events NAME: what was accepted of what was told to it, an event a line. lines NAME: every request that came.
lines() { cat "$TOLD/$1.jsonl" 2>/dev/null; }
events() { lines "$1" | jq -c 'select(.answer == "200") | .events[]'; }
# told NAME FILTER: such an event comes. never NAME FILTER: there is none.
any() { events "$1" | jq -se --arg host "$(hostname)" "any(.[]; $2)" >/dev/null; }
told() { eventually any "$1" "$2" || { events "$1" | tail -n 5; return 1; }; }
never() { ! any "$1" "$2"; }
count() { events "$1" | jq -c "select($2)" | wc -l; }
# tags NAME ACTION: "one two", in the order in which they were told.
tags() { events "$1" | jq -r "select(.action == \"$2\" and .target.tag) | .target.tag" | xargs; }

UUID='test("^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")'
# said METHOD: what all events that alice has caused have beside their target.
said() {
    cat <<END
(.id | $UUID) and (.timestamp | test("^20[0-9-]{8}T[0-9:]{8}[.][0-9]{9}Z$"))
and .request.method == "$1" and .request.host == "$REG" and (.request.id | length == 16)
and (.request.addr | test("^(192[.]0[.]2[.]1|[[]2001:db8::5]):[0-9]+$")) and (.request.useragent | startswith("curl/"))
and .actor == {name: "$ALICE"} and .source.addr == (\$host + ":$PORT") and (.source.instanceID | $UUID)
END
}

config='
notifications:
  events:
    includereferences: true
  endpoints:
    - name: all
      url: http://user:hush-hush@127.0.0.1:8001/all?key=hush-hush
      headers:
        X-Token: [hush-hush, and-more]
      timeout: 1s
      threshold: 3
      backoff: 50ms
    - name: few
      url: https://127.0.0.1:8002/few
      cafile: '$CA'
      headers:
        Authorization: [Bearer hush-hush]
      backoff: 50ms
      ignoredmediatypes: [application/octet-stream]
      ignore:
        actions: [pull]
    - name: none
      url: http://127.0.0.1:8001/none
      disabled: true
'
server_setup && server_config extra="$config" && server_start env REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5001 REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED=true || exit 1
receiver_start 8001 && receiver_start 8002 "$TLS_DIR/server.crt" "$TLS_DIR/server.key" || exit 1

# --- every kind of event

printf '{}' >"$WORK/config"
printf 'a layer' >"$WORK/layer"
config_digest=$(digest_of "$WORK/config") layer_digest=$(digest_of "$WORK/layer")
jq -nc --arg type "$OCI_MANIFEST" --arg c "$config_digest" --arg l "$layer_digest" '{schemaVersion: 2, mediaType: $type,
    config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: 2},
    layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $l, size: 7, annotations: {a: "b"}}]}' | tr -d '\n' >"$WORK/manifest"
digest=$(digest_of "$WORK/manifest") size=$(stat -c %s "$WORK/manifest")
url=https://$REG/v2/team/app

blob_push team/app "$WORK/config"
blob_push team/app "$WORK/layer"
blob="{mediaType: \"application/octet-stream\", digest: \"$layer_digest\", size: 7, length: 7, repository: \"team/app\", url: \"$url/blobs/$layer_digest\"}"
check "the push of a blob is told" told all "$(said PUT) and .action == \"push\" and .target == $blob"
request POST "/v2/other/app/blobs/uploads/?mount=$layer_digest&from=team/app"
check "a mount is told with where it came from" told all \
    "$(said POST) and .action == \"mount\" and .target == ($blob + {repository: \"other/app\", fromRepository: \"team/app\", url: \"https://$REG/v2/other/app/blobs/$layer_digest\"})"
manifest_push team/app v1 "$WORK/manifest" "$OCI_MANIFEST"
manifest="{mediaType: \"$OCI_MANIFEST\", digest: \"$digest\", size: $size, length: $size, repository: \"team/app\", url: \"$url/manifests/$digest\",
    references: [{mediaType: \"application/vnd.oci.image.config.v1+json\", digest: \"$config_digest\", size: 2},
                 {mediaType: \"application/vnd.oci.image.layer.v1.tar\", digest: \"$layer_digest\", size: 7, annotations: {a: \"b\"}}]}"
check "the push of a manifest is told with its tag and what it refers to" told all "$(said PUT) and .action == \"push\" and .target == ($manifest + {tag: \"v1\"})"
check "over TLS, too" told few "$(said PUT) and .action == \"push\" and .target == ($manifest + {tag: \"v1\"})"
manifest_push team/app "$digest?tag=v2&tag=v3" "$WORK/manifest" "$OCI_MANIFEST"
check "a push with two tags is told as two" told all '.target.tag == "v3"'
check "in their order" [ "$(tags all push)" = "v1 v2 v3" ]
request GET /v2/team/app/manifests/v1
check "the pull of a tag is told with the tag" told all "$(said GET) and .action == \"pull\" and .target == ($manifest + {tag: \"v1\"})"
request HEAD "/v2/team/app/manifests/$digest"
check "looking at a manifest is told as a pull by HEAD" told all "$(said HEAD) and .action == \"pull\" and .target == $manifest"
request GET "/v2/team/app/blobs/$layer_digest" -H 'Range: bytes=0-2'
check "the pull of a blob is told" told all "$(said GET) and .action == \"pull\" and .target == $blob"
request GET /v2/team/app/manifests/v1 -H "If-None-Match: \"$digest\""
request GET /v2/team/app/manifests/nothing
request DELETE /v2/team/app/manifests/v3
check "the deletion of a tag is told" told all "$(said DELETE) and .action == \"delete\" and .target == {repository: \"team/app\", tag: \"v3\"}"
request DELETE "/v2/team/app/manifests/$digest"
check "that of a manifest is told by its digest" told all "$(said DELETE) and .action == \"delete\" and .target == {repository: \"team/app\", digest: \"$digest\"}"
check "and the tags that went with it, too" told all '.action == "delete" and .target.tag == "v2"'
check "in their order" [ "$(tags all delete)" = "v3 v1 v2" ]
request DELETE "/v2/team/app/blobs/$layer_digest"
check "that of a blob is told" told all "$(said DELETE) and .action == \"delete\" and .target == {repository: \"team/app\", digest: \"$layer_digest\"}"
"$BUILD/berth" repository delete other/app --config "$WORK/config.yml" >/dev/null
check "berth repository delete is told" told all '.action == "delete" and .target == {repository: "other/app"} and .request.useragent == "berth repository delete"'
check "a 304, a 404 and what failed are not" [ "$(count all '.action == "pull"')" = 3 ]
check "the ids of all events differ" [ "$(events all | jq -r .id | sort | uniq -d | wc -l)" = 0 ]
check "the endpoint's headers come with each" [ "$(lines all | jq -r '.headers["x-token"]' | sort -u)" = "hush-hush" -o "$(lines all | jq -r '.headers["x-token"]' | sort -u)" = "and-more" ]
check "and who the URL says logs in" [ "$(lines all | jq -r .headers.authorization | sort -u)" = "Basic $(printf user:hush-hush | base64)" ]
check "as distribution's media type" [ "$(lines all | jq -r '.headers["content-type"]' | sort -u)" = application/vnd.docker.distribution.events.v1+json ]
check "what an endpoint ignores is not told to it" never few '.action == "pull" or .target.mediaType == "application/octet-stream"'
check "and the rest is" told few '.action == "delete" and .target == {repository: "other/app"}'
check "nobody calls a disabled one" [ ! -e "$TOLD/none.jsonl" ]

# --- endpoints that fail

push() { manifest_push team/app "$1" "$WORK/plain" "$OCI_INDEX"; [[ $STATUS == 201 ]]; }
printf '{"schemaVersion":2,"mediaType":"%s","manifests":[]}' "$OCI_INDEX" >"$WORK/plain"
log_mark
mode all 500
check "pushes are answered while an endpoint fails" push f1
push f2
push f3
failed() { lines all | jq -c "select(.answer == \"$1\")" | wc -l; }
failed_often() { [[ $(failed 500) -ge 5 ]]; }
check "what fails is tried again" eventually failed_often
check "and the log says so" log_says 'notifications: all: it answers 500; failed 1 times in a row'
check "the other endpoint has it meanwhile" told few '.target.tag == "f3"'
check "one event at a time is tried again" [ "$(lines all | jq -c 'select(.answer == "500") | .events | length' | tail -n 1)" = 1 ]
mode all 200
check "it is told when the endpoint accepts" told all '.target.tag == "f3"'
check "all of it, in order, once" [ "$(tags all push)" = "v1 v2 v3 f1 f2 f3" ]
check "the log says that it accepts again" eventually log_says 'notifications: all accepts again after [0-9]+ failures'
log_mark
mode all 'slow 3'
push s1
push_slowly() { push s2; }
check "a slow endpoint slows no push" within 1000 push_slowly
check "and fails when its time is over" eventually log_says 'notifications: all: .*127\.0\.0\.1:8001.*; failed 1 times in a row'
mode all cut
cut() { [[ $(failed cut) -gt 0 ]]; }
check "one that does not answer is asked again" eventually cut
mode all 'to /moved'
push s3
check "a redirect with 307 is followed" told moved '.target.tag == "s3"'
mode all 200
check "metrics tell what happened" eventually says 'berth_notifications_pending{endpoint="all"} 0' curl -sS http://127.0.0.1:5001/metrics
check "by status" says 'berth_notifications_responses_total{endpoint="all",code="500"}' curl -sS http://127.0.0.1:5001/metrics

# --- gone, killed, restarted

receiver_kill 8001
check "a push while the endpoint is gone" push k1
push k2
server_kill
server_start || exit 1
check "a server that was killed at once knows what waits" log_says 'notifications: all is told at http://127.0.0.1:8001; [0-9]+ events wait for it'
push k3
check "it stops with what waits" server_stop
server_start || exit 1
receiver_start 8001
check "when the endpoint is back it is told everything" told all '.target.tag == "k3"'
in_order() { [[ $(events all | jq -r 'select(.target.tag // "" | startswith("k")) | .target.tag' | uniq | xargs) == "k1 k2 k3" ]]; }
check "in order" in_order
check "k1 and k3 come from two runs of the server" \
    [ "$(events all | jq -r 'select(.target.tag == "k1" or .target.tag == "k3") | .source.instanceID' | sort -u | wc -l)" = 2 ]
check "no secret is in the log" fails grep -E 'hush|and-more' "$LOG"
check "a restart tells nothing anew" [ "$(count all '.target.tag == "f1"')" = 1 ]
server_stop
server_config extra=$'notifications: {endpoints: [{name: all, url: "http://127.0.0.1:8001/all", cafile: /nowhere}]}\n'
check "an endpoint whose authorities cannot be read is named" fails_saying "notifications: all: " "$BUILD/berth" serve "$WORK/config.yml"

# --- beside the registry that people come from

cat >"$WORK/old.yml" <<END
version: 0.1
log: {accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $WORK/old}, delete: {enabled: true}}
http: {addr: "127.0.0.1:5010"}
notifications: {events: {includereferences: true}, endpoints: [{name: old, url: "http://127.0.0.1:8001/old", timeout: 1s, threshold: 3, backoff: 1s}]}
END
OTEL_TRACES_EXPORTER=none docker-registry serve "$WORK/old.yml" >"$WORK/old.log" 2>&1 </dev/null &
old=$!
server_config tls=no auth=no addr=127.0.0.1:$PORT extra=$'notifications: {events: {includereferences: true}, endpoints: [{name: new, url: "http://127.0.0.1:8001/new"}]}\n'
server_start || exit 1
old_answers() { curl -sS -o /dev/null http://127.0.0.1:5010/v2/; }
check "docker-registry runs" eventually old_answers
check "a client's actions there" python3 -B "$TESTS/e2e/events_actions.py" 127.0.0.1:5010 "$TOLD/old.jsonl"
cp "$WORK/check.out" "$WORK/old.txt"
check "and here" python3 -B "$TESTS/e2e/events_actions.py" 127.0.0.1:$PORT "$TOLD/new.jsonl"
cp "$WORK/check.out" "$WORK/new.txt"
# Deleting a tag alone is not in version 2; version 3 has it.
check "have the same answers, but for the deletion of a tag" diff <(grep -v 'delete a tag:' "$WORK/old.txt") <(grep -v 'delete a tag:' "$WORK/new.txt")
check "the blob's deletion is told by both" told old '.action == "delete" and .target.digest == "'"$(python3 -c 'import hashlib; print("sha256:" + hashlib.sha256(b"a layer" * 100).hexdigest())')"'"'
check "all of it has been told" told new '.action == "delete" and .target.digest == "'"$(python3 -c 'import hashlib; print("sha256:" + hashlib.sha256(b"a layer" * 100).hexdigest())')"'"'
# What differs from event to event is left out, and of each member that is left the value counts. References to the entries
# of an index have a platform since version 3.
alike() {
    events "$1" | jq -cS 'select(.target.tag != "all" or .action != "delete") | (.id, .timestamp, .request.id, .request.addr, .source.instanceID) |= type
        | .target.references |= (if . then map(del(.platform)) else . end) | .target.url |= (. // "" | sub("^http://[^/]*"; "")) | .request.host |= sub(":.*"; "") | .source.addr |= sub(":.*"; "")' | sort
}
check "docker-registry tells the same events, member for member" diff <(alike old) <(alike new)
check "nineteen less two of each" [ "$(alike new | wc -l)" = 17 ]
kill "$old"
finish
