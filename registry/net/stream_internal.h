/* What stream.c (life, reading, handshake) and stream_write.c share. */
#ifndef BERTH_NET_STREAM_INTERNAL_H
#define BERTH_NET_STREAM_INTERNAL_H

#include "registry/base/str.h"
#include "registry/net/stream.h"

enum {
    TLS_RECORD = 16384, /* largest plaintext of a record (RFC 8446 §5.1) */
    SPANS_MAX = 8,
    BACKLOG_MAX = 128 * 1024, /* a handshake flight and some records: a client that asks for more never reads */
};

struct stream {
    /* who and where */
    h2o_socket_t *socket;
    SSL *ssl; /* NULL: plain */
    void *owner;
    int fd;

    /* reading */
    stream_cb *readable;
    stream_cb *handshaken;
    bool secrets;       /* what is read now may hold some */
    bool keeps_buffers; /* as the owner wishes */

    /* writing: what is left of the spans, and ciphertext that the kernel did not take yet */
    struct iovec spans[SPANS_MAX];
    size_t span_first;
    size_t span_end;
    stream_cb *written;
    struct sbuf backlog;
    size_t backlog_sent;
    bool more_follows; /* another record comes right behind this one: let the kernel wait for it */
    bool failed;

    /* progress */
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* Send now what the kernel takes; the number of bytes, 0 when it takes none, -1 when the connection is dead. */
ssize_t stream_send_now(struct stream *s, const void *bytes, size_t n);
/* Send of the backlog what the kernel takes; empty it when that is all. */
void stream_send_backlog(struct stream *s);

#endif
