#!/bin/bash
# Goal: adding, changing and removing a user, a rule, an authority of client certificates, a revocation and the server's
# certificate holds within two seconds on a busy server; no request fails that should have passed, and none passes that
# began after the change was seen. The work is changes.py's.
. "$(dirname "$0")/lib.sh"
export REG CA WORK BUILD
ALICE_PASSWORD="alice's password"
server_setup || exit 1
printf '%s\n' "$ALICE_PASSWORD" | "$BUILD/berth-user" passwd "$ALICE" --file "$USERS" --password-stdin --algorithm bcrypt --cost 4 >/dev/null
mkdir "$WORK/next" && cp "$TLS_DIR"/server.* "$WORK/next" && cp -r "$TLS_DIR" "$WORK/second"
"$BUILD/berth-ca" server --force --dir "$WORK/second" "$NAME" >/dev/null && cp "$WORK"/second/server.* "$WORK/next" || exit 1
server_config extra="access: {file: $WORK/access.yml, throttle: {disabled: true}, certificates: {policy: either}}"

coproc CHANGES { python3 -B "$TESTS/e2e/changes.py" 2>&1; echo "exit $?"; }
exec {to}>&"${CHANGES[1]}" {from}<&"${CHANGES[0]}"
read -r -t 60 -u "$from" line
check "certificates, users and rules are made" [ "$line" = prepared ] || { cat <&"$from"; exit 1; }
check "the server starts" server_start env REGISTRY_HTTP_TLS_CLIENTCAS_0="$WORK/clients.pem" REGISTRY_HTTP_TLS_CLIENTCRLS_0="$WORK/revoked.pem" \
    REGISTRY_HTTP_TLS_CLIENTAUTH=verify-client-cert-if-given || exit 1
echo "the server runs" >&"$to"
cat <&"$from" >"$WORK/figures"
sed '$d' "$WORK/figures"
check "each change holds at once, and nothing else fails" [ "$(tail -n 1 "$WORK/figures")" = "exit 0" ]
check "nine changes were made" [ "$(grep -c ': in force after ' "$WORK/figures")" = 9 ]
check "the log has no error" fails grep -E 'level=error' "$LOG"
finish
