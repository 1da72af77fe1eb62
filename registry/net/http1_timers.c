/* Who is too slow, and how connections end when the loop does. */
#include "registry/net/http1_internal.h"

static struct http1 *of_connection(struct connection *connection)
{
    return H2O_STRUCT_FROM_MEMBER(struct http1, driven.connection, connection);
}

/* Did fewer than the floor's bytes move in a whole window? `excused`: nothing could move, for reasons that are ours. */
static bool too_slow(struct http1 *c, uint64_t now_ms, bool excused)
{
    uint64_t bytes = stream_bytes_in(c->stream) + stream_bytes_out(c->stream);
    bool slow;

    if (now_ms - c->window_ms < HTTP1_WINDOW_MS && !excused)
        return false;
    slow = !excused && bytes - c->window_bytes < HTTP1_FLOOR_BYTES;
    c->window_ms = now_ms;
    c->window_bytes = bytes;
    return slow;
}

static bool expired(struct http1 *c, uint64_t now_ms)
{
    uint64_t age = now_ms - c->since_ms;

    switch (c->phase) {
    case HANDSHAKE:
        return age > HTTP1_HANDSHAKE_MS;
    case IDLE:
        return age > HTTP1_IDLE_MS;
    case HEAD:
        return age > HTTP1_HEAD_MS;
    case BODY: /* excused while both pieces are on our side */
        return too_slow(c, now_ms,
                        c->body_complete ||
                            (c->out != NULL && c->filling != NULL && c->filling->filled == BODY_PIECE_BYTES));
    case REPLY:
        return too_slow(c, now_ms, !stream_is_writing(c->stream));
    case LINGER:
        return age > HTTP1_LINGER_MS;
    default:
        return false;
    }
}

static void on_tick(struct connection *connection, uint64_t now_ms)
{
    struct http1 *c = of_connection(connection);

    if (expired(c, now_ms))
        http1_close(c);
}

static void on_drain(struct connection *connection)
{
    struct http1 *c = of_connection(connection);

    if (c->phase == IDLE || c->phase == HANDSHAKE)
        http1_close(c);
}

static void on_kill(struct connection *connection)
{
    http1_close(of_connection(connection));
}

void http1_timers_attach(struct http1 *c)
{
    c->driven.connection.tick = on_tick;
    c->driven.connection.drain = on_drain;
    c->driven.connection.kill = on_kill;
}
