#!/bin/bash
# Goal: what TLS alone decides about client certificates: who gets in under each http.tls.clientauth, that files of
# authorities and revocation lists are followed, and that neither a resumed session nor a connection that is open
# outlives what it was let in for.
. "$(dirname "$0")/lib.sh"
server_setup && server_config auth=no || exit 1

# --- authorities, certificates and revocation lists, made by openssl alone
PKI=$WORK/pki
CRL=$PKI/list.pem
CLIENT=extendedKeyUsage=clientAuth
mkdir "$PKI"

# authority NAME [ISSUER]
authority() {
    local dir=$PKI/$1.d
    mkdir "$dir" && : >"$dir/index.txt" && echo 1000 >"$dir/serial" && echo 01 >"$dir/crlnumber"
    cat >"$dir/ca.cnf" <<END
[ca]
default_ca = this
[this]
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir
certificate = $PKI/$1.crt
private_key = $PKI/$1.key
default_md = sha256
default_days = 30
default_crl_days = 30
unique_subject = no
policy = any
[any]
commonName = supplied
END
    if [[ -n ${2-} ]]; then
        issue "$2" "$1" $'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign'
    else
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$PKI/$1.key" -out "$PKI/$1.crt" -days 30 \
            -subj "/CN=$1" -addext keyUsage=keyCertSign,cRLSign 2>>"$WORK/openssl.log"
    fi
}
# issue AUTHORITY NAME EXTENSIONS [arguments of openssl ca]
issue() {
    local authority=$1 name=$2 extensions=$3
    shift 3
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$PKI/$name.key" -subj "/CN=$name" \
        -out "$PKI/$name.csr" 2>>"$WORK/openssl.log" &&
        openssl ca -batch -config "$PKI/$authority.d/ca.cnf" -notext -in "$PKI/$name.csr" -out "$PKI/$name.crt" \
            -extfile <(printf '%s\n' "$extensions") "$@" 2>>"$WORK/openssl.log"
}
revoke() { openssl ca -config "$PKI/$1.d/ca.cnf" -revoke "$PKI/$2.crt" 2>>"$WORK/openssl.log"; }
list() { openssl ca -config "$PKI/$1.d/ca.cnf" -gencrl 2>>"$WORK/openssl.log"; }
# The list of both authorities, in place at once.
publish() { { list root && list middle; } >"$CRL.new" && mv "$CRL.new" "$CRL"; }
moment() { date -u -d "$1" +%Y%m%d%H%M%SZ; }

make_all() {
    authority root && authority middle root && authority other || return 1
    for name in alice bob carol; do issue root "$name" "$CLIENT" || return 1; done
    issue middle dora "$CLIENT" && cat "$PKI/middle.crt" >>"$PKI/dora.crt" &&
        issue middle alone "$CLIENT" &&
        issue other mallory "$CLIENT" &&
        issue root expired "$CLIENT" -startdate 20200101000000Z -enddate 20210101000000Z &&
        issue root early "$CLIENT" -startdate "$(moment '+2 days')" &&
        issue root machine extendedKeyUsage=serverAuth &&
        issue root plain keyUsage=digitalSignature &&
        issue root local4 "$CLIENT"$'\nsubjectAltName=DNS:host,IP:127.0.0.1,IP:2001:db8::5' &&
        publish
}
make_all || { cat "$WORK/openssl.log"; exit 1; }

# --- asking
# ask NAME [curl arguments]: with that certificate; "-" shows none.
ask() {
    local certificate=(--cert "$PKI/$1.crt" --key "$PKI/$1.key")
    [[ $1 != - ]] || certificate=()
    shift
    request_as '' GET /v2/ "${certificate[@]}" "$@"
}
served() { ask "$@" && status_is 200 && body_is '{}'; }
# answered NAME …: whatever the answer, for who may do what is not decided by TLS.
answered() {
    ask "$@"
    [[ $STATUS =~ ^[2-4] ]] || { show_answer; return 1; }
}
# refused ALERT NAME [curl arguments]: no answer but that alert, which the log explains.
refused() {
    local alert=$1
    shift
    ask "$@"
    [[ $STATUS == 000 ]] || { show_answer; return 1; }
    grep -i "alert $alert" "$WORK/curl.err" || { show_answer; return 1; }
}
# restart MODE [VARIABLE=VALUE…]
restart() {
    local mode=$1
    shift
    server_stop
    server_start env REGISTRY_HTTP_TLS_CLIENTCAS_0="$PKI/root.crt" REGISTRY_HTTP_TLS_CLIENTAUTH="$mode" "$@"
}
refuses_to_start() {
    local text=$1
    shift
    fails_saying "$text" timeout "$PATIENCE" env "$@" "$BUILD/berth" serve "$WORK/config.yml"
}

