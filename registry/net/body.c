#include "registry/net/body.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/str.h"

static struct driven *driven_of(h2o_req_t *req)
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

struct body_piece *body_piece_new(struct driven *source)
{
    struct loop *loop = source->loop;
    struct body_piece *piece = loop->spare_pieces;

    if (piece != NULL) {
        loop->spare_pieces = piece->next;
        loop->spare_piece_count--;
    } else {
        piece = xmalloc(sizeof(*piece));
    }
    piece->span_count = 0;
    piece->length = 0;
    piece->filled = 0;
    piece->loop = loop;
    piece->source = source;
    return piece;
}

void body_piece_free(struct body_piece *piece)
{
    struct loop *loop = piece->loop;

    if (loop->spare_piece_count == BODY_SPARE_PIECES) {
        free(piece);
        return;
    }
    piece->next = loop->spare_pieces;
    loop->spare_pieces = piece;
    loop->spare_piece_count++;
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

void body_pieces_dispose(struct loop *loop)
{
    while (loop->spare_pieces != NULL) {
        struct body_piece *piece = loop->spare_pieces;

        loop->spare_pieces = piece->next;
        free(piece);
    }
    loop->spare_piece_count = 0;
}
