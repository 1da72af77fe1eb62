/*
 * The certificate that a client shows: verified in the handshake, again when its session is resumed, and again by
 * requests once what it is verified against has changed.
 *
 *   handshake ── certificate ─▶ verified ─▶ name, chain, end ─┬─▶ confirmed when the handshake is done
 *   resumption ─ ticket ─▶ chain of the ticket verified anew ─┘        │
 *                            └─ no longer good: the ticket is ignored, a full handshake decides and alerts
 *   request ─ nothing changed since, chain not ended ─▶ as before;  else the kept chain is verified anew
 *
 * A ticket holds the session with the client's certificate, encrypted (RFC 5077 §4); what the client sent above it is
 * put there too, so that the whole chain can be verified. Tickets of an older SSL_CTX cannot be opened.
 *
 * A ticket may be opened and its session not be used after all. So the identity that a handshake leaves behind is only
 * taken when it belongs to the certificate that the finished connection really has: client_certificate_confirm().
 *
 * Thread: a judge is shared by all; a client_certificate belongs to the loop of its connection, and dies with its SSL.
 */
#ifndef BERTH_NET_CLIENT_CERTIFICATE_H
#define BERTH_NET_CLIENT_CERTIFICATE_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "registry/config/config.h"
#include "registry/net/peer.h"
#include "registry/net/trust.h"

enum {
    CLIENT_CHAIN_BYTES = 24 * 1024
}; /* what a client may send, so that it fits a ticket (64 KiB) with room to spare
    */

/* ---- the judge: what all connections of a server are judged by ---- */

struct judge;

/* For modes that verify, judge_set_trust() must be called before the first connection. */
struct judge *judge_new(enum config_client_auth mode, enum config_certificate_name name);
/* After the last connection. */
void judge_free(struct judge **judge);
bool judge_verifies(const struct judge *judge);
/* Verify against `trust` from now on, whose reference is taken over. Any thread. */
void judge_set_trust(struct judge *judge, struct trust *trust);
/* The present trust with a reference for the caller; NULL before the first one. Any thread. */
struct trust *judge_trust(struct judge *judge);
/* Let connections of `context` be judged: whether a certificate is asked for, callbacks, names of the authorities. */
void judge_attach(struct judge *judge, SSL_CTX *context);

/* ---- one connection ---- */

struct client_certificate;

/* Before the handshake; NULL when the SSL's context has no judge. `peer` must outlive the SSL. */
struct client_certificate *client_certificate_expect(SSL *ssl, const struct peer *peer);
/* The handshake is done: keep what belongs to the certificate that the connection has. False when the connection must
 * not be served: a certificate is required and none holds. */
bool client_certificate_confirm(struct client_certificate *c);
/* The handshake failed; called before anything else touches OpenSSL's error queue. Logs what the verification did not:
 * no certificate, no proof of its key. */
void client_certificate_failed(const struct client_certificate *c);

/* As peer_certificate() promises. */
enum peer_certificate client_certificate_judge(struct client_certificate *c, struct str *name, struct err *why);

#endif
