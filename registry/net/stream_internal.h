/* What stream.c (life, reading, handshake) and stream_write.c share. */
#ifndef BERTH_NET_STREAM_INTERNAL_H
#define BERTH_NET_STREAM_INTERNAL_H

#include "registry/base/str.h"
#include "registry/net/stream.h"

enum {
    TLS_RECORD = 16384,    /* largest plaintext of a record (RFC 8446 §5.1) */
    RECORD_OVERHEAD = 256, /* what a record may have beyond its plaintext (RFC 8446 §5.2) */
    BATCH_RECORDS = STREAM_ROOM_BYTES / (TLS_RECORD + RECORD_OVERHEAD),
    SPANS_MAX = 8,
    /* A batch, and then a handshake flight or some records: a client that asks for more never reads. */
    BACKLOG_MAX = STREAM_ROOM_BYTES + 128 * 1024,
};

struct stream {
    /* who and where */
    h2o_socket_t *socket;
    SSL *ssl; /* NULL: plain */
    void *owner;
    int fd;
    size_t record_bytes; /* of plaintext in a full record */

    /* reading */
    stream_cb *readable;
    stream_cb *handshaken;
    bool secrets;       /* what is read now may hold some */
    bool keeps_buffers; /* as the owner wishes */

    /* writing: what is left of the spans, and ciphertext that the kernel did not take yet.
     * Bytes are in `backlog` only while the kernel is full, and then no batch is made. */
    struct iovec spans[SPANS_MAX];
    size_t span_first;
    size_t span_end;
    stream_cb *written;
    struct sbuf backlog;
    size_t backlog_sent;
    char *room;        /* STREAM_ROOM_BYTES, of all streams of the loop */
    size_t gathered;   /* bytes of a batch in it; 0 between two calls */
    bool gathering;    /* records go there now */
    bool more_follows; /* more comes right behind this: let the kernel wait for it */
    bool failed;

    /* progress */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t turn_began; /* bytes_out then */
};

/* Send now what the kernel takes; the number of bytes, 0 when it takes none, -1 when the connection is dead. */
ssize_t stream_send_now(struct stream *s, const void *bytes, size_t n);
/* Put a record into the batch; its size, or -1 when there is no room, which fails the stream. */
int stream_gather(struct stream *s, const char *bytes, size_t n);
/* Send of the backlog what the kernel takes; empty it when that is all. */
void stream_send_backlog(struct stream *s);

#endif
