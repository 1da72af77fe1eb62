#include "registry/net/stream_internal.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <openssl/err.h>

/* ---- the socket as an OpenSSL BIO ---- */

/* Takes every record whole: those of a batch go to the loop's room; of the others, what the kernel refuses waits in the
 * backlog, and the writer stops until that is gone. */
static int bio_write(BIO *bio, const char *bytes, int n)
{
    struct stream *s = BIO_get_data(bio);
    ssize_t sent = 0;

    if (s->failed)
        return -1;
    if (s->gathering)
        return stream_gather(s, bytes, (size_t)n);
    if (s->backlog.n == 0)
        sent = stream_send_now(s, bytes, (size_t)n);
    if (sent < 0)
        return -1;
    if (s->backlog.n + (size_t)(n - sent) > BACKLOG_MAX) {
        s->failed = true;
        return -1;
    }
    if (sent < n)
        sbuf_put(&s->backlog, bytes + sent, (size_t)(n - sent));
    return n;
}

static int bio_read(BIO *bio, char *bytes, int n)
{
    struct stream *s = BIO_get_data(bio);
    ssize_t got;

    BIO_clear_retry_flags(bio);
    do {
        got = recv(s->fd, bytes, (size_t)n, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_read(bio);
    if (got > 0)
        s->bytes_in += (uint64_t)got;
    return (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *socket_method;
static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;

static void make_socket_method(void)
{
    socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "berth stream");
    if (socket_method == NULL || !BIO_meth_set_write(socket_method, bio_write) ||
        !BIO_meth_set_read(socket_method, bio_read) || !BIO_meth_set_ctrl(socket_method, bio_ctrl))
        abort();
}

static SSL *new_ssl(struct stream *s, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    BIO *bio;

    pthread_once(&socket_method_once, make_socket_method);
    bio = BIO_new(socket_method);
    if (ssl == NULL || bio == NULL)
        abort();
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

/* ---- life ---- */

struct stream *stream_new(h2o_loop_t *loop, char *room, int fd, SSL_CTX *tls, void *owner)
{
    struct stream *s = xcalloc(1, sizeof(*s));

    s->socket = h2o_evloop_socket_create(loop, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    s->socket->data = s;
    s->room = room;
    s->fd = fd;
    s->owner = owner;
    if (tls != NULL)
        s->ssl = new_ssl(s, tls);
    h2o_socket_dont_read(s->socket, 1); /* tell of readiness only; stream_read() reads */
    return s;
}

void stream_close(struct stream **stream)
{
    struct stream *s = *stream;

    if (s == NULL)
        return;
    if (s->ssl != NULL) {
        if (!s->failed && s->backlog.n == 0 && SSL_is_init_finished(s->ssl)) {
            ERR_clear_error();
            SSL_shutdown(s->ssl);
        }
        SSL_free(s->ssl);
    }
    h2o_socket_close(s->socket);
    sbuf_free(&s->backlog);
    free(s);
    *stream = NULL;
}

void stream_finish_writing(struct stream *s)
{
    if (s->ssl != NULL && !s->failed) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
    }
    shutdown(s->fd, SHUT_WR);
}

/* ---- reading ---- */

static ssize_t read_plain(struct stream *s, void *buf, size_t n)
{
    ssize_t got;

    do {
        got = recv(s->fd, buf, n, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_WOULD_BLOCK : STREAM_FAILED;
    s->bytes_in += (uint64_t)got;
    return got;
}

ssize_t stream_read(struct stream *s, void *buf, size_t n)
{
    size_t got = 0;

    if (s->ssl == NULL)
        return read_plain(s, buf, n);
    ERR_clear_error();
    if (SSL_read_ex(s->ssl, buf, n, &got) && !s->failed)
        return (ssize_t)got;
    if (s->failed) /* an alert that could not be sent, which OpenSSL does not mind */
        return STREAM_FAILED;
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return STREAM_WOULD_BLOCK;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        s->failed = true;
        return STREAM_FAILED;
    }
}

ssize_t stream_discard(struct stream *s, size_t n)
{
    char bytes[STREAM_DISCARD_BYTES];

    return read_plain(s, bytes, n < sizeof(bytes) ? n : sizeof(bytes));
}

/* A body has a larger buffer than the one that is kept. */
static void choose_mode(struct stream *s)
{
    if (s->keeps_buffers && s->secrets)
        SSL_clear_mode(s->ssl, SSL_MODE_RELEASE_BUFFERS);
    else
        SSL_set_mode(s->ssl, SSL_MODE_RELEASE_BUFFERS);
}

/* OpenSSL wipes its whole buffer when it lets go of it, so the next one is as small as it can be while secrets are
 * expected: 16 KiB are wiped in a tenth of the time of what reads ahead of a body. (Since OpenSSL 3.2 the size is
 * settled with the keys, and this changes nothing.) */
void stream_expect_secrets(struct stream *s, bool secrets)
{
    if (s->ssl == NULL)
        return;
    s->secrets = secrets;
    if (secrets) {
        SSL_set_options(s->ssl, SSL_OP_CLEANSE_PLAINTEXT);
        SSL_set_default_read_buffer_len(s->ssl, 0);
    } else {
        SSL_clear_options(s->ssl, SSL_OP_CLEANSE_PLAINTEXT);
        SSL_set_default_read_buffer_len(s->ssl, STREAM_READ_AHEAD_BYTES);
    }
    choose_mode(s);
}

void stream_keep_buffers(struct stream *s, bool keep)
{
    if (s->ssl == NULL)
        return;
    s->keeps_buffers = keep;
    choose_mode(s);
    if (!keep)
        SSL_free_buffers(s->ssl);
}

bool stream_has_pending(const struct stream *s)
{
    return s->ssl != NULL && SSL_has_pending(s->ssl);
}

static void on_readable(h2o_socket_t *socket, const char *error)
{
    struct stream *s = socket->data;

    s->readable(s->owner, error == NULL);
}

void stream_await_readable(struct stream *s, stream_cb *readable)
{
    s->readable = readable;
    if (!h2o_socket_is_reading(s->socket))
        h2o_socket_read_start(s->socket, on_readable);
}

void stream_ignore_reads(struct stream *s)
{
    if (h2o_socket_is_reading(s->socket))
        h2o_socket_read_stop(s->socket);
}

/* ---- handshake ---- */

/* A client may ask for small records (RFC 6066 §4: 1 to 4 stand for 512 to 4096 bytes), and OpenSSL obeys. */
static size_t record_bytes(const SSL *ssl)
{
    uint8_t asked = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));

    return asked >= 1 && asked <= 4 ? (size_t)256 << asked : TLS_RECORD;
}

static void finish_handshake(struct stream *s, bool ok)
{
    s->failed = s->failed || !ok;
    if (ok)
        s->record_bytes = record_bytes(s->ssl);
    stream_ignore_reads(s);
    stream_expect_secrets(s, true); /* not before: a handshake has none of that kind */
    s->handshaken(s->owner, ok);
}

/* A browser or curl that speaks plain HTTP to the TLS port deserves a sentence instead of a reset. */
static void explain_plain_http(struct stream *s)
{
    static const char text[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        "Content-Length: 60\r\n\r\nThis port speaks TLS: use https:// instead of http:// here.\n";

    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
        stream_send_now(s, text, sizeof(text) - 1);
}

static void on_handshake_readable(h2o_socket_t *socket, const char *error);
static void on_handshake_writable(h2o_socket_t *socket, const char *error);

/* Take the handshake further. While the kernel has not taken all of our flight, the client is not listened to. */
static void shake_hands(struct stream *s)
{
    int rc;

    ERR_clear_error();
    rc = s->failed ? -1 : SSL_do_handshake(s->ssl);
    if (rc != 1 && SSL_get_error(s->ssl, rc) != SSL_ERROR_WANT_READ) {
        explain_plain_http(s);
        finish_handshake(s, false);
    } else if (s->backlog.n > 0) {
        stream_ignore_reads(s);
        h2o_socket_notify_write(s->socket, on_handshake_writable);
    } else if (rc == 1) {
        finish_handshake(s, true);
    } else if (!h2o_socket_is_reading(s->socket)) {
        h2o_socket_read_start(s->socket, on_handshake_readable);
    }
}

static void on_handshake_readable(h2o_socket_t *socket, const char *error)
{
    struct stream *s = socket->data;

    s->failed = s->failed || error != NULL;
    shake_hands(s);
}

static void on_handshake_writable(h2o_socket_t *socket, const char *error)
{
    struct stream *s = socket->data;

    s->failed = s->failed || error != NULL;
    stream_send_backlog(s);
    shake_hands(s);
}

void stream_handshake(struct stream *s, stream_cb *done)
{
    s->handshaken = done;
    if (s->ssl == NULL)
        done(s->owner, true);
    else
        shake_hands(s);
}

uint64_t stream_bytes_in(const struct stream *s)
{
    return s->bytes_in;
}

uint64_t stream_bytes_out(const struct stream *s)
{
    return s->bytes_out;
}

uint64_t stream_unacknowledged(const struct stream *s)
{
    int n = 0;

    return ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

bool stream_is_tls(const struct stream *s)
{
    return s->ssl != NULL;
}

SSL *stream_ssl(const struct stream *s)
{
    return s->ssl;
}

h2o_socket_t *stream_socket(struct stream *s)
{
    return s->socket;
}
