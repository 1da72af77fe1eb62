/*
 * The HTTP/1.1 connection driver: Berth's one replacement part in libh2o 2.2.5.
 *
 * Life of a connection (phase ─ event ▶ phase):
 *
 *   HANDSHAKE ─ TLS done ▶ IDLE ─ first byte ▶ HEAD ─ head complete ▶ WORK ─ handler sends ▶ REPLY
 *   WORK ─ handler calls body_start ▶ BODY ─ body complete ▶ WORK        BODY ─ handler sends early ▶ REPLY
 *   REPLY ─ sent, body read or small enough to skip ▶ IDLE (or HEAD, when the next request is already here)
 *   REPLY ─ sent, body unread ▶ LINGER (our side is closed; the client's rest is discarded so that no reset eats
 *                                  the reply)
 *   any ─ client gone, too slow, malformed ▶ freed
 *
 * Timers count progress, not totals: a head must come within its time; a body and a reply must move at least their
 * floor rate in every window; waiting for a worker is on nobody's clock. So a slow but steady upload of ten hours is
 * never cut, and a client that stops is gone within two windows.
 *
 * Above this file nothing knows HTTP/1: handlers see h2o_req_t and body.h.
 *
 * Thread: the loop of the connection.
 */
#ifndef BERTH_NET_HTTP1_H
#define BERTH_NET_HTTP1_H

#include <openssl/ssl.h>

#include "registry/net/loop.h"

enum {
    HTTP1_HANDSHAKE_MS = 10 * 1000,
    HTTP1_IDLE_MS = 120 * 1000,
    HTTP1_HEAD_MS = 30 * 1000,
    HTTP1_WINDOW_MS = 30 * 1000,
    HTTP1_FLOOR_BYTES = 30 * 128, /* per window, in either direction: 128 bytes a second */
    HTTP1_LINGER_MS = 5 * 1000,
    HTTP1_LINGER_BYTES = 1024 * 1024, /* discarded at most while the client may still be reading the reply */
    HTTP1_SKIP_BYTES = 64 *
                       1024, /* a body no longer than this is read and dropped rather than costing the connection */
};

/* Serve the connected, non-blocking descriptor `fd` on this loop. `tls` may be NULL. `hosts` (ended by NULL) are whose
 * handlers its requests can reach; they outlive the connection. */
void http1_accept(struct loop *loop, int fd, SSL_CTX *tls, h2o_hostconf_t **hosts);

#endif
