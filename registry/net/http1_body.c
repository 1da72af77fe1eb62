/* Bodies: from the socket through the parser into pieces, and pieces to the sink (body.h). */
#include "registry/net/http1_internal.h"

#include <stdlib.h>
#include <string.h>

static void read_body(struct http1 *c);

static struct http1 *of_driven(struct driven *driven)
{
    return H2O_STRUCT_FROM_MEMBER(struct http1, driven, driven);
}

static void fail_body(struct http1 *c)
{
    if (c->head_sent)
        http1_close(c);
    else
        http1_refuse(c);
}

/* Bytes behind the end of the body belong to the next request; its password does not stay in the piece. */
static void finish_body(struct http1 *c)
{
    char *rest = c->filling->data + c->parsed;
    size_t n = c->filling->filled - c->parsed;

    c->body_complete = true;
    stream_ignore_reads(c->stream);
    sbuf_put(&c->behind, rest, n);
    explicit_bzero(rest, n);
}

static uint64_t driver_body_length(struct driven *driven)
{
    const struct http1_parser *parser = &of_driven(driven)->parser;

    return parser->chunked ? BODY_LENGTH_UNKNOWN : parser->length;
}

static void begin_piece(struct http1 *c)
{
    c->filling = body_piece_new(&c->driven, driver_body_length(&c->driven), c->sink->position);
    c->parsed = 0;
}

/* Hand over what is in the piece, if the sink is free; tell the sink of the end, if that is reached. May free the
 * connection. */
static void deliver(struct http1 *c)
{
    struct body_piece *piece = c->filling;
    struct body_sink *sink = c->sink;

    if (c->out != NULL)
        return;
    if (piece != NULL && piece->length > 0) {
        c->filling = NULL;
        c->out = piece;
        sink->position += piece->length;
        sink->received += piece->length;
        sink->piece(sink, piece);
    } else if (c->body_complete) {
        if (piece != NULL)
            body_piece_free(piece);
        c->filling = NULL;
        c->sink = NULL;
        http1_enter(c, WORK);
        sink->end(sink);
    } else if (c->body_cut) {
        http1_close(c);
    } else if (piece != NULL && piece->filled > 0) {
        piece->filled = c->parsed = 0; /* nothing but framing in it */
    }
}

/* Parse what is new in the piece. False when the connection is gone or the body malformed. */
static bool parse_piece(struct http1 *c)
{
    size_t consumed = 0;
    enum parse_result result = parser_body(&c->parser, c->filling, c->parsed, &consumed);

    if (result == PARSE_BAD) {
        fail_body(c);
        return false;
    }
    c->parsed += consumed;
    if (result == PARSE_DONE)
        finish_body(c);
    return true;
}

static bool has_yielded(struct http1 *c)
{
    return h2o_linklist_is_linked(&c->turn.super.link);
}

static void on_turn(struct message *message)
{
    struct http1 *c = H2O_STRUCT_FROM_MEMBER(struct http1, turn, message);

    if (c->phase == BODY && !c->body_complete && !c->body_cut)
        read_body(c);
}

/* Go on in the loop's next turn; no readiness event would tell of what OpenSSL holds already. */
static void yield(struct http1 *c)
{
    if (has_yielded(c))
        return;
    c->turn.run = on_turn;
    loop_yield(c->driven.loop, &c->turn);
}

void http1_body_forget_turn(struct http1 *c)
{
    if (has_yielded(c))
        h2o_linklist_unlink(&c->turn.super.link);
}

/* Fill the current piece from the socket until it is full, the body ends, nothing more is there, or others have their
 * turn. */
static bool fill_piece(struct http1 *c)
{
    struct body_piece *piece = c->filling;
    size_t missing, turn = 0;

    while (!c->body_complete && (missing = body_piece_missing(piece)) > 0) {
        ssize_t got;

        if (turn >= STREAM_TURN_BYTES) {
            yield(c);
            break;
        }
        got = stream_read(c->stream, piece->data + piece->filled, missing);

        if (got == STREAM_WOULD_BLOCK)
            break;
        if (got <= 0) {
            c->body_cut = true; /* an upload keeps every byte that arrived */
            stream_ignore_reads(c->stream);
            return true;
        }
        piece->filled += (size_t)got;
        turn += (size_t)got;
        if (!parse_piece(c))
            return false;
    }
    return true;
}

static void on_body_readable(void *owner, bool ok)
{
    struct http1 *c = owner;

    (void)ok; /* reading tells, and takes what came before the failure */
    if (!has_yielded(c))
        read_body(c);
}

static void read_body(struct http1 *c)
{
    bool full;

    if (c->filling == NULL)
        begin_piece(c);
    if (!fill_piece(c))
        return;
    full = body_piece_missing(c->filling) == 0;
    if (c->body_complete || c->body_cut || (full && c->out != NULL))
        stream_ignore_reads(c->stream); /* both pieces full: wait for one to come back */
    else
        stream_await_readable(c->stream, on_body_readable);
    if (full || c->body_complete || c->body_cut)
        deliver(c);
}

void http1_body_tick(struct http1 *c)
{
    if (c->filling != NULL && c->filling->length > 0)
        deliver(c);
}

/* Body bytes that came in one read with the head. False when the connection is gone or the body malformed. */
static bool take_early_bytes(struct http1 *c)
{
    size_t early = c->input.n - c->input_used;

    /* What is behind a head came with it in one read, or was behind the body before it in that one's piece. */
    if (early > BODY_READ_MOST)
        abort();
    begin_piece(c);
    memcpy(c->filling->data, c->input.p + c->input_used, early);
    c->filling->filled = early;
    c->input.n = c->input_used;
    return early == 0 || parse_piece(c);
}

_Static_assert(HEAD_BYTES_MAX + HEAD_READ_BYTES <= BODY_READ_MOST, "one read behind a head fits a piece");

static void begin_body(struct http1 *c)
{
    if (c->body_complete)
        deliver(c); /* there is none: the end is all that is to tell */
    else if (take_early_bytes(c))
        read_body(c);
}

static void on_continue_sent(void *owner, bool ok)
{
    struct http1 *c = owner;

    if (ok)
        begin_body(c);
    else
        http1_close(c);
}

/* ---- what the driver offers to handlers (body.h) ---- */

static void driver_body_start(struct driven *driven, struct body_sink *sink)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http1 *c = of_driven(driven);
    struct iovec span = {(void *)(uintptr_t)go_on, sizeof(go_on) - 1};

    c->sink = sink;
    stream_expect_secrets(c->stream, false);
    http1_enter(c, BODY);
    if (!c->continue_due) {
        begin_body(c);
        return;
    }
    c->continue_due = false;
    stream_write(c->stream, &span, 1, on_continue_sent);
}

static void driver_body_returned(struct driven *driven, struct body_piece *piece)
{
    struct http1 *c = of_driven(driven);

    c->out = NULL;
    body_piece_free(piece);
    if (c->phase != BODY)
        return; /* answered early: the rest is skipped or lingered away */
    if (c->body_complete || c->body_cut)
        deliver(c);
    else
        read_body(c);
}

static void skip_piece(struct body_sink *sink, struct body_piece *piece)
{
    (void)sink;
    body_return(piece);
}

static void skip_end(struct body_sink *sink)
{
    http1_next(H2O_STRUCT_FROM_MEMBER(struct http1, skipper, sink));
}

void http1_skipper_attach(struct http1 *c)
{
    c->skipper.piece = skip_piece;
    c->skipper.end = skip_end;
}

const struct driver http1_driver = {
    .body_length = driver_body_length,
    .body_start = driver_body_start,
    .body_returned = driver_body_returned,
};
