/*
 * The server's certificate and what TLS it speaks: 1.2 and 1.3, HTTP/1.1 by ALPN, resumption by tickets.
 *
 * Thread: tls_context() from any thread; tls_refresh() from the housekeeper. A new certificate serves new connections;
 * connections that exist go on with the one they have.
 */
#ifndef BERTH_NET_TLS_H
#define BERTH_NET_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "registry/base/err.h"
#include "registry/config/config.h"

struct tls;

/* Reads http.tls of the configuration. Errors name the file and what is wrong with it: unreadable, no certificate, key
 * of another. */
struct tls *tls_open(const struct config *config, struct err *e);
void tls_close(struct tls **tls);
/* The context for new connections, with a reference for the caller: SSL_CTX_free() it. */
SSL_CTX *tls_context(struct tls *tls);
/* Read the files again if they changed, or anyway when `force` is set. Half-written or mismatched files: the old ones
 * stay in force and the error is logged. Returns whether new files are in force. */
bool tls_refresh(struct tls *tls, bool force);

#endif
