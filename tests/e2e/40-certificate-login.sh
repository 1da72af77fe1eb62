#!/bin/bash
# Goal: machines log in with a certificate of Berth's own authority: Docker, Skopeo and curl, alone or together with a
# password, on one address only; a revoked one is out within two seconds, on connections that exist too. Uploads belong
# to the certificate that began them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
server_setup || exit 1
user_set add robot robots-password || exit 1
for name in robot builder bound; do
    ip=()
    [[ $name != bound ]] || ip=(--ip 192.0.2.1)
    check "berth-ca issues a certificate for $name" "$BUILD/berth-ca" client "$name" --dir "$TLS_DIR" "${ip[@]}"
done
"$BUILD/berth-ca" crl --dir "$TLS_DIR" >/dev/null
cp -r "$TLS_DIR/clients" "$WORK/clients"

# configure POLICY: certificates if given, passwords and rules.
configure() {
    server_config extra="access:
  certificates: {policy: $1}
  rules:
    - {subjects: [robot, alice]}
    - {subjects: ['certificate:builder'], repositories: [built/**]}
    - {subjects: ['certificate:robot', alice], repositories: [built/shared]}
    - {subjects: [bound], actions: [pull]}
"
    sed -i "s|^  tls:|  tls:\n    clientcas: [$TLS_DIR/ca.crt]\n    clientauth: ${2:-verify-client-cert-if-given}\n    clientcrls: [$TLS_DIR/crl.pem]|" "$WORK/config.yml"
}
by() {
    local name=$1
    shift
    request_as "$@" --cert "$WORK/clients/$name/client.cert" --key "$WORK/clients/$name/client.key"
}
answers() {
    local wanted=$1 name=$2
    shift 2
    by "$name" "$@" && status_is "$wanted"
}

# ---- either: the certificate is the login
configure either
check "the server starts" server_start
check "curl --cert is who the certificate names" answers 202 robot "" POST /v2/any/app/blobs/uploads/
check "a password is another way to be somebody" answers 202 builder "$ALICE:$ALICE_PASSWORD" POST /v2/any/app/blobs/uploads/
check "a wrong password is wrong with a good certificate, too" answers 401 robot robot:wrong GET /v2/
check "a rule for a certificate opens what it says" answers 202 builder "" POST /v2/built/app/blobs/uploads/
check "and no more" answers 403 builder "" POST /v2/any/app/blobs/uploads/
request_as "" GET /v2/
check "without a certificate a password is asked for" error_is 401 UNAUTHORIZED
check "a certificate bound to an address works from there" answers 200 bound "" GET /v2/ --interface 192.0.2.1
fails_from() { by bound "" GET "https://[2001:db8::5]:$PORT/v2/" && status_is 000; }
check "and from nowhere else" fails_from

check "a Docker daemon runs" start_dockerd || exit 1
trust_by_docker "$REG"
import_image hello:1 "hello from a machine" >/dev/null || exit 1
docker tag hello:1 "$REG/machines/hello"
check "docker push without certificate and login is refused" fails docker push "$REG/machines/hello"
cp "$WORK/clients/robot/client.cert" "$WORK/clients/robot/client.key" "/etc/docker/certs.d/$REG/"
check "docker push with the certificate needs no login" says 'digest: sha256:' docker push "$REG/machines/hello"
docker rmi -f "$REG/machines/hello" hello:1 >/dev/null
check "nor does docker run" says 'hello from a machine' docker run --rm --network none "$REG/machines/hello"
check "skopeo --cert-dir with the certificate" says '"Name"' skopeo inspect --cert-dir "/etc/docker/certs.d/$REG" "docker://$REG/machines/hello"

# ---- revoked while connections live
check "berth-ca takes it back" "$BUILD/berth-ca" revoke robot --dir "$TLS_DIR"
refused_now() { by robot "" GET /v2/; [[ $STATUS == 000 || $STATUS == 403 ]]; }
check "within two seconds it opens nothing" within 2000 refused_now
check "docker pull with it is refused" fails docker pull "$REG/machines/hello"
check "another goes on" answers 202 builder "" POST /v2/built/app/blobs/uploads/
check "the log says why" grep -q 'client certificate refused: revoked' "$LOG"
check "the server stops" server_stop

# ---- both: the password of the very user that the certificate names
"$BUILD/berth-ca" client robot --dir "$TLS_DIR" --force >/dev/null
cp -r "$TLS_DIR/clients/robot/." "$WORK/clients/robot/"
configure both require-and-verify-client-cert
check "the server starts with both" server_start
check "certificate and password of one user" answers 202 robot robot:robots-password POST /v2/any/app/blobs/uploads/
check "the certificate alone is asked for the password" answers 401 robot "" POST /v2/any/app/blobs/uploads/
check "the password of another user is refused" answers 403 robot "$ALICE:$ALICE_PASSWORD" GET /v2/
request GET /v2/
check "the password alone does not even connect" status_is 000
check "the server stops" server_stop

# ---- connection: distribution's meaning, and the default beside passwords
configure connection require-and-verify-client-cert
check "the server starts as registry:2 would" server_start
check "the certificate opens the connection, the password says who it is" answers 202 builder "$ALICE:$ALICE_PASSWORD" POST /v2/any/app/blobs/uploads/
check "the certificate alone is nobody" answers 401 robot "" GET /v2/

# ---- uploads of those who have nothing but a certificate
check "a rule for a certificate lets it push without a login" answers 202 builder "" POST /v2/built/shared/blobs/uploads/
UPLOAD=$(header Location)
printf 'built by a machine' >"$WORK/blob"
check "the upload is its own" answers 204 builder "" GET "$UPLOAD"
for method in GET PATCH DELETE; do
    check "another certificate with the same rights does not find it: $method" answers 404 robot "" "$method" "$UPLOAD"
done
check "nor does a user who comes with the very certificate" answers 404 builder "$ALICE:$ALICE_PASSWORD" DELETE "$UPLOAD"
check "nobody can finish it but its owner" answers 404 robot "" PUT "$(with "$UPLOAD" "digest=$(digest_of "$WORK/blob")")" --data-binary "@$WORK/blob"
check "who does" answers 201 builder "" PUT "$(with "$UPLOAD" "digest=$(digest_of "$WORK/blob")")" --data-binary "@$WORK/blob"
check "a user's upload" answers 202 builder "$ALICE:$ALICE_PASSWORD" POST /v2/built/shared/blobs/uploads/
check "is not his certificate's" answers 404 builder "" GET "$(header Location)"
finish
