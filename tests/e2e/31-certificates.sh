#!/bin/bash
# Goal: the authority's certificates from first to last, judged by other programs: servers and clients of every kind of key,
# renewal under a running server, revocation, requests to an authority elsewhere, and what "verify" says of good and bad
# servers.
. "$(dirname "$0")/lib.sh"

ca() { "$BUILD/berth-ca" "$@"; }
EC=$WORK/ec
RSA=$WORK/rsa
printf 'open sesame\n' >"$WORK/passphrase"
printf 'wrong\n' >"$WORK/wrong"
LOCKED=(--dir "$RSA" --passphrase-file "$WORK/passphrase")

# --- authorities and servers
check "an authority is made" ca init --dir "$EC" --name 'Lab CA'
check "a second time it is refused" exits 1 ca init --dir "$EC"
check "one with an RSA key under a passphrase is made" ca init "${LOCKED[@]}" --key rsa
check "its key is encrypted with AES" says 'aes-256-cbc' openssl asn1parse -in "$RSA/ca.key"
check "openssl opens it with the passphrase" openssl pkey -in "$RSA/ca.key" -passin "file:$WORK/passphrase" -noout
check "without the passphrase nothing is issued" fails_saying 'no terminal to ask on; use --passphrase-file' ca server --dir "$RSA" "$NAME"
check "nor with a wrong one" fails_saying "the passphrase is not the key's" ca server --dir "$RSA" --passphrase-file "$WORK/wrong" "$NAME"
check "with it a server is" ca server "${LOCKED[@]}" --key rsa-2048 "$NAME"
check "a server has names, a wildcard and addresses" ca server --dir "$EC" "$NAME" '*.lab.test' 192.0.2.1 2001:db8::5
check "another one goes beside it" ca server --dir "$EC" --out second other.test
check "a host that cannot be is a wrong command line" exits 2 ca server --dir "$EC" --out third 'not a host'
check "no authority is not found" exits 3 ca server --dir "$WORK/none" "$NAME"

# On a terminal the passphrase is asked for, twice when it is new.
typed() { python3 -B "$TESTS/e2e/typed.py" "$@"; }
check "on a terminal a new passphrase is typed twice" typed 'typed one' 'typed one' -- "$BUILD/berth-ca" init --dir "$WORK/typed" --passphrase
check "the key opens with it" openssl pkey -in "$WORK/typed/ca.key" -passin 'pass:typed one' -noout
check "it is asked for once to issue" typed 'typed one' -- "$BUILD/berth-ca" server --dir "$WORK/typed" "$NAME"
check "and must be right" fails_saying "the passphrase is not the key's" typed 'typed two' -- "$BUILD/berth-ca" server --force --dir "$WORK/typed" "$NAME"
check "two that differ make no authority" fails_saying 'differ' typed 'typed one' 'typed two' -- "$BUILD/berth-ca" init --dir "$WORK/differ" --passphrase
check "none at all" fails test -e "$WORK/differ/ca.key"

# --- what must not happen to it
check "it has an empty revocation list from the start" says 'No Revoked Certificates' openssl crl -in "$EC/crl.pem" -noout -text
own="this is the authority's own file"
cp "$EC/ca.key" "$WORK/ca.key.before"
check "a server is not written over it" fails_saying "$own" ca server --force --dir "$EC" --out "$EC/../ec/ca" "$NAME"
check "no request is made with its key" fails_saying "$own" ca csr --dir "$EC" --out "$EC/ca" "$NAME"
check "its key stays" cmp "$EC/ca.key" "$WORK/ca.key.before"
mkdir "$WORK/leaf" && cp "$EC/server.crt" "$WORK/leaf/ca.crt" && cp "$EC/server.key" "$WORK/leaf/ca.key"
check "a server's certificate is no authority" fails_saying "it is no authority's" ca client x --dir "$WORK/leaf"
check "a key that others can read is told of" says 'ca.key is open to others than its owner (mode 0644); "chmod 600' \
    bash -c "chmod 644 '$EC/ca.key'; '$BUILD/berth-ca' server --force --dir '$EC' --out told '$NAME'; chmod 600 '$EC/ca.key'"
