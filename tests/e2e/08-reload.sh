#!/bin/bash
# Goal: a new certificate is served within two seconds, or at once on SIGHUP, without a restart and without harm to
# connections that are open; files that do not fit leave the old certificate in force and are complained about.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1

CERTIFICATE=$TLS_DIR/server.crt
KEY=$TLS_DIR/server.key
issue() { "$BUILD/berth-ca" server --force --dir "$TLS_DIR" "$NAME" >/dev/null; }
serial_of() { openssl x509 -noout -serial -in "$1"; }
served() { openssl s_client -connect "$REG" -servername "$NAME" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
# serves FILE: a new connection gets that certificate.
serves() { [[ $(served) == "$(serial_of "$1")" ]]; }
differ() { [[ $(serial_of "$1") != "$(serial_of "$2")" ]]; }
answers() { request GET /v2/ && status_is 200; }

# One connection for the whole scenario. Descriptors of our own: bash forgets those of a coprocess that ends.
coproc KEPT { openssl s_client -quiet -connect "$REG" -CAfile "$CA" -verify_return_error 2>/dev/null; }
exec {to}>&"${KEPT[1]}" {from}<&"${KEPT[0]}"
ask_kept() {
    printf 'GET /v2/ HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n\r\n' "$REG" \
        "$(printf '%s:%s' "$ALICE" "$ALICE_PASSWORD" | base64)" >&"$to"
}
read_kept() { IFS= read -r -t "$PATIENCE" -u "$from" "$@"; }
kept_answers() {
    local line='' status body
    (ask_kept) || return 1 # a closed pipe kills only the subshell
    read_kept status || return 1
    while [[ $line != $'\r' ]]; do
        read_kept line || return 1
    done
    read_kept -N 2 body
    [[ $status == 'HTTP/1.1 200 '* && $body == '{}' ]]
}
check "a connection is opened and answered" kept_answers
check "the certificate is served" serves "$CERTIFICATE"

cp "$CERTIFICATE" "$WORK/first.crt"
check "a new certificate is issued" issue
check "it is another" differ "$CERTIFICATE" "$WORK/first.crt"
check "and is served within two seconds" within 2500 serves "$CERTIFICATE"
check "requests go on" answers
check "and so does the connection from before" kept_answers

# Files that stat(2) cannot tell from those before them (same inode, size and time) are found by SIGHUP only. The server is
# halted meanwhile, lest it looks in between.
padded() { head -c 8192 <(cat "$1" && yes '' 2>/dev/null); }
replace_unseen() {
    local file when
    for file; do
        when=$(stat -c %y "$file")
        cat "$WORK/next/${file##*/}" >"$file"
        touch -d "$when" "$file"
    done
}
mkdir "$WORK/now" "$WORK/next"
for folder in now next; do
    issue
    for file in "$CERTIFICATE" "$KEY"; do padded "$file" >"$WORK/$folder/${file##*/}"; done
done
cp "$WORK"/now/* "$TLS_DIR"
check "a certificate with blank lines after it is served" eventually serves "$WORK/now/server.crt"
sleep 4 # what was written last has been seen, and is old enough to be told apart
kill -STOP "$SERVER_PID"
replace_unseen "$CERTIFICATE" "$KEY"
kill -CONT "$SERVER_PID"
sleep 2
check "one that looks like the one before is not noticed" serves "$WORK/now/server.crt"
kill -HUP "$SERVER_PID"
check "but SIGHUP takes it up at once" within $((PATIENCE * 100)) serves "$WORK/next/server.crt"
check "requests go on" answers
check "and so does the connection from before" kept_answers

# refused "sentence" REGEX: with the files as they are now, which is logged as an error, the old certificate is served.
refused() {
    check "$1: an error is logged" eventually log_says "level=error .*the old one stays in force: .*$2"
    check "$1: the old certificate is served" serves "$WORK/good/server.crt"
    check "$1: the same after SIGHUP" refused_again "$2"
    check "$1: requests go on" answers
}
refused_again() {
    log_mark
    kill -HUP "$SERVER_PID"
    eventually log_says "level=error .*$1" && serves "$WORK/good/server.crt"
}
mkdir "$WORK/good"
issue
cp "$CERTIFICATE" "$KEY" "$WORK/good"
check "a good certificate is served" eventually serves "$WORK/good/server.crt"

log_mark
head -c 500 "$WORK/good/server.crt" >"$CERTIFICATE"
refused "a half-written certificate" "$CERTIFICATE: "
log_mark
cp "$WORK/good/server.crt" "$CERTIFICATE"
cat "$TLS_DIR/ca.key" >"$KEY"
refused "a key of another certificate" "$KEY: key values mismatch"
log_mark
rm "$KEY"
refused "a key that is gone" "$KEY: No such file"
cp "$WORK/good/server.key" "$KEY"
log_mark
rm "$CERTIFICATE"
refused "a certificate that is gone" "$CERTIFICATE: No such file"
check "the connection from before goes on through all that" kept_answers

check "a good certificate is issued again" issue
check "it is another" differ "$CERTIFICATE" "$WORK/good/server.crt"
check "and is taken up within two seconds" within 2500 serves "$CERTIFICATE"
check "the certificate is good for the name" answers
check "the connection from before goes on" kept_answers
finish
