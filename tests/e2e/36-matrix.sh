#!/bin/bash
# Goal: every route and method, asked by everybody: people with each right, strangers, guessers, and certificates of all
# kinds, under each access.certificates.policy. Who may not gets the status, code and challenge that he should, changes
# nothing, and cannot tell what is there from what is not. The work is matrix.py's.
# Time limit: 600
. "$(dirname "$0")/lib.sh"
export REG CA WORK
server_setup || exit 1
for name in alice reader writer deleter owner other far; do
    echo "$name,\"$name's password, long enough\""
done | "$BUILD/berth-user" import --file "$USERS" --update --algorithm bcrypt --cost 4 >/dev/null || exit 1
matrix() { python3 -B "$TESTS/e2e/matrix.py" "$@"; }
check "certificates and rules are made" matrix prepare || exit 1

# walk POLICY [open]: a server with that policy, and everything asked of it.
walk() {
    local policy=$1 rules=$WORK/rules${2:+-$2}.yml
    rm -rf "$WORK/data"
    if [[ $policy == certificates ]]; then
        server_config auth=no extra="access: {file: $rules}"
    else
        server_config extra="access: {file: $rules, throttle: {disabled: true}, certificates: {policy: $policy}}"
    fi
    server_start env REGISTRY_HTTP_TLS_CLIENTCAS_0="$WORK/authority-ours/ca.crt" REGISTRY_HTTP_TLS_CLIENTCRLS_0="$WORK/revoked.pem" \
        REGISTRY_HTTP_TLS_CLIENTAUTH=verify-client-cert-if-given || exit 1
    check "policy $*: everybody gets what he may have, and nothing else" matrix "$@"
    head -n 1 "$WORK/check.out"
    check "the server stops" server_stop
}
walk connection open
walk either
walk either open
walk both
walk certificates
finish
