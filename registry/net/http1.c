#include "registry/net/http1.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/log.h"
#include "registry/observe/metrics.h"
#include "registry/net/client_certificate.h"
#include "registry/net/crowd.h"
#include "registry/net/http1_internal.h"
#include "registry/net/http1_reply.h"
#include "registry/server.h"

static void read_head(struct http1 *c);

void http1_enter(struct http1 *c, enum phase phase)
{
    c->phase = phase;
    c->since_ms = c->window_ms = c->driven.loop->now_ms;
    c->window_bytes = stream_bytes_in(c->stream) + stream_bytes_out(c->stream);
    c->window_queued = 0;
}

static void warm_up(struct http1 *c)
{
    struct loop *loop = c->driven.loop;
    bool again = loop->now_ms - c->answered_ms < WARM_MS;

    c->answered_ms = loop->now_ms;
    if (c->warm || !again || loop->warm_connections == WARM_CONNECTIONS)
        return;
    c->warm = true;
    loop->warm_connections++;
    stream_keep_buffers(c->stream, true);
}

void http1_cool(struct http1 *c)
{
    if (!c->warm)
        return;
    c->warm = false;
    c->driven.loop->warm_connections--;
    stream_keep_buffers(c->stream, false);
}

void http1_close(struct http1 *c)
{
    struct loop *loop = c->driven.loop;

    http1_cool(c);
    http1_body_forget_turn(c);
    if (c->out != NULL)
        c->out->source = NULL; /* its body_return() frees it */
    if (c->filling != NULL)
        body_piece_free(c->filling);
    h2o_dispose_request(&c->req);
    stream_close(&c->stream);
    sbuf_wipe(&c->input); /* passwords */
    sbuf_wipe(&c->behind);
    loop_connection_remove(loop, &c->driven.connection);
    crowd_leave(loop->server->crowd, &c->from);
    free(c);
}

/* ---- one request after the other ---- */

static void start_request(struct http1 *c)
{
    h2o_init_request(&c->req, &c->driven.super, NULL);
    c->req._ostr_top = &c->ostream;
    parser_init(&c->parser);
    c->sink = NULL;
    c->body_complete = c->body_cut = c->continue_due = false;
    c->head_sent = c->reply_final = c->reply_broken = c->refused = c->persistent = false;
}

/* Wipe the bytes of the request that ended, for a password is among them; keep what came behind it. An idle connection
 * keeps no buffer. */
static void drop_input(struct http1 *c)
{
    if (c->behind.n > 0) {
        sbuf_wipe(&c->input);
        c->input = c->behind;
        c->behind = (struct sbuf){0};
    } else if (c->input.n > c->input_used) {
        c->input.n -= c->input_used;
        memmove(c->input.p, c->input.p + c->input_used, c->input.n);
        explicit_bzero(c->input.p + c->input.n, c->input_used);
    } else {
        sbuf_wipe(&c->input);
    }
    c->input_used = 0;
}

void http1_next(struct http1 *c)
{
    http1_body_forget_turn(c);
    h2o_dispose_request(&c->req);
    drop_input(c);
    stream_expect_secrets(c->stream, true);
    warm_up(c);
    start_request(c);
    if (c->driven.loop->hurried && c->input.n == 0) {
        http1_close(c);
        return;
    }
    http1_enter(c, c->input.n > 0 ? HEAD : IDLE);
    read_head(c);
}

static void on_linger_readable(void *owner, bool ok)
{
    struct http1 *c = owner;
    ssize_t got = ok ? stream_discard(c->stream, STREAM_DISCARD_BYTES) : STREAM_FAILED;

    if (got == 0 || got == STREAM_FAILED || stream_bytes_in(c->stream) - c->window_bytes > HTTP1_LINGER_BYTES)
        http1_close(c);
}

/* RFC 9112 §9.6: close our side, then read until the client has seen it, or a reset might destroy the reply. */
static void linger(struct http1 *c)
{
    http1_enter(c, LINGER);
    c->window_bytes = stream_bytes_in(c->stream);
    stream_finish_writing(c->stream);
    stream_await_readable(c->stream, on_linger_readable);
}

void http1_reply_done(struct http1 *c)
{
    if (c->persistent && c->body_complete)
        http1_next(c);
    else if (c->persistent)
        body_start(&c->req, &c->skipper); /* short: read and drop it, then go on */
    else if (!c->body_complete)
        linger(c);
    else
        http1_close(c);
}

/* ---- malformed requests: answered here, no handler sees them ---- */

static void on_refusal_sent(void *owner, bool ok)
{
    struct http1 *c = owner;

    if (ok)
        linger(c);
    else
        http1_close(c);
}

void http1_refuse(struct http1 *c)
{
    struct sbuf text = {0};
    struct iovec span;

    c->refused = true;
    stream_ignore_reads(c->stream);
    reply_refusal(&text, c->parser.status, c->parser.reason);
    metric_add(METRIC_REQUESTS_MALFORMED, 1);
    log_debug("malformed request refused: %d %s", c->parser.status, c->parser.reason);
    c->body_complete = false;
    http1_enter(c, REPLY);
    span.iov_base = h2o_mem_alloc_pool(&c->req.pool, text.n);
    span.iov_len = text.n;
    memcpy(span.iov_base, text.p, text.n);
    sbuf_free(&text);
    if (stream_is_writing(c->stream)) /* a reply is on its way already: nothing can be put in front of it */
        http1_close(c);
    else
        stream_write(c->stream, &span, 1, on_refusal_sent);
}

