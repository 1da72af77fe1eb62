/* Who is too slow, and how connections end when the loop does. */
#include "registry/net/crowd.h"
#include "registry/net/http1_internal.h"
#include "registry/server.h"

static struct http1 *of_connection(struct connection *connection)
{
    return H2O_STRUCT_FROM_MEMBER(struct http1, driven.connection, connection);
}

/* Bytes a window, in either direction; bounded so that no configuration overflows it. */
static uint64_t floor_of(const struct config *config)
{
    uint64_t bytes;

    return __builtin_mul_overflow(config->limits.rate, config->timeouts.stall_ms, &bytes) ? UINT64_MAX : bytes / 1000;
}

/* Did less than the floor move in a whole window? What the kernel holds for a reader has not moved yet. `excused`:
 * nothing could move, for reasons that are ours. */
static bool too_slow(struct http1 *c, uint64_t now_ms, bool excused)
{
    const struct config *config = c->driven.loop->server->config;
    uint64_t sent = stream_bytes_in(c->stream) + stream_bytes_out(c->stream);
    uint64_t queued, moved;

    if (now_ms - c->window_ms < config->timeouts.stall_ms && !excused)
        return false;
    queued = excused ? 0 : stream_unacknowledged(c->stream);
    moved = sent - c->window_bytes + c->window_queued;
    c->window_ms = now_ms;
    c->window_bytes = sent;
    c->window_queued = queued;
    return !excused && moved < queued + floor_of(config);
}

static bool expired(struct http1 *c, uint64_t now_ms)
{
    const struct server *server = c->driven.loop->server;
    uint64_t age = now_ms - c->since_ms;

    switch (c->phase) {
    case HANDSHAKE:
        return age > server->config->timeouts.handshake_ms;
    case IDLE:
        return age > server->config->timeouts.idle_ms || (age > HTTP1_IDLE_FULL_MS && crowd_is_full(server->crowd, 0));
    case HEAD:
        return age > server->config->timeouts.head_ms;
    case BODY: /* excused while both pieces are on our side */
        return too_slow(c, now_ms,
                        c->body_complete ||
                            (c->out != NULL && c->filling != NULL && body_piece_missing(c->filling) == 0));
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

    if (expired(c, now_ms)) {
        http1_close(c);
        return;
    }
    if (now_ms - c->answered_ms >= COOL_MS)
        http1_cool(c);
    if (c->phase == BODY)
        http1_body_tick(c);
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