chmod 644 "$EC/told.key"
check "one that replaces a key that everybody could read is told of" says 'told.key was open to everybody; its mode is 0600 now' ca server --force --dir "$EC" --out told "$NAME"
check "and is for its owner only" says 600 stat -c %a "$EC/told.key"
check "two sources of a passphrase are wrong usage" exits 2 ca server "${LOCKED[@]}" --passphrase-stdin "$NAME"
: >"$WORK/empty"
check "an empty passphrase is called one" fails_saying 'the passphrase is empty' ca server --dir "$RSA" --passphrase-file "$WORK/empty" "$NAME" --out fourth
check "a name that is no text is wrong usage" exits 2 ca client $'\xff' --dir "$EC"
check "and leaves no directory" fails test -e "$EC/clients"
check "neither is an organisation of two lines" exits 2 ca csr --dir "$EC" --out two-lines --organisation $'a\nb' "$NAME"
json_error() { (ca server --dir "$WORK/none" --json "$NAME" || true) | jq -r .error; }
check "programs are told what failed" says 'no usable authority' json_error
json_unreachable() { (ca verify "$NAME:9" --json || true) | jq -c '[.good, (.problem | length)]'; }
check "and that nobody is there" says '[false,1]' json_unreachable
wide() { "$BUILD/$1" --help | awk 'length($0) > 125 { exit 1 }'; }
check "help fits a screen" wide berth-ca
check "that of users, too" wide berth-user

strict() { openssl verify -x509_strict -purpose "$1" -CAfile "$2/ca.crt" "$3"; }
check "openssl accepts the server, strictly" strict sslserver "$EC" "$EC/server.crt"
check "and the RSA one" strict sslserver "$RSA" "$RSA/server.crt"
check "but not as a client" fails strict sslclient "$EC" "$EC/server.crt"
gnutls_accepts() { certtool --verify --load-ca-certificate "$1/ca.crt" --infile "$2"; }
check "so does GnuTLS" gnutls_accepts "$EC" "$EC/server.crt"
check "not under the other authority" fails gnutls_accepts "$RSA" "$EC/server.crt"

# --- clients
check "a client is issued, bound to an address" ca client alice --dir "$EC" --ip 192.0.2.1 --email alice@example.org --uri spiffe://lab/alice
ALICE_DIR=$EC/clients/alice
check "openssl accepts it as a client, strictly" strict sslclient "$EC" "$ALICE_DIR/client.cert"
check "but not as a server" fails strict sslserver "$EC" "$ALICE_DIR/client.cert"
check "its names are those asked for" says 'email:alice@example.org, URI:spiffe://lab/alice, IP Address:192.0.2.1' \
    openssl x509 -in "$ALICE_DIR/client.cert" -noout -ext subjectAltName
check "its key is for its owner only" says 600 stat -c %a "$ALICE_DIR/client.key"
check "a network is no address" exits 2 ca client bob --dir "$EC" --ip 10.0.0.0/8
ca client bob --dir "$EC" --pkcs12 --generate --json >"$WORK/bob.json"
p12_opens() { openssl pkcs12 -in "$EC/clients/bob/client.p12" -passin "pass:$1" -nodes -noout; }
check "PKCS #12 opens with the password that was made up" p12_opens "$(jq -r .password "$WORK/bob.json")"
check "and with no other" fails p12_opens "$(<"$WORK/wrong")"
check "a client of the other authority is issued" ca client mallory "${LOCKED[@]}" --key rsa-2048

# A server that wants a client's certificate, and says no to what it cannot verify.
openssl s_server -accept 4433 -cert "$EC/server.crt" -key "$EC/server.key" -cert_chain "$EC/server.crt" -CAfile "$EC/ca.crt" \
    -Verify 2 -verify_return_error -www >"$WORK/s_server.log" 2>&1 &
up() { (exec 3<>"/dev/tcp/192.0.2.1/$1") 2>/dev/null; }
check "a server of openssl that wants client certificates is up" eventually up 4433
with() { curl -sS --cacert "$EC/ca.crt" --cert "$1/client.cert" --key "$1/client.key" -o /dev/null "https://$NAME:4433/"; }
check "curl gets in with a client's certificate" with "$ALICE_DIR"
check "not with one of another authority" fails with "$RSA/clients/mallory"
check "not without" fails curl -sS --cacert "$EC/ca.crt" -o /dev/null "https://$NAME:4433/"
verify() { ca verify "$@"; }
AS_ALICE=(--client-cert "$ALICE_DIR/client.cert" --client-key "$ALICE_DIR/client.key")
check "verify says good with the certificate" verify "$NAME:4433" --dir "$EC" "${AS_ALICE[@]}"
check "without one it says what the server wants" fails_saying 'it wants a certificate (--client-cert, --client-key)' verify "$NAME:4433" --dir "$EC"