# --- the default: require-and-verify-client-cert
SERVER_PID=
server_start env REGISTRY_HTTP_TLS_CLIENTCAS_0="$PKI/root.crt" REGISTRY_HTTP_TLS_CLIENTCRLS_0="$CRL" || exit 1
log_mark
check "no certificate, no answer" refused 'certificate required' -
check "and the log says why" eventually log_says 'level=info .*client certificate refused: none was shown \(from 192.0.2.1\)'
check "the same under TLS 1.2" refused 'handshake failure' - --tls-max 1.2
check "a certificate of the authority is served" served alice
check "also under TLS 1.2" served alice --tls-max 1.2
check "and over IPv6" served alice --connect-to "::[::1]:"
check "one of an intermediate authority is served with the chain" served dora
check "and refused without it" refused 'unknown ca' alone
log_mark
check "one of another authority is refused" refused 'unknown ca' mallory
check "and the log says why" eventually log_says 'client certificate refused: of an unknown authority \(from 192.0.2.1, serial 1000\)'
log_mark
check "one that has expired is refused" refused 'certificate expired' expired
check "and the log says why" eventually log_says 'client certificate refused: expired'
check "one that is not valid yet is refused" refused 'bad certificate' early
log_mark
check "one for servers is refused" refused 'unsupported certificate' machine
check "and the log says why" eventually log_says 'client certificate refused: not for client authentication'
check "one that does not say what it is for is refused" refused 'unsupported certificate' plain
check "the key of another certificate does not help" fails_saying 'key values mismatch' openssl s_client \
    -connect "$REG" -cert "$PKI/alice.crt" -key "$PKI/bob.key"

check "one bound to addresses is served from an IPv4 address that it names" served local4 --interface 127.0.0.1 --connect-to ::127.0.0.1:
check "and from an IPv6 address that it names" served local4 --interface 2001:db8::5 --connect-to '::[2001:db8::5]:'
log_mark
check "and refused from another IPv4 address" refused 'bad certificate' local4 --interface 192.0.2.1
check "and the log says why" eventually log_says 'client certificate refused: bound to other addresses \(from 192.0.2.1'
check "and from another IPv6 address" refused 'bad certificate' local4 --interface ::1 --connect-to '::[::1]:'

# The names of authorities let a client choose among its certificates.
offers() { openssl s_client -connect "$REG" -cert "$PKI/alice.crt" -key "$PKI/alice.key" </dev/null 2>/dev/null | grep -A2 'Acceptable client certificate CA names'; }
check "clients are told which authority is trusted" says 'CN = root' offers

# --- sessions
# session VERSION FILE NAME [arguments]: one request; its session goes to FILE, or is taken from it if it is there.
session() {
    local version=$1 file=$2 name=$3 more=()
    shift 3
    [[ ! -f $file ]] || more=(-sess_in "$file")
    [[ $name == - ]] || more+=(-cert "$PKI/${name%+*}.crt" -key "$PKI/${name%+*}.key" -cert_chain "$PKI/${name%+*}.crt")
    printf 'GET /v2/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$REG" |
        openssl s_client -connect "$REG" "-$version" -ign_eof -CAfile "$CA" -sess_out "$file.out" "${more[@]}" "$@" 2>&1
}
is_new() { says 'New, TLSv' session "$@" && grep -q 'HTTP/1.1 200' "$WORK/said"; }
is_resumed() { says 'Reused, TLSv' session "$@" && grep -q 'HTTP/1.1 200' "$WORK/said"; }
# neither ALERT …: neither resumed nor served, but told why.
neither() {
    local alert=$1
    shift
    session "$@" >"$WORK/said"
    cat "$WORK/said"
    fails grep -q -e Reused -e 'HTTP/1.1 200' "$WORK/said" && grep -q "alert $alert" "$WORK/said"
}
keep() { mv "$1.out" "$1"; }

