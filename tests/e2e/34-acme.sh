#!/bin/bash
# Goal: a certificate from an ACME authority, and its renewal, without stopping Berth: acme-tiny writes challenges into
# the webroot, Pebble (Let's Encrypt's test authority) fetches them from port 80 by the registry's name, and the new
# files are taken up while clients push and pull. Nothing is certified without a challenge.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup || exit 1

WEBROOT=$WORK/webroot
CHALLENGES=$WEBROOT/.well-known/acme-challenge
LIVE=$WORK/live
AUTHORITY=https://acme.test:14000
mkdir -p "$CHALLENGES" "$LIVE" "$WORK/acme"
echo '127.0.0.1 acme.test' >>"$WORK/hosts"

# --- the authority ----------------------------------------------------------------------------------------

# Its own HTTPS is certified by our private CA. It hands out certificates of a root that it makes at every start.
"$BUILD/berth-ca" init --dir "$WORK/acme/ca" >/dev/null || exit 1
"$BUILD/berth-ca" server --dir "$WORK/acme/ca" acme.test >/dev/null || exit 1
cat >"$WORK/acme/pebble.json" <<JSON
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
 "certificate": "$WORK/acme/ca/server.crt", "privateKey": "$WORK/acme/ca/server.key",
 "httpPort": 80, "tlsPort": 5001, "ocspResponderURL": "", "externalAccountBindingRequired": false}}
