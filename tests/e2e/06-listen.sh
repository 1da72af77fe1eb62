#!/bin/bash
# Goal: where and how it listens: plain HTTP with a warning, a Unix socket, one address only, IPv6; what is wrong
# with a certificate or an address is said at start.
. "$(dirname "$0")/lib.sh"
server_setup || exit 1

server_config tls=no
check "without TLS the server starts" server_start
check "and warns about it" grep -qiE 'warn.*(tls|plain|encrypt)|(tls|plain|encrypt).*warn' "$LOG"
for host in 127.0.0.1 '[::1]' 192.0.2.1 '[2001:db8::5]'; do
    request GET "http://$host:$PORT/v2/"
    check "plain HTTP on $host" status_is 200
done
check "TLS on a plain port fails, it does not hang" exits 35 curl -sS --max-time 5 --cacert "$CA" "https://$REG/v2/"
check "it stops" server_stop

server_config tls=no net=unix addr="$WORK/berth.sock"
check "on a Unix socket the server starts" server_start
request GET http://localhost/v2/ --unix-socket "$WORK/berth.sock"
check "and answers" body_is '{}'
check "no TCP port is open" exits 7 curl -sS --max-time 5 "http://127.0.0.1:$PORT/v2/"
server_kill
check "a socket file left by a killed server is no obstacle" server_start
request GET http://localhost/v2/ --unix-socket "$WORK/berth.sock"
check "it answers again" body_is '{}'
check "it stops" server_stop

server_config addr="127.0.0.1:$PORT"
check "on one address the server starts" server_start
request GET "https://127.0.0.1:$PORT/v2/"
check "that address answers" status_is 200
check "another does not" exits 7 curl -sS --max-time 5 --cacert "$CA" "https://192.0.2.1:$PORT/v2/"
cp "$WORK/config.yml" "$WORK/same.yml"
sed -i "s,$WORK/data,$WORK/other," "$WORK/same.yml"
check "an address in use is said by name" fails_saying "127.0.0.1:$PORT" timeout 10 "$BUILD/berth" serve "$WORK/same.yml"
check "it stops" server_stop

server_config addr="[2001:db8::5]:$PORT"
"$BUILD/berth" serve "$WORK/config.yml" >>"$LOG" 2>&1 &
SERVER_PID=$!
on_ipv6() { request GET "https://[2001:db8::5]:$PORT/v2/" && status_is 200; }
check "on an IPv6 address the server answers" eventually on_ipv6
check "it stops" server_stop

# broken WHAT TEXT: with $WORK/config.yml as it stands the server refuses to start and says TEXT.
broken() { check "$1: refused with a reason" fails_saying "$2" timeout 10 "$BUILD/berth" serve "$WORK/config.yml"; }
server_config
sed -i 's/server.key/none.pem/' "$WORK/config.yml"
broken "a key that is not there" none.pem
server_config
sed -i 's/server.key/ca.key/' "$WORK/config.yml"
broken "a key that is not the certificate's" "$TLS_DIR/ca.key: key values mismatch"
server_config
: >"$WORK/empty.pem"
sed -i "s,$TLS_DIR/server.crt,$WORK/empty.pem," "$WORK/config.yml"
broken "a certificate file without a certificate" empty.pem
server_config addr=300.1.2.3:$PORT
broken "an address that is none" 300.1.2.3
finish
