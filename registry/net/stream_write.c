/* Writing: records or plain bytes to the kernel, and waiting for it when it is full. */
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
    if (s->backlog_sent == s->backlog.n)
        s->backlog.n = s->backlog_sent = 0;
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

/* The next record's plaintext: straight from the span when that is long enough, else gathered into `room`. */
static struct iovec next_record(const struct stream *s, char room[TLS_RECORD])
{
    struct iovec record = s->spans[s->span_first];
    size_t n = 0;

    if (record.iov_len >= TLS_RECORD || s->span_first + 1 == s->span_end) {
        record.iov_len = record.iov_len < TLS_RECORD ? record.iov_len : TLS_RECORD;
        return record;
    }
    for (size_t i = s->span_first; i < s->span_end && n < TLS_RECORD; i++) {
        size_t part = s->spans[i].iov_len < TLS_RECORD - n ? s->spans[i].iov_len : TLS_RECORD - n;

        memcpy(room + n, s->spans[i].iov_base, part);
        n += part;
    }
    return (struct iovec){room, n};
}

static void write_records(struct stream *s, size_t left)
{
    char room[TLS_RECORD];

    while (left > 0 && s->backlog.n == 0 && !s->failed) {
        struct iovec record = next_record(s, room);
        size_t taken = 0;

        s->more_follows = left > record.iov_len;
        ERR_clear_error();
        if (!SSL_write_ex(s->ssl, record.iov_base, record.iov_len, &taken))
            s->failed = true;
        s->more_follows = false;
        drop_written(s, taken);
        left -= taken;
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

/* Go on with the write; when it is complete or has failed, say so from the loop. */
static void proceed(struct stream *s)
{
    size_t left = span_bytes(s);

    if (left > 0 && s->ssl != NULL)
        write_records(s, left);
    else if (left > 0)
        write_plain(s);
    if (s->failed || (s->span_first == s->span_end && s->backlog.n == 0))
        h2o_socket_write(s->socket, NULL, 0, on_written);
    else
        h2o_socket_notify_write(s->socket, on_writable);
}

static void on_writable(h2o_socket_t *socket, const char *error)
{
    struct stream *s = socket->data;

    if (error != NULL)
        s->failed = true;
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
