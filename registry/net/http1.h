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
 * Timers (http.timeouts) count progress, not totals: a head must come within its time; a body and a reply must move
 * their floor, minimumrate bytes for each second, in every window of `stall`; waiting for a worker is on nobody's clock.
 * So no number of windows adds up to anything: a client that sends a floor's worth of bytes within any time of `stall`
 * (by default 3,840 bytes in 30 s; one TLS record of 16 KiB every 30 s is four times that) may upload for ten hours or
 * ten days, and one that stops is gone within two windows.
 *
 * Above this file nothing knows HTTP/1: handlers see h2o_req_t and body.h.
 *
 * Thread: the loop of the connection.
 */
#ifndef BERTH_NET_HTTP1_H
#define BERTH_NET_HTTP1_H

#include <openssl/ssl.h>

#include "auth/network.h"
#include "registry/net/loop.h"

enum {
    HTTP1_IDLE_FULL_MS = 5 * 1000, /* of idling, when others wait for a place */
    HTTP1_LINGER_MS = 5 * 1000,
    HTTP1_LINGER_BYTES = 1024 * 1024, /* discarded at most while the client may still be reading the reply */
    HTTP1_SKIP_BYTES = 64 *
                       1024, /* a body no longer than this is read and dropped rather than costing the connection */
};

/* Serve the connected, non-blocking descriptor `fd` on this loop. Where it comes `from` was counted (crowd.h) and leaves
 * with it. `tls` may be NULL. `hosts` (ended by NULL) are whose
 * handlers its requests can reach; they outlive the connection. */
void http1_accept(struct loop *loop, int fd, const struct network_address *from, SSL_CTX *tls, h2o_hostconf_t **hosts);

#endif
