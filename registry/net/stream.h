/*
 * A byte stream to one client: a libh2o event-loop socket, with TLS by OpenSSL when the listener has a certificate.
 *
 * Why not libh2o's own TLS: its 2.2.5 reads as much as the kernel holds (megabytes a connection, spooled to a temporary
 * file past 32 MiB), cannot answer a TLS 1.3 KeyUpdate, loses the alert of a failed handshake, and may wait for ever to
 * deliver close_notify. Here the caller says how much to read and where to, ciphertext goes straight to the kernel, and
 * both directions count their progress so that timers can tell a slow client from a dead one.
 *
 * Thread: a stream lives and dies on one loop. No function blocks. Callbacks run from the loop, never from inside the
 * call that asked for them, but for that of the handshake. After stream_close() no callback comes.
 */
#ifndef BERTH_NET_STREAM_H
#define BERTH_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <h2o.h>
#include <openssl/ssl.h>

struct stream;

typedef void stream_cb(void *owner, bool ok);

enum {
    STREAM_WOULD_BLOCK = -1,
    STREAM_FAILED = -2,
    STREAM_DISCARD_BYTES = 16384,
    STREAM_READ_AHEAD_BYTES = 128 * 1024,   /* of a body over TLS, with one recv() */
    STREAM_ROOM_BYTES = 17 * (16384 + 256), /* records for a piece of a file and the head before it */
    STREAM_TURN_BYTES = 256 * 1024,         /* that may come or go before the others of the loop are looked at */
};

/* Takes over the non-blocking descriptor `fd`. `room`: STREAM_ROOM_BYTES that all streams of the loop share and that
 * outlive them; they need it only inside of calls. `tls` may be NULL (plain); its reference is the caller's. */
struct stream *stream_new(h2o_loop_t *loop, char *room, int fd, SSL_CTX *tls, void *owner);
/* Sends close_notify if that is possible at once, closes, nulls. */
void stream_close(struct stream **stream);
/* No more writes: FIN to the client, which may still be read from (lingering close). */
void stream_finish_writing(struct stream *s);

/* TLS handshake, beginning with what the client has sent already. `done` may be called at once, from inside: always so
 * for a plain stream. */
void stream_handshake(struct stream *s, stream_cb *done);

/* Bytes read into `buf`, 0 at the end of the stream, STREAM_WOULD_BLOCK, or STREAM_FAILED. After anything but
 * STREAM_WOULD_BLOCK there may be more that no readiness event will announce: read on before waiting. */
ssize_t stream_read(struct stream *s, void *buf, size_t n);
/* Read and drop up to `n` (at most STREAM_DISCARD_BYTES) bytes as they come, whatever they mean; works after a failed
 * handshake, too. Nothing can be read any more afterwards. Returns as stream_read(). */
ssize_t stream_discard(struct stream *s, size_t n);
/* Does what is read from now on hold secrets, as heads do? Then OpenSSL's copies of it are wiped as well, and little is
 * read ahead so that little has to be wiped; bodies, which would pay for that with one part in sixty of their CPU time,
 * are read far ahead. It does behind the handshake. */
void stream_expect_secrets(struct stream *s, bool secrets);
/* Keep TLS's buffers (33 KiB) from one record to the next, which spares a client's next request the room being found
 * and wiped? Not at first. Afterwards they go as soon as they are empty. */
void stream_keep_buffers(struct stream *s, bool keep);
/* Were bytes received that stream_read() has not given out yet? */
bool stream_has_pending(const struct stream *s);
/* Call `readable(owner, true)` whenever there may be something to read, until stream_ignore_reads(). */
void stream_await_readable(struct stream *s, stream_cb *readable);
void stream_ignore_reads(struct stream *s);

/* Write all of `spans` (copied; the bytes are not: keep them until `done`). One write at a time. done(owner, false):
 * the client is gone. */
void stream_write(struct stream *s, const struct iovec *spans, size_t n, stream_cb *done);
/* Is a write under way? */
bool stream_is_writing(const struct stream *s);

/* Bytes of the connection moved so far in each direction: for minimum-rate timers. */
uint64_t stream_bytes_in(const struct stream *s);
uint64_t stream_bytes_out(const struct stream *s);
/* Bytes of those that went out which the client has not acknowledged: the kernel takes megabytes at once and then none
 * for long, while a slow reader reads steadily. A system call. */
uint64_t stream_unacknowledged(const struct stream *s);

bool stream_is_tls(const struct stream *s);
/* The stream's TLS, for what concerns the client's certificate; NULL for a plain stream. It ends with the stream. */
SSL *stream_ssl(const struct stream *s);
h2o_socket_t *stream_socket(struct stream *s);

#endif
