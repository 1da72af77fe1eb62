#!/bin/bash
# Is it healthy? `berth health` finds out whether the server that its configuration describes answers, in every form in
# which it may be served, and tells a server that hangs from one that lives. /livez and /readyz say it to others, and the
# checks of the section `health` keep requests away while one of them fails.
. "$(dirname "$0")/lib.sh"

address=127.0.0.1
listening() { (exec 3<>"/dev/tcp/$address/$PORT") 2>/dev/null || [[ -S $WORK/berth.sock ]]; }
health() { "$BUILD/berth" health "$WORK/config.yml" "$@"; }

server_setup
check "nobody there is not healthy, and the line says who was asked" \
    fails_saying "unhealthy: :$PORT this machine port $PORT: connect: Connection refused" health

server_start
check "a server with TLS and passwords is healthy" says "healthy: :$PORT answers 401" health
check "for programs the same as an object" says '{"healthy":true,"address":":5000","why":"answers 401","milliseconds":' health --json
check "the environment counts, as it does for the server" \
    fails_saying "connect: Connection refused" env REGISTRY_HTTP_ADDR=:5001 "$BUILD/berth" health "$WORK/config.yml"
check "a configuration that cannot be read is no health, and no other status either" \
    exits 1 "$BUILD/berth" health "$WORK/nowhere.yml"
check "how long it may take is a duration" exits 2 "$BUILD/berth" health "$WORK/config.yml" --timeout soon
kill -STOP "$SERVER_PID"
check "a server that hangs is found out in time" within 4000 fails_saying "no answer in time" health --timeout 300ms
check "for programs, too" fails_saying '{"healthy":false' health --timeout 300ms --json
kill -CONT "$SERVER_PID"
check "when it goes on it is healthy again" eventually health
server_stop

server_config tls=no auth=no
server_start
check "plain HTTP without passwords" says "healthy: :$PORT answers 200" health
cp "$WORK/config.yml" "$WORK/plain.yml"
server_config
check "TLS where the configuration has it and the server does not" fails_saying "TLS: " health
server_stop

address=2001:db8::5
server_config tls=no addr="[2001:db8::5]:$PORT"
server_start
check "an IPv6 address" says "healthy: [2001:db8::5]:$PORT answers 401" health
server_stop
address=127.0.0.1

server_config tls=no net=unix addr="$WORK/berth.sock"
server_start
check "a Unix socket" eventually says "healthy: $WORK/berth.sock answers 401" health
kill -STOP "$SERVER_PID"
check "that hangs" within 4000 fails_saying "no answer in time" health --timeout 300ms
kill -CONT "$SERVER_PID"
server_stop

for version in 1.2 1.3; do
    server_config
    sed -i "s|^  tls:|&\n    minimumtls: tls$version\n    clientcas: [$CA]|" "$WORK/config.yml"
    server_start
    check "where clients need a certificate the wish for one is life, with TLS $version" \
        says "healthy: :$PORT asks for a client certificate, as it should" health
    kill -STOP "$SERVER_PID"
    check "but not of a server that hangs" fails_saying "no answer in time" health --timeout 300ms
    kill -CONT "$SERVER_PID"
    server_stop
done

printf '  debug: {addr: "127.0.0.1:5001"}\n' >"$WORK/debug"
sed -i "/^http:/r $WORK/debug" "$WORK/config.yml"
server_start
check "with http.debug it is asked there instead" says "healthy: 127.0.0.1:5001 answers 200" health
server_stop

python3 -m http.server --bind 127.0.0.1 "$PORT" >/dev/null 2>&1 &
other=$!
cp "$WORK/plain.yml" "$WORK/config.yml"
eventually listening
check "another server on the port is no registry" \
    fails_saying "answers 404, but is no registry; what else listens there?" health
kill "$other"

# --- the checks of the section `health`
debug=http://127.0.0.1:5001
answers() { request_as "" GET "$debug$2" && status_is "$1"; }
registry_answers() { request_as "" GET "http://127.0.0.1:$PORT/v2/" && status_is "$1"; }
well() { answers 200 /readyz && answers 200 /debug/health && body_is '{}' && registry_answers 200; }
# failing NAME REASON: that check fails, for such a reason, and everybody is told.
failing() {
    answers 503 /readyz && answers 503 /debug/health && jq -e --arg name "$1" --arg reason "$2" '.[$name] | contains($reason)' "$BODY" &&
        answers 200 /livez && registry_answers 503 && error_is 503 UNAVAILABLE && fails_saying "answers 503" health
}