# --- revocation
crl_verify() { openssl verify -crl_check -CAfile "$EC/ca.crt" -CRLfile "$EC/crl.pem" "$1"; }
check "bob is revoked" says '1 certificate revoked' ca revoke bob --dir "$EC" --reason keyCompromise
check "openssl finds him in the list" fails_saying 'certificate revoked' crl_verify "$EC/clients/bob/client.cert"
check "alice is good" crl_verify "$ALICE_DIR/client.cert"
check "the server is good" crl_verify "$EC/server.crt"
check "revoking again changes nothing" says 'already revoked' ca revoke bob --dir "$EC"
check "alice is revoked by her file" ca revoke "$ALICE_DIR/client.cert" --dir "$EC"
check "and is in the list" fails_saying 'certificate revoked' crl_verify "$ALICE_DIR/client.cert"
check "who was never issued anything is not found" exits 3 ca revoke carol --dir "$EC"
states() { ca list --dir "$EC" --json | jq -r '[.[] | select(.kind == "client") | .name + " " + .state] | join(",")'; }
check "the list of what was issued says so" says 'alice revoked,bob revoked' states
check "a list that is due in a week can be had" ca crl --dir "$EC" --days 7
due() { local left; left=$(ca show "$EC/crl.pem" --json | jq .days_left) && ((left == 6 || left == 7)); }
check "and is due then" due

mv "$EC/issued" "$WORK/issued"
check "without its list of what was issued nothing is forgotten" fails_saying 'what was revoked since would be good again; restore' ca crl --dir "$EC"
check "the revocation list stays" fails_saying 'certificate revoked' crl_verify "$EC/clients/bob/client.cert"
mv "$WORK/issued" "$EC/issued"
mkfifo "$WORK/fifo"
check "a pipe is no certificate" fails_saying 'fifo: not a regular file' timeout 10 "$BUILD/berth-ca" revoke "$WORK/fifo" --dir "$EC"

# --- an authority elsewhere
in_work() { (cd "$WORK" && "$@"); }
check "a request is made" ca csr --dir "$EC" --out outside "$NAME" 192.0.2.1 --country DE --state Hessen --locality Fulda \
    --organisation 'Example GmbH' --unit IT --email it@example.org
check "openssl reads it" says 'C = DE, ST = Hessen, L = Fulda, O = Example GmbH, OU = IT, CN = registry.test, emailAddress = it@example.org' \
    openssl req -in "$EC/outside.csr" -noout -verify -subject
check "a root and an authority below it are made" in_work openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.crt -subj /CN=Root
in_work openssl req -new -newkey rsa:2048 -nodes -keyout middle.key -out middle.csr -subj /CN=Middle 2>/dev/null
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' >"$WORK/middle.ext"
printf 'subjectAltName=DNS:%s,IP:192.0.2.1\nextendedKeyUsage=serverAuth\n' "$NAME" >"$WORK/leaf.ext"
check "they sign" in_work openssl x509 -req -in middle.csr -CA root.crt -CAkey root.key -CAcreateserial -extfile middle.ext -out middle.crt
check "the request, too" in_work openssl x509 -req -in "$EC/outside.csr" -CA middle.crt -CAkey middle.key -CAcreateserial -extfile leaf.ext -days 20 -out answer.crt
check "an answer to another request is refused" fails_saying 'none of the certificates belongs to the key' ca import --dir "$EC" --out outside "$EC/server.crt"
check "the answer is taken, issuers in any order" ca import --dir "$EC" --out outside "$WORK/middle.crt" "$WORK/answer.crt"
order() { openssl crl2pkcs7 -nocrl -certfile "$EC/outside.crt" | openssl pkcs7 -print_certs -noout | sed -n 's/^subject=.*CN = \([^,]*\).*/\1/p' | xargs; }
check "it stands in front of its issuer" says "$NAME Middle" order
check "what another authority issued is not renewed here" fails_saying 'it was issued elsewhere' ca renew outside --dir "$EC"