for version in tls1_2 tls1_3; do
    check "$version: a session begins" is_new $version "$WORK/$version.alice" alice
    keep "$WORK/$version.alice"
    check "$version: it is resumed without showing the certificate again" is_resumed $version "$WORK/$version.alice" -
    check "$version: a session with a chain begins" is_new $version "$WORK/$version.dora" dora
    keep "$WORK/$version.dora"
    check "$version: it is resumed" is_resumed $version "$WORK/$version.dora" -
    check "$version: a session bound to an address begins" is_new $version "$WORK/$version.local4" local4 -connect 127.0.0.1:$PORT
    keep "$WORK/$version.local4"
    check "$version: it is resumed from that address" is_resumed $version "$WORK/$version.local4" local4 -connect 127.0.0.1:$PORT
    check "$version: and not from another" neither 'bad certificate' $version "$WORK/$version.local4" local4
done

# --- connections that are open
# open_kept NAME: one connection, at descriptors $to and $from.
open_kept() {
    coproc KEPT { exec openssl s_client -quiet -connect "$REG" -CAfile "$CA" -cert "$PKI/$1.crt" -key "$PKI/$1.key" -cert_chain "$PKI/$1.crt" 2>/dev/null; }
    exec {to}>&"${KEPT[1]}" {from}<&"${KEPT[0]}"
}
close_kept() { exec {to}>&- {from}<&-; }
read_kept() { IFS= read -r -t "$PATIENCE" -u "$from" "$@"; }
# kept_says STATUS TEXT: the next request on it is answered so.
kept_says() {
    local line='' status body length=0
    (printf 'GET /v2/ HTTP/1.1\r\nHost: %s\r\n\r\n' "$REG" >&"$to") || return 1
    read_kept status || return 1
    while [[ $line != $'\r' ]]; do
        read_kept line || return 1
        [[ ${line,,} != content-length:* ]] || length=$(tr -dc 0-9 <<<"$line")
    done
    read_kept -N "$length" body
    echo "$status $body"
    [[ $status == "HTTP/1.1 $1 "* && $body == *"$2"* ]]
}

open_kept bob
check "a connection is opened and answered" kept_says 200 '{}'
log_mark
check "its certificate is revoked" revoke root bob
check "in a list that is put in place" publish
check "and within two seconds its requests are refused" within 2500 kept_says 403 'client certificate refused: revoked'
check "and the log says why" eventually log_says 'client certificate refused: revoked \(from 192.0.2.1, serial'
check "and it is closed" fails read_kept -n 1 rest
close_kept
check "no new connection comes in with it" refused 'certificate revoked' bob
check "nor under TLS 1.2" refused 'certificate revoked' bob --tls-max 1.2
check "others are served" served alice
for version in tls1_2 tls1_3; do
    check "$version: sessions of others go on, by a new handshake" is_new $version "$WORK/$version.alice" alice
done

open_kept dora
check "a connection with a chain is opened and answered" kept_says 200 '{}'
for version in tls1_2 tls1_3; do
    rm -f "$WORK/$version.dora"
    check "$version: and a session" is_new $version "$WORK/$version.dora" dora
    keep "$WORK/$version.dora"
done
check "the intermediate authority is revoked" revoke root middle
check "in a list that is put in place" publish
check "and within two seconds the connection's requests are refused" within 2500 kept_says 403 revoked
close_kept
for version in tls1_2 tls1_3; do
    check "$version: its session is not resumed" neither 'certificate revoked' $version "$WORK/$version.dora" dora
done

issue root brief "$CLIENT" -startdate "$(moment '-1 hour')" -enddate "$(moment '+6 seconds')"
open_kept brief
check "a connection with a certificate that is about to expire is answered" kept_says 200 '{}'
rm -f "$WORK"/brief*
check "and a session begins" is_new tls1_3 "$WORK/brief" brief
keep "$WORK/brief"
check "and is resumed" is_resumed tls1_3 "$WORK/brief" -
check "once it has expired, its requests are refused" within 8500 kept_says 403 'refused: expired'
check "and its session is not resumed" neither 'certificate expired' tls1_3 "$WORK/brief" brief
close_kept