JSON
# It waits neither before it validates nor does it reject good nonces, both of which it otherwise does to try its clients.
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config "$WORK/acme/pebble.json" >"$WORK/acme/pebble.log" 2>&1 &
authority_up() { curl -sS --cacert "$WORK/acme/ca/ca.crt" "$AUTHORITY/dir"; }
root_of_authority() { curl -sS --cacert "$WORK/acme/ca/ca.crt" https://acme.test:15000/roots/0 -o "$WORK/acme/root.pem" && openssl x509 -noout -in "$WORK/acme/root.pem"; }
check "the authority starts" eventually authority_up
check "and tells its root" root_of_authority

# --- the client, as its manual says -----------------------------------------------------------------------

openssl genrsa -out "$WORK/acme/account.key" 2048 2>/dev/null
# obtain NAME [acme-tiny's options]: a key and a certificate for the registry's name, in $WORK/acme/NAME.{key,crt}.
obtain() {
    local base=$WORK/acme/$1
    shift
    openssl req -new -newkey rsa:2048 -nodes -keyout "$base.key" -subj / -addext "subjectAltName=DNS:$NAME" -out "$base.csr" 2>/dev/null &&
        SSL_CERT_FILE=$WORK/acme/ca/ca.crt acme-tiny --account-key "$WORK/acme/account.key" --csr "$base.csr" --acme-dir "$CHALLENGES" \
            --directory-url "$AUTHORITY/dir" "$@" >"$base.crt"
}
# deploy NAME: what a client's hook does: each file is moved into place, so that it is never half there.
deploy() {
    local kind
    for kind in key crt; do
        cp "$WORK/acme/$1.$kind" "$LIVE/next" && mv "$LIVE/next" "$LIVE/server.$kind" || return 1
    done
}
serial_of() { openssl x509 -noout -serial -in "$1"; }
served() { openssl s_client -connect "$REG" -servername "$NAME" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
serves() { [[ $(served) == "$(serial_of "$1")" ]]; }
trusted() { curl -sS --cacert "$WORK/acme/root.pem" --user "$ALICE:$ALICE_PASSWORD" "https://$REG/v2/" && serves "$WORK/acme/$1.crt"; }

# --- the first certificate --------------------------------------------------------------------------------

cp "$TLS_DIR/server.crt" "$TLS_DIR/server.key" "$LIVE" # Berth's own CA's, until there is another
server_config
sed -i "s,$TLS_DIR/server,$LIVE/server,; s,^http:,http:\n  acme:\n    addr: \":80\"\n    webroot: $WEBROOT," "$WORK/config.yml"
check "the server starts with a webroot" server_start env REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5002 REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED=true
request GET "http://$NAME/v2/"
check "port 80 sends clients to https" header_is Location "https://$REG/v2/"
check "curl follows it to the registry" says '{}' curl -sSL --cacert "$CA" --user "$ALICE:$ALICE_PASSWORD" --location-trusted "http://$NAME/v2/"
request GET "http://[2001:db8::5]/v2/"
check "on IPv6 too" header_is Location "https://[2001:db8::5]:$PORT/v2/"
mkdir "$WORK/elsewhere"
check "without a challenge the authority certifies nothing" fails_saying 'challenge did not pass' obtain stray --disable-check --acme-dir "$WORK/elsewhere"
log_mark
check "the client gets a certificate" obtain first
check "the authority fetched the challenge from Berth" log_says 'ACME challenge [A-Za-z0-9_-]+ served to '
check "nothing is left in the webroot" test -z "$(ls "$CHALLENGES")"
log_mark
check "its files are moved into place" deploy first
check "the new certificate is served within two seconds" within 2500 trusted first
# tells_end FILE: the metrics say when that certificate ends.
tells_end() {
    local told
    told=$(curl -sS http://127.0.0.1:5002/metrics | sed -n 's/^berth_certificate_expiry_timestamp_seconds{certificate="server"} //p')
    echo "told: $told"
    [[ $told == "$(date -d "$(openssl x509 -noout -enddate -in "$1" | cut -d= -f2)" +%s)" ]]
}
check "the metrics tell when it ends" tells_end "$WORK/acme/first.crt"
check "and not those of the one before" fails tells_end "$TLS_DIR/server.crt"

# --- renewal under load -----------------------------------------------------------------------------------

cat "$CA" "$WORK/acme/root.pem" >"$WORK/both.pem"
# Requests on connections of their own, each of which must pass, until the file "enough" is there.
load() {
    local good=0
    while [[ ! -e $WORK/enough ]]; do
        head -c 5000 /dev/urandom >"$WORK/load.$1"
        curl -sS --fail --cacert "$WORK/both.pem" --user "$ALICE:$ALICE_PASSWORD" -X POST --data-binary "@$WORK/load.$1" -H 'Content-Type: application/octet-stream' \
            "https://$REG/v2/load/r$1/blobs/uploads/?digest=$(digest_of "$WORK/load.$1")" -o /dev/null || return 1
        curl -sS --fail --cacert "$WORK/both.pem" --user "$ALICE:$ALICE_PASSWORD" "https://$REG/v2/load/r$1/blobs/$(digest_of "$WORK/load.$1")" |
            cmp - "$WORK/load.$1" || return 1
        good=$((good + 1))
        echo $good >"$WORK/good.$1"
    done
    ((good > 0))
}
loads=()
for i in 1 2; do
    load $i >"$WORK/load.$i.log" 2>&1 &
    loads+=($!)
done
under_way() { [[ -s $WORK/good.1 && -s $WORK/good.2 ]]; }
check "clients push and pull" eventually under_way
for round in second third; do
    check "the $round certificate is obtained" obtain $round
    check "the $round certificate is moved into place" deploy $round
    check "the $round certificate is served within two seconds" within 2500 trusted $round
done
touch "$WORK/enough"
for i in 1 2; do
    check "no push and no pull of client $i failed meanwhile" wait "${loads[i - 1]}"
done
check "the server was never restarted" server_running
check "and complained about nothing" fails log_says 'level=error'

# --- clients that make the folders below the webroot themselves, as certbot and lego do --------------------

rm -r "$WEBROOT/.well-known"
check "without the folders there is no challenge" fails curl -sS --fail "http://$NAME/.well-known/acme-challenge/x"
mkdir -p "$CHALLENGES"
check "folders that a client makes are found" obtain fourth
check "it stops" server_stop
finish