# --- what a client would see
serve() { # serve PORT CERTIFICATE KEY [arguments]
    local port=$1 certificate=$2 key=$3
    shift 3
    openssl s_server -accept "$port" -cert "$certificate" -key "$key" -www "$@" >/dev/null 2>&1 &
    eventually up "$port"
}
check "servers with and without flaws are up" serve 4434 "$EC/outside.crt" "$EC/outside.key" -cert_chain "$EC/outside.crt"
check "one that leaves out its chain" serve 4435 "$WORK/answer.crt" "$EC/outside.key"
check "one with a client's certificate" serve 4436 "$ALICE_DIR/client.cert" "$ALICE_DIR/client.key"
in_work openssl x509 -req -in "$EC/outside.csr" -CA middle.crt -CAkey middle.key -extfile leaf.ext -days -1 -out late.crt 2>/dev/null
check "one that has expired" serve 4437 "$WORK/late.crt" "$EC/outside.key" -cert_chain "$WORK/middle.crt"
check "a good one is good" says 'good: yes' verify "$NAME:4434" --ca "$WORK/root.crt"
check "by its IPv4 address, too" verify 192.0.2.1:4434 --ca "$WORK/root.crt"
check "few days left are told on request" fails_saying 'problem: the certificate ends in ' verify "$NAME:4434" --ca "$WORK/root.crt" --days-left 30
check "an unknown authority is told" fails_saying 'neither sent by the server nor trusted here' verify "$NAME:4434" --ca "$EC/ca.crt"
check "an incomplete chain is told" fails_saying 'the chain is incomplete' verify "$NAME:4435" --ca "$WORK/root.crt"
check "a wrong name is told" fails_saying 'wrong name: the certificate does not cover localhost' verify localhost:4434 --ca "$WORK/root.crt"
check "a certificate that is no server's is told" fails_saying 'not meant for servers' verify "$NAME:4436" --dir "$EC"
check "an expired one is told" fails_saying 'has expired' verify "$NAME:4437" --ca "$WORK/root.crt"
check "and programs read the same" says 'false 2 registry.test' \
    bash -c "'$BUILD/berth-ca' verify localhost:4437 --ca '$WORK/root.crt' --json | jq -r '\"\\(.good) \\(.problem | length) \\(.certificate[0].host[0])\"'"
check "nobody there is a refusal" exits 1 verify "$NAME:9"
check "and so is a name that nobody has" fails_saying 'no-such-host.test: ' verify no-such-host.test:5000
check "an authority's file that is not there is not found" exits 3 verify "$NAME:4434" --ca "$WORK/none.crt"

# --- under a running server
server_setup && server_start || exit 1
serial_of() { openssl x509 -noout -serial -in "$1"; }
served() { openssl s_client -connect "$REG" -servername "$NAME" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
serves() { [[ $(served) == "$(serial_of "$TLS_DIR/server.crt")" ]]; }
answers() { request GET /v2/ && status_is 200; }
differ() { [[ $(serial_of "$1") != "$(serial_of "$2")" ]]; }
# What fails while the loop below runs would have failed for somebody.
ask_on() {
    while [[ ! -e $WORK/enough ]]; do
        curl -sS --cacert "$CA" --max-time 10 -o /dev/null -u "$ALICE:$ALICE_PASSWORD" "https://$REG/v2/" 2>>"$WORK/asked.errors" || echo failed >>"$WORK/asked.errors"
        echo asked >>"$WORK/asked"
    done
}
: >"$WORK/asked.errors"
ask_on &
ASKING=$!
check "Berth is what verify calls good" verify "$REG" --dir "$TLS_DIR"
check "on IPv6, too" verify '[2001:db8::5]:5000' --dir "$TLS_DIR"
cp "$TLS_DIR/server.crt" "$WORK/before.crt"
check "a fresh certificate is not renewed" says 'nothing to do: ' ca renew server --dir "$TLS_DIR"
check "and stays" cmp "$TLS_DIR/server.crt" "$WORK/before.crt"
check "one with too few days left is" says 'renewed: ' ca renew server --dir "$TLS_DIR" --days-left 825
check "it is another" differ "$TLS_DIR/server.crt" "$WORK/before.crt"
check "and served within two seconds" within 2500 serves
check "the one from before is kept under its date" cmp "$WORK/before.crt" "$TLS_DIR"/server.crt.20*
cp "$TLS_DIR/server.key" "$WORK/before.key"
check "with a new key it is renewed, too" says 'new key: ' ca renew "$TLS_DIR/server.crt" --dir "$TLS_DIR" --days-left 825 --new-key
check "the key is another, and the one from before is kept" fails cmp "$TLS_DIR/server.key" "$WORK/before.key"
check "under its date, for its owner only" says 600 stat -c %a "$TLS_DIR"/server.key.20*
check "and the new pair is served within two seconds" within 2500 serves
check "requests go on" answers
touch "$WORK/enough"
wait "$ASKING"
check "requests were made all the while" test "$(wc -l <"$WORK/asked")" -gt 10
check "and none has failed" fails test -s "$WORK/asked.errors"
finish
