/*
 * What the files of the HTTP/1.1 driver share: http1.c (connections and heads), http1_body.c, http1_reply.c,
 * http1_timers.c.
 *
 * Any function here that is handed the connection may end with it freed, unless it says otherwise; callers touch it no
 * more.
 */
#ifndef BERTH_NET_HTTP1_INTERNAL_H
#define BERTH_NET_HTTP1_INTERNAL_H

#include "registry/base/str.h"
#include "registry/net/body.h"
#include "registry/net/http1.h"
#include "registry/net/http1_parser.h"
#include "registry/net/stream.h"

enum phase { HANDSHAKE, IDLE, HEAD, WORK, BODY, REPLY, LINGER }; /* http1.h draws them */

enum {
    HEAD_READ_BYTES = 8192,
    WARM_CONNECTIONS = 64, /* of a loop, 33 KiB each */
    WARM_MS = 200,         /* from one reply to the next */
    COOL_MS = 1000,        /* without a reply */
};

struct http1 {
    struct driven driven;
    struct network_address from; /* as it was counted */
    struct stream *stream;
    enum phase phase;

    /* timers: when the phase began; what had moved when the window began */
    uint64_t since_ms;
    uint64_t window_ms;
    uint64_t window_bytes;
    uint64_t window_queued; /* of those, with the kernel and not yet with the client */

    /* is its client asking again and again? */
    bool warm;            /* counted in loop->warm_connections, keeps TLS's buffers */
    uint64_t answered_ms; /* when the last reply was sent */

    /* the head: h2o_req_t points into `input`, so that stays put until the request ends; the first `input_used` bytes
     * are its head, the rest came with it. `behind` holds what came behind a body. */
    struct sbuf input;
    size_t input_used;
    struct sbuf behind;
    struct http1_parser parser;

    /* the body: pieces are filled here, out at the sink, or waiting for the sink to return the one before */
    struct body_sink *sink;
    struct body_piece *filling;
    struct body_piece *out;
    size_t parsed; /* bytes of `filling` that the parser has seen */
    bool body_complete;
    bool body_cut; /* the client is gone; what it sent is still to be delivered */
    bool continue_due;
    struct message turn; /* linked while others have theirs */
    struct body_sink skipper;

    /* the reply */
    h2o_ostream_t ostream;
    bool head_sent;
    bool reply_final;
    bool reply_broken; /* cut short: the client must notice */
    bool refused;      /* the message itself was malformed and has been answered: what its handler says is dropped */
    bool persistent;

    h2o_req_t req; /* last: large, with a life of its own */
};

/* ---- http1.c ---- */

/* Begin a phase and its clock. Frees nothing. */
void http1_enter(struct http1 *c, enum phase phase);
void http1_close(struct http1 *c);
/* The request is over and its body read: on to the next one. */
void http1_next(struct http1 *c);
/* The reply is with the kernel: go on, skip the body, linger or close. */
void http1_reply_done(struct http1 *c);
/* Answer what the parser found wrong (parser.status, parser.reason) and close. */
void http1_refuse(struct http1 *c);

/* Its client rests: give back what it kept. Frees nothing. */
void http1_cool(struct http1 *c);

/* ---- http1_body.c ---- */

extern const struct driver http1_driver;
/* Hand over what has waited for its piece to fill. */
void http1_body_tick(struct http1 *c);
/* The body is over, or the connection: no more turns of its. Frees nothing. */
void http1_body_forget_turn(struct http1 *c);
/* Prepare the sink that drops a short body nobody asked for. Frees nothing. */
void http1_skipper_attach(struct http1 *c);

/* ---- http1_reply.c, http1_timers.c: set their callbacks; free nothing ---- */

void http1_reply_attach(struct http1 *c);
void http1_timers_attach(struct http1 *c);

#endif