# --- files that change
log_mark
head -c 300 "$PKI/root.crt" >"$WORK/half.crt"
cp "$PKI/root.crt" "$WORK/root.crt"
cat "$WORK/half.crt" >"$PKI/root.crt"
check "a half-written authority is complained about" eventually log_says "level=error .*the old ones stay in force: http.tls.clientcas $PKI/root.crt: "
check "and the old one stays in force" served alice
check "for the others, too" refused 'unknown ca' mallory
sleep 2.5
check "it is complained about once" [ "$(grep -c 'authorities of client certificates not reloaded' "$LOG")" = 1 ]
log_mark
: >"$PKI/root.crt"
check "an empty one likewise" eventually log_says "level=error .*$PKI/root.crt: holds no certificate"
check "and the old one stays in force" served alice
log_mark
cat "$PKI/root.crt" "$PKI/other.crt" "$WORK/root.crt" >"$PKI/root.crt.new"
mv "$PKI/root.crt.new" "$PKI/root.crt"
check "a second authority in the file is taken up within two seconds" within 2500 served mallory
check "beside the first" served alice
open_kept mallory
check "a connection under it is opened and answered" kept_says 200 '{}'
cp "$WORK/root.crt" "$PKI/root.crt"
check "once it is taken out, requests of that connection are refused" within 2500 kept_says 403 'of an unknown authority'
close_kept
check "and new connections" refused 'unknown ca' mallory
log_mark
list root | head -c 200 >"$CRL"
check "a half-written revocation list is complained about" eventually log_says "level=error .*http.tls.clientcrls $CRL: "
check "and the old one stays in force" refused 'certificate revoked' bob
check "without harm to others" served alice
publish
check "the next whole one is taken up, which says nothing of carol" eventually served carol
log_mark
cp "$TLS_DIR/server.crt" "$WORK/server.crt"
echo broken >"$TLS_DIR/server.crt"
check "a broken certificate of the server is complained about" eventually log_says "level=error .*$TLS_DIR/server.crt: "
revoke root carol && publish
check "and does not keep a revocation from taking effect" within 2500 refused 'certificate revoked' carol
check "and others are served" served alice
cp "$WORK/server.crt" "$TLS_DIR/server.crt"

# --- the other modes
check "verify-client-cert-if-given starts" restart verify-client-cert-if-given REGISTRY_HTTP_TLS_CLIENTCRLS_0="$CRL"
check "no certificate is fine" answered -
check "a good one, too" served alice
check "a bad one is not" refused 'unknown ca' mallory
check "nor a revoked one" refused 'certificate revoked' bob
for version in tls1_2 tls1_3; do
    rm -f "$WORK/$version.alice"
    check "$version: a session with a certificate begins" is_new $version "$WORK/$version.alice" alice
    keep "$WORK/$version.alice"
    check "$version: it is resumed" is_resumed $version "$WORK/$version.alice" -
done
check "require-any-client-cert starts" restart require-any-client-cert
check "any certificate is fine" answered mallory
check "even one that has expired" answered expired
check "none is not" refused 'certificate required' -
check "request-client-cert starts" restart request-client-cert
check "any certificate is fine" answered mallory
check "none is fine, too" answered -
check "the server stops" server_stop

# --- what does not start
: >"$WORK/empty.pem"
check "an empty authority is refused at the start" refuses_to_start "http.tls.clientcas $WORK/empty.pem: holds no certificate" \
    REGISTRY_HTTP_TLS_CLIENTCAS_0="$WORK/empty.pem"
check "so is half of one" refuses_to_start "http.tls.clientcas $WORK/half.crt: " REGISTRY_HTTP_TLS_CLIENTCAS_0="$WORK/half.crt"
check "so is one that is not there" refuses_to_start "http.tls.clientcas: $WORK/absent.pem: No such file" \
    REGISTRY_HTTP_TLS_CLIENTCAS_0="$WORK/absent.pem"
check "so is an empty revocation list" refuses_to_start "http.tls.clientcrls $WORK/empty.pem: holds no revocation list" \
    REGISTRY_HTTP_TLS_CLIENTCAS_0="$PKI/root.crt" REGISTRY_HTTP_TLS_CLIENTCRLS_0="$WORK/empty.pem"
check "so is verification against nothing" refuses_to_start 'nothing to verify certificates against' \
    REGISTRY_HTTP_TLS_CLIENTAUTH=require-and-verify-client-cert
# A list that names an authority which did not sign it.
authority forged && sed -i "s/^certificate = .*/certificate = $(sed 's/\//\\\//g' <<<"$WORK/forged.crt")/" "$PKI/forged.d/ca.cnf"
openssl req -x509 -key "$PKI/forged.key" -subj /CN=root -out "$WORK/forged.crt" -days 3 2>/dev/null
list forged >"$WORK/forged.pem"
check "so is a revocation list that its authority did not sign" refuses_to_start 'is not signed by that authority' \
    REGISTRY_HTTP_TLS_CLIENTCAS_0="$PKI/root.crt" REGISTRY_HTTP_TLS_CLIENTCRLS_0="$WORK/forged.pem"
finish
