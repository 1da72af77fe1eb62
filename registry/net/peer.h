/*
 * Who is at the other end of a connection: an address, and with client certificates a certificate.
 *
 * A certificate is judged in the handshake, when a session is resumed, and again by every request: once an authority,
 * a revocation list or the certificate's own time has changed, the next request on a connection that exists is judged
 * by the new state.
 *
 * Thread: the loop of the connection.
 */
#ifndef BERTH_NET_PEER_H
#define BERTH_NET_PEER_H

#include "auth/network.h"
#include "registry/base/err.h"
#include "registry/base/str.h"

struct client_certificate;
struct driven;

struct peer {
    char text[64]; /* the address for people, without a port; "-" on a Unix socket */
    uint16_t port; /* 0 on a Unix socket */
    struct network_address address;
    const char *tls_version; /* constant texts; NULL: plain HTTP */
    const char *tls_cipher;
    struct client_certificate *certificate; /* of the connection's TLS; NULL: none is asked for */
};

enum peer_certificate {
    PEER_WITHOUT,   /* no certificate, or one that nobody verified (request-client-cert, require-any-client-cert) */
    PEER_CERTIFIED, /* holds now */
    PEER_REFUSED,   /* held once, and no longer does: the request must not be served */
};

/* Fill in text and address of a connected socket; a failure leaves "-" and an unknown address. */
void peer_of_socket(struct peer *peer, int fd);

/* What the client's certificate is worth now. PEER_CERTIFIED sets `name` to the user it names by
 * access.certificates.name, empty when it names none or more than one; the bytes belong to the connection and hold as
 * long as it does. PEER_REFUSED fills `why` with ERR_DENIED and a text such as "client certificate refused: revoked".
 * Costs two comparisons while nothing changed, and a verification of the chain once after something did. `name` and
 * `why` may be NULL. */
enum peer_certificate peer_certificate(const struct driven *connection, struct str *name, struct err *why);

#endif
