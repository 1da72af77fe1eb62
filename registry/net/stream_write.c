/*
 * Writing: records or plain bytes to the kernel, and waiting for it when it is full.
 *
 * A system call and a push through TCP for each record cost a fifth of a pull. So records are encrypted into the room
 * that the streams of a loop share, a batch of them at a time, and sent at once. The room holds nothing between two
 * calls: what the kernel does not take moves to the stream's own backlog, and the next batch is made when that is gone.
 */
#include "registry/net/stream_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

ssize_t stream_send_now(struct stream *s, const void *bytes, size_t n)
{
    ssize_t sent;

    do {
        sent = send(s->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT | (s->more_follows ? MSG_MORE : 0));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (sent < 0) {
        s->failed = true;
        return -1;
    }
    s->bytes_out += (uint64_t)sent;
    return sent;
}

void stream_send_backlog(struct stream *s)
{
    ssize_t sent = 0;

    if (s->backlog.n > 0 && !s->failed)
        sent = stream_send_now(s, s->backlog.p + s->backlog_sent, s->backlog.n - s->backlog_sent);
    s->backlog_sent += sent > 0 ? (size_t)sent : 0;
    if (s->backlog_sent < s->backlog.n)
        return;
    sbuf_free(&s->backlog);
    s->backlog_sent = 0;
}

static void drop_written(struct stream *s, size_t n)
{
    while (s->span_first < s->span_end && n >= s->spans[s->span_first].iov_len)
        n -= s->spans[s->span_first++].iov_len;
    if (n > 0) {
        s->spans[s->span_first].iov_base = (char *)s->spans[s->span_first].iov_base + n;
        s->spans[s->span_first].iov_len -= n;
    }
}

/* Plaintext of the next records, `most` of them at the most: straight from the span when that is long enough for one,
 * else gathered into `pieces`. */
static struct iovec next_records(const struct stream *s, size_t most, char pieces[TLS_RECORD])
{
    struct iovec first = s->spans[s->span_first];
    size_t full = s->record_bytes, n = 0;

    if (first.iov_len >= full || s->span_first + 1 == s->span_end) {
        first.iov_len = first.iov_len < most * full ? first.iov_len : most * full;
        return first;
    }
    for (size_t i = s->span_first; i < s->span_end && n < full; i++) {
        size_t part = s->spans[i].iov_len < full - n ? s->spans[i].iov_len : full - n;

        memcpy(pieces + n, s->spans[i].iov_base, part);
        n += part;
    }
    return (struct iovec){pieces, n};
}

/* Encrypt a batch of what is left into the shared room. Returns the bytes of plaintext in it. */
static size_t gather_batch(struct stream *s, size_t left)
{
    char pieces[TLS_RECORD];
    size_t gathered = 0, records = 0;

    s->gathering = true;
    while (gathered < left && records < BATCH_RECORDS && !s->failed) {
        struct iovec next = next_records(s, BATCH_RECORDS - records, pieces);
        size_t taken = 0;

        ERR_clear_error();
        if (!SSL_write_ex(s->ssl, next.iov_base, next.iov_len, &taken))
            s->failed = true;
        drop_written(s, taken);
        gathered += taken;
        records += (taken + s->record_bytes - 1) / s->record_bytes;
    }
    s->gathering = false;
    return gathered;
}

int stream_gather(struct stream *s, const char *bytes, size_t n)
{
    if (n > STREAM_ROOM_BYTES - s->gathered) {
        s->failed = true;
        return -1;
    }
    memcpy(s->room + s->gathered, bytes, n);
    s->gathered += n;
    return (int)n;
}

static void send_batch(struct stream *s)
{
    size_t n = s->gathered;
    ssize_t sent = s->failed ? -1 : stream_send_now(s, s->room, n);

    s->gathered = 0;
    if (sent >= 0 && (size_t)sent < n)
        sbuf_put(&s->backlog, s->room + sent, n - (size_t)sent);
}

static void write_records(struct stream *s, size_t left)
{
    while (left > 0 && s->backlog.n == 0 && !s->failed) {
        left -= gather_batch(s, left);
        s->more_follows = left > 0;
        send_batch(s);
        s->more_follows = false;
    }
}

static void write_plain(struct stream *s)
{
    struct msghdr message = {.msg_iov = s->spans + s->span_first, .msg_iovlen = s->span_end - s->span_first};
    ssize_t sent;

    do {
        sent = sendmsg(s->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        s->bytes_out += (uint64_t)sent;
        drop_written(s, (size_t)sent);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        s->failed = true;
    }
}

static size_t span_bytes(const struct stream *s)
{
    size_t n = 0;

    for (size_t i = s->span_first; i < s->span_end; i++)
        n += s->spans[i].iov_len;
    return n;
}

static void on_written(h2o_socket_t *socket, const char *error)
{
    struct stream *s = socket->data;
    stream_cb *done = s->written;

    s->written = NULL;
    done(s->owner, error == NULL && !s->failed);
}

static void on_writable(h2o_socket_t *socket, const char *error);

/* Say from the loop that the write is over. Callbacks that libh2o runs without looking at other sockets could write for
 * as long as the client keeps up: after STREAM_TURN_BYTES the loop turns first. */
static void finish(struct stream *s)
{
    if (s->failed || s->bytes_out - s->turn_began < STREAM_TURN_BYTES) {
        h2o_socket_write(s->socket, NULL, 0, on_written);
        return;
    }
    s->turn_began = s->bytes_out;
    h2o_socket_notify_write(s->socket, on_written);
}

/* Go on with the write, or tell that it is complete or has failed. */
static void proceed(struct stream *s)
{
    size_t left = span_bytes(s);

    if (left > 0 && s->ssl != NULL)
        write_records(s, left);
    else if (left > 0)
        write_plain(s);
    if (s->failed || (s->span_first == s->span_end && s->backlog.n == 0))
        finish(s);
    else
        h2o_socket_notify_write(s->socket, on_writable);
}

static void on_writable(h2o_socket_t *socket, const char *error)
{
    struct stream *s = socket->data;

    if (error != NULL)
        s->failed = true;
    s->turn_began = s->bytes_out;
    stream_send_backlog(s);
    proceed(s);
}

void stream_write(struct stream *s, const struct iovec *spans, size_t n, stream_cb *done)
{
    if (n > SPANS_MAX || s->written != NULL)
        abort();
    s->span_first = s->span_end = 0;
    for (size_t i = 0; i < n; i++)
        if (spans[i].iov_len > 0)
            s->spans[s->span_end++] = spans[i];
    s->written = done;
    proceed(s);
}

bool stream_is_writing(const struct stream *s)
{
    return s->written != NULL;
}
