#!/bin/bash
# Is it healthy? `berth health` finds out whether the server that its configuration describes answers, in every form in
# which it may be served, and tells a server that hangs from one that lives.
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
server_config tls=no addr=[2001:db8::5]:$PORT
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

server_config tls=no addr=127.0.0.1:0
check "a port that the kernel chooses cannot be asked" \
    fails_saying "http.addr names no port to ask at; give it one, or set http.debug.addr" health
finish