mkdir "$WORK/site"
http() { python3 -m http.server --bind 127.0.0.1 --directory "$WORK/site" 5002 >/dev/null 2>&1 & other=$!; }
http
server_config tls=no auth=no extra="health:
  storagedriver: {enabled: true, interval: 100ms, threshold: 2}
  file: [{file: $WORK/maintenance, interval: 100ms}]
  http: [{uri: 'http://127.0.0.1:5002/', interval: 100ms, timeout: 2s}]
  tcp: [{addr: '127.0.0.1:5002', interval: 100ms, threshold: 2}]
"
server_start env REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5001
check "a server whose checks are well is ready" eventually well
log_mark
touch "$WORK/maintenance"
check "a file that says no is seen" eventually failing "$WORK/maintenance" "file exists"
rm "$WORK/maintenance"
check "and that it is gone" eventually well
check "each of both is logged once" eventually log_says "health: $WORK/maintenance: well again"
check "with what follows from it" [ "$(grep -c "health: $WORK/maintenance: file exists; requests get 503 until that is well again" "$LOG")" = 1 ]
kill "$other" && wait "$other" 2>/dev/null
check "a web server that is needed is missed" eventually failing http://127.0.0.1:5002/ "127.0.0.1"
check "an address that is needed, too" eventually failing 127.0.0.1:5002 "Connection refused"
http
check "until it is there again" eventually well
mv "$WORK/site" "$WORK/moved"
check "another answer than is wanted is no good one" eventually failing http://127.0.0.1:5002/ "answers 404, not 200"
mv "$WORK/moved" "$WORK/site"
check "and the right one is" eventually well
printf 'a blob' >"$WORK/blob"
blob_push_plain() { request_as "" POST "http://127.0.0.1:$PORT/v2/a/blobs/uploads/?digest=$(digest_of "$WORK/blob")" --data-binary "@$WORK/blob" && status_is "$1"; }
check "a push while all is well" blob_push_plain 201
rm "$WORK/data/health-check" && chmod a-w "$WORK/data"
check "a disk that refuses is seen" eventually failing storagedriver_filesystem "Permission denied"
chmod u+w "$WORK/data"
check "and that it takes again" eventually well
check "read-only it is looked at only" "$BUILD/berth" ctl read-only on --config "$WORK/config.yml"
rm "$WORK/data/health-check" && chmod a-w "$WORK/data"
sleep 0.5
check "and that is well" well
chmod u+w "$WORK/data"
check "drained a server lives, and is not ready" "$BUILD/berth" ctl drain --config "$WORK/config.yml"
check "/readyz says so" answers 503 /readyz
check "in a word" body_is draining
check "/livez does not mind" answers 200 /livez
check "nor does berth health" health
check "ready again" "$BUILD/berth" ctl undrain --config "$WORK/config.yml"
check "/readyz says that, too" answers 200 /readyz
kill "$other" && wait "$other" 2>/dev/null
server_stop

mkdir "$WORK/small" && mount -t tmpfs -o size=20m tmpfs "$WORK/small"
server_config tls=no auth=no
server_start env REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5001 REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$WORK/small/data" \
    REGISTRY_STORAGE_FILESYSTEM_RESERVE=1MiB \
    REGISTRY_HEALTH_STORAGEDRIVER_ENABLED=true REGISTRY_HEALTH_STORAGEDRIVER_INTERVAL=100ms REGISTRY_HEALTH_STORAGEDRIVER_THRESHOLD=1
check "a push to a small disk" blob_push_plain 201
fill() { ! dd if=/dev/zero of="$WORK/small/filler" bs=64k 2>/dev/null; }
check "which is full then" fill
printf 'another blob' >"$WORK/blob"
check "a full disk refuses pushes" blob_push_plain 500
sleep 0.5
check "and is well otherwise: what is there can be pulled" well
server_stop
umount -l "$WORK/small"

server_config tls=no addr=127.0.0.1:0
check "a port that the kernel chooses cannot be asked" \
    fails_saying "http.addr names no port to ask at; give it one, or set http.debug.addr" health
finish