/* ---- head ---- */

static void head_complete(struct http1 *c)
{
    stream_ignore_reads(c->stream);
    c->input_used = c->parser.head_length;
    c->req.input.scheme = stream_is_tls(c->stream) ? &H2O_URL_SCHEME_HTTPS : &H2O_URL_SCHEME_HTTP;
    if (!parser_fill_request(&c->parser, c->input.p, &c->req)) {
        c->req.version = 0; /* not to be logged as a request */
        http1_refuse(c);
        return;
    }
    c->req.http1_is_persistent = c->parser.keep_alive && !c->driven.loop->hurried;
    c->body_complete = !parser_has_body(&c->parser);
    c->continue_due = c->parser.expect_continue && !c->body_complete;
    http1_enter(c, WORK);
    h2o_process_request(&c->req);
}

/* Parse `fresh` bytes at the end of the input. True when the head needs more. */
static bool parse_input(struct http1 *c, size_t fresh)
{
    switch (parser_head(&c->parser, c->input.p, c->input.n - fresh, fresh)) {
    case PARSE_MORE:
        return true;
    case PARSE_DONE:
        head_complete(c);
        return false;
    default:
        http1_refuse(c);
        return false;
    }
}

static void on_head_readable(void *owner, bool ok)
{
    struct http1 *c = owner;
    char bytes[HEAD_READ_BYTES];

    for (;;) {
        ssize_t got = ok ? stream_read(c->stream, bytes, sizeof(bytes)) : STREAM_FAILED;

        if (got == STREAM_WOULD_BLOCK) {
            stream_await_readable(c->stream, on_head_readable);
            return;
        }
        if (got <= 0) {
            http1_close(c);
            return;
        }
        if (c->phase == IDLE)
            http1_enter(c, HEAD);
        sbuf_put(&c->input, bytes, (size_t)got);
        explicit_bzero(bytes, (size_t)got);
        if (!parse_input(c, (size_t)got))
            return;
    }
}

static void read_head(struct http1 *c)
{
    if (c->input.n > 0 && !parse_input(c, c->input.n))
        return;
    if (stream_has_pending(c->stream))
        on_head_readable(c, true);
    else
        stream_await_readable(c->stream, on_head_readable);
}

static void note_tls(struct http1 *c)
{
    const SSL *ssl = stream_ssl(c->stream);

    if (ssl == NULL)
        return;
    c->driven.peer.tls_version = SSL_get_version(ssl);
    c->driven.peer.tls_cipher = SSL_get_cipher_name(ssl);
}

static void on_handshake(void *owner, bool ok)
{
    struct http1 *c = owner;

    if (!ok && c->driven.peer.certificate != NULL) {
        client_certificate_failed(c->driven.peer.certificate);
        linger(c); /* a client of TLS 1.3 has sent its request already: a reset would eat the alert */
        return;
    }
    if (!ok || !client_certificate_confirm(c->driven.peer.certificate)) {
        http1_close(c);
        return;
    }
    note_tls(c);
    http1_enter(c, IDLE);
    read_head(c);
}

/* ---- libh2o's view of the connection ---- */

static socklen_t get_sockname(h2o_conn_t *conn, struct sockaddr *address)
{
    return h2o_socket_getsockname(stream_socket(H2O_STRUCT_FROM_MEMBER(struct http1, driven.super, conn)->stream),
                                  address);
}

static socklen_t get_peername(h2o_conn_t *conn, struct sockaddr *address)
{
    return h2o_socket_getpeername(stream_socket(H2O_STRUCT_FROM_MEMBER(struct http1, driven.super, conn)->stream),
                                  address);
}

static h2o_socket_t *get_socket(h2o_conn_t *conn)
{
    return stream_socket(H2O_STRUCT_FROM_MEMBER(struct http1, driven.super, conn)->stream);
}

void http1_accept(struct loop *loop, int fd, const struct network_address *from, SSL_CTX *tls, h2o_hostconf_t **hosts)
{
    static const h2o_conn_callbacks_t callbacks = {
        .get_sockname = get_sockname, .get_peername = get_peername, .get_socket = get_socket};
    struct timeval connected_at = {0};
    struct http1 *c;

    gettimeofday(&connected_at, NULL);
    c = (void *)h2o_create_connection(sizeof(*c), &loop->context, hosts, connected_at, &callbacks);
    memset((char *)c + sizeof(c->driven.super), 0, offsetof(struct http1, req) - sizeof(c->driven.super));
    c->driven.driver = &http1_driver;
    c->driven.loop = loop;
    c->from = *from;
    peer_of_socket(&c->driven.peer, fd);
    http1_timers_attach(c);
    http1_reply_attach(c);
    http1_skipper_attach(c);
    c->stream = stream_new(loop->events, loop->stream_room, fd, tls, c);
    if (tls != NULL)
        c->driven.peer.certificate = client_certificate_expect(stream_ssl(c->stream), &c->driven.peer);
    loop_connection_add(loop, &c->driven.connection);
    start_request(c);
    http1_enter(c, HANDSHAKE);
    stream_handshake(c->stream, on_handshake);
}
