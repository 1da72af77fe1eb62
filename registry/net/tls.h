/*
 * The server's certificate and what TLS it speaks: 1.2 and 1.3, HTTP/1.1 by ALPN, resumption by tickets; and, when the
 * configuration wants them, client certificates.
 *
 * Certificate and key, authorities and revocation lists are two sets of files: each is taken up by itself, so that a
 * broken certificate does not keep a revocation from taking effect.
 *
 * Thread: tls_context() and tls_ends() from any thread; tls_refresh() from one at a time, not a loop. A new
 * certificate serves new connections; connections that exist go on with the one they have, but their clients are judged
 * by the new authorities and lists (peer.h).
 */
#ifndef BERTH_NET_TLS_H
#define BERTH_NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "registry/base/err.h"
#include "registry/config/config.h"

struct tls;

/* Reads the files that http.tls of the configuration names. Errors name the file and what is wrong with it: unreadable,
 * empty, cut, key of another certificate. */
struct tls *tls_open(const struct config *config, struct err *e);
/* After the last connection. */
void tls_close(struct tls **tls);
/* The context for new connections, with a reference for the caller: SSL_CTX_free() it. */
SSL_CTX *tls_context(struct tls *tls);
/* Read the files again if they changed, or anyway when `force` is set. Half-written or mismatched files: the old ones
 * stay in force and the error is logged, once. Warns of the certificate's end and of revocation lists that are due for
 * renewal. Returns whether new files are in force. */
bool tls_refresh(struct tls *tls, bool force);
/* When the first of each kind ends, in seconds since the Unix epoch; 0: there is none. */
struct tls_ends {
    uint64_t certificate; /* the server's */
    uint64_t client_cas;  /* authorities of clients' certificates */
    uint64_t client_crls; /* their revocation lists: when the next ones are due */
};
void tls_ends(struct tls *tls, struct tls_ends *out);

#endif
