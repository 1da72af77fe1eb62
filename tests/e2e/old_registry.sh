# shellcheck shell=bash
# The registry that people come from: Debian's docker-registry, without TLS and users.
#
#   old_start DIRECTORY    serves it on $OLD
#   old_fill; old_pull     old_registry.py with it; new_pull the same with Berth, which has no TLS and users then either
#   old_push NAME TAG      one more image
#   old_manifest NAME TAG  "ab/abcdef…", where the manifest lies in blobs/sha256
#   old_stop
OLD=127.0.0.1:5001
OLD_PID=

old_listening() { (exec 3<>"/dev/tcp/${OLD/:/\/}") 2>/dev/null; }
old_start() {
    OLD_ROOT=$1
    printf '%s\n' 'version: 0.1' 'log: {level: error, accesslog: {disabled: true}}' 'storage:' \
        "  filesystem: {rootdirectory: $OLD_ROOT}" '  delete: {enabled: true}' "http: {addr: $OLD}" >"$WORK/old.yml"
    OTEL_TRACES_EXPORTER=none docker-registry serve "$WORK/old.yml" >>"$WORK/old.log" 2>&1 </dev/null &
    OLD_PID=$!
    eventually old_listening
}
old_stop() {
    kill "$OLD_PID"
    wait "$OLD_PID" 2>/dev/null
    OLD_PID=
}
old_fill() { python3 "$TESTS/e2e/old_registry.py" fill "$OLD" "$@"; }
old_pull() { python3 "$TESTS/e2e/old_registry.py" pull "$OLD" "$@"; }
old_push() { python3 "$TESTS/e2e/old_registry.py" push "$OLD" "$@"; }
new_pull() { python3 "$TESTS/e2e/old_registry.py" pull "127.0.0.1:$PORT" "$@"; }
old_manifest() {
    local hex
    hex=$(cut -d: -f2 "$OLD_ROOT/docker/registry/v2/repositories/$1/_manifests/tags/$2/current/link")
    echo "${hex:0:2}/$hex"
}
