/*
 * Request bodies in pieces, with back-pressure: the one thing that libh2o 2.2.5 lacks.
 *
 * A connection driver (http1.c today) owns the socket; a handler that wants the body gives it a sink. The driver fills
 * a piece of bounded size and hands it over; while the sink has it (a worker hashes and writes it), the driver fills
 * one more and then stops reading until a piece comes back. So an upload costs two pieces, whatever its size and speed.
 *
 * A piece is handed over when it is full, when the body ends or is cut, or after a second: each costs two wake-ups, and
 * so many small ones that a push spent a tenth of its time on them. Pieces are large while few uploads are under way
 * and small when there are many, so that neither time nor memory is lost. They end where a file wants them to: at
 * multiples of their size in what the sink keeps, for the page cache takes aligned bytes with a quarter less work.
 *
 *   body_start(req, sink) ─▶ sink->piece(piece) … body_return(piece) … ─▶ sink->end()
 *
 * The sink gets one piece at a time, the next only after the last came back, and end() after all came back. If the
 * client vanishes, neither is called again: the request is disposed of, and a piece still out is freed by its
 * body_return().
 *
 * Shaped like the write_req / proceed_req pair that libh2o got after 2.2.5, so that drivers can become its own one day.
 *
 * Thread: the loop of the connection; a piece's bytes may be read on a worker while the sink has it.
 */
#ifndef BERTH_NET_BODY_H
#define BERTH_NET_BODY_H

#include <stdint.h>
#include <sys/uio.h>

#include <h2o.h>

#include "auth/recent_login.h"
#include "registry/net/loop.h"
#include "registry/net/peer.h"

enum {
    BODY_PIECE_SMALL = 256 * 1024, /* bytes of content */
    BODY_PIECE_LARGE = 1024 * 1024,
    BODY_FRAMING_ROOM = 4 * 1024,      /* beside the content, in each piece */
    BODY_READ_MOST = BODY_PIECE_SMALL, /* at once: what comes behind a body's end has to fit a small piece */
    BODY_SPANS_MAX = 64,
    BODY_LARGE_MOST = 8,  /* large pieces in use on a loop */
    BODY_SPARE_SMALL = 8, /* kept per loop */
    BODY_SPARE_LARGE = 4,
};

#define BODY_LENGTH_UNKNOWN UINT64_MAX

struct body_piece {
    /* what the sink reads */
    struct iovec spans[BODY_SPANS_MAX];
    int span_count;
    size_t length; /* bytes in the spans */
    /* the driver's */
    struct loop *loop;
    struct driven *source; /* NULL when the connection is gone */
    size_t size;           /* BODY_PIECE_SMALL or BODY_PIECE_LARGE */
    size_t wanted;         /* bytes of content that make it full */
    size_t filled;         /* bytes of `data` in use */
    struct body_piece *next;
    char data[]; /* size + BODY_FRAMING_ROOM */
};

struct body_sink {
    uint64_t position; /* in what the sink keeps, of the next byte; set before body_start(), moved by the driver */
    uint64_t received; /* bytes that it was handed; counted by the driver */
    void (*piece)(struct body_sink *sink, struct body_piece *piece);
    void (*end)(struct body_sink *sink);
};

/* What a connection driver offers above libh2o's connection. */
struct driver {
    /* Bytes of the body: 0 when there is none, BODY_LENGTH_UNKNOWN when only its end will tell. */
    uint64_t (*body_length)(struct driven *connection);
    /* Send `100 Continue` if the client waits for it, then read. Calls the sink at once with what is already there. */
    void (*body_start)(struct driven *connection, struct body_sink *sink);
    void (*body_returned)(struct driven *connection, struct body_piece *piece);
};

/* A connection with a driver: what every h2o_conn_t of ours is. */
struct driven {
    h2o_conn_t super;
    const struct driver *driver;
    struct loop *loop;
    struct connection connection;
    struct peer peer;
    struct recent_login recent_login; /* the gate's */
};

/* The connection that a request came on. */
struct driven *driven_of(const h2o_req_t *req);

uint64_t body_length(h2o_req_t *req);
void body_start(h2o_req_t *req, struct body_sink *sink);
void body_return(struct body_piece *piece);

/* For drivers: an empty piece for content that goes to `position`, from the loop's spares if there is one; and back.
 * `length` of the body, or BODY_LENGTH_UNKNOWN: a short one needs no large piece. */
struct body_piece *body_piece_new(struct driven *source, uint64_t length, uint64_t position);
void body_piece_free(struct body_piece *piece);
/* How many bytes to read into it next, at most BODY_READ_MOST; 0 when it is full. */
size_t body_piece_missing(const struct body_piece *piece);
/* Add bytes of piece->data to its spans, moving them when the spans are used up. */
void body_piece_add(struct body_piece *piece, char *bytes, size_t n);
void body_pieces_dispose(struct loop *loop);

#endif
