#include "registry/net/body.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/str.h"

struct driven *driven_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct driven, super, req->conn);
}

uint64_t body_length(h2o_req_t *req)
{
    struct driven *connection = driven_of(req);

    return connection->driver->body_length(connection);
}

void body_start(h2o_req_t *req, struct body_sink *sink)
{
    struct driven *connection = driven_of(req);

    connection->driver->body_start(connection, sink);
}

void body_return(struct body_piece *piece)
{
    if (piece->source != NULL)
        piece->source->driver->body_returned(piece->source, piece);
    else
        body_piece_free(piece);
}

static struct piece_stock *stock_of(struct loop *loop, size_t size)
{
    return size == BODY_PIECE_LARGE ? &loop->large_pieces : &loop->small_pieces;
}

static struct body_piece *take(struct loop *loop, size_t size)
{
    struct piece_stock *stock = stock_of(loop, size);
    struct body_piece *piece = stock->spare;

    stock->in_use++;
    if (piece != NULL) {
        stock->spare = piece->next;
        stock->spare_count--;
        return piece;
    }
    piece = xmalloc(sizeof(*piece) + size + BODY_FRAMING_ROOM);
    piece->size = size;
    return piece;
}

struct body_piece *body_piece_new(struct driven *source, uint64_t length, uint64_t position)
{
    struct loop *loop = source->loop;
    bool large = length > BODY_PIECE_SMALL && loop->large_pieces.in_use < BODY_LARGE_MOST;
    struct body_piece *piece = take(loop, large ? BODY_PIECE_LARGE : BODY_PIECE_SMALL);

    piece->span_count = 0;
    piece->length = 0;
    piece->filled = 0;
    piece->wanted = piece->size - position % piece->size;
    piece->loop = loop;
    piece->source = source;
    return piece;
}

void body_piece_free(struct body_piece *piece)
{
    struct piece_stock *stock = stock_of(piece->loop, piece->size);

    stock->in_use--;
    if (stock->spare_count == (piece->size == BODY_PIECE_LARGE ? BODY_SPARE_LARGE : BODY_SPARE_SMALL)) {
        free(piece);
        return;
    }
    piece->next = stock->spare;
    stock->spare = piece;
    stock->spare_count++;
}

size_t body_piece_missing(const struct body_piece *piece)
{
    size_t room = piece->size + BODY_FRAMING_ROOM - piece->filled;
    size_t content = piece->wanted > piece->length ? piece->wanted - piece->length : 0;
    size_t n = content < room ? content : room;

    return n < BODY_READ_MOST ? n : BODY_READ_MOST;
}

void body_piece_add(struct body_piece *piece, char *bytes, size_t n)
{
    struct iovec *last = piece->span_count == 0 ? NULL : &piece->spans[piece->span_count - 1];

    piece->length += n;
    if (last != NULL && (char *)last->iov_base + last->iov_len == bytes) {
        last->iov_len += n;
    } else if (piece->span_count < BODY_SPANS_MAX) {
        piece->spans[piece->span_count++] = (struct iovec){bytes, n};
    } else {
        /* Chunk framing leaves a gap before `bytes`: close it. */
        memmove((char *)last->iov_base + last->iov_len, bytes, n);
        last->iov_len += n;
    }
}

static void dispose(struct piece_stock *stock)
{
    while (stock->spare != NULL) {
        struct body_piece *piece = stock->spare;

        stock->spare = piece->next;
        free(piece);
    }
    stock->spare_count = 0;
}

void body_pieces_dispose(struct loop *loop)
{
    dispose(&loop->small_pieces);
    dispose(&loop->large_pieces);
}
