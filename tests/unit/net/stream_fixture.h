/* A stream on a real event loop, over a socketpair with small buffers; the other end is stepped in the same thread. */
#ifndef BERTH_STREAM_FIXTURE_H
#define BERTH_STREAM_FIXTURE_H

#include "registry/net/stream.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "registry/base/str.h"
#include "tests/unit/test.h"

enum { TURNS_MAX = 300000, BIG = 1000000 };

/* ---- a server's certificate ---- */

/* `padding`: how many long names to put in, so that the certificate does not fit a socket buffer. */
static inline X509 *make_certificate(EVP_PKEY *key, int padding)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    static const unsigned char text[] = "an organizational unit of sixty characters, to take up space";

    for (int i = 0; i < padding; i++)
        X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_ASC, text, -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    if (!ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) ||
        !X509_gmtime_adj(X509_getm_notBefore(certificate), -60) ||
        !X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) || !X509_set_issuer_name(certificate, name) ||
        !X509_set_pubkey(certificate, key) || X509_sign(certificate, key, EVP_sha256()) == 0)
        abort();
    return certificate;
}

static inline SSL_CTX *make_server_context(int padding)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key, padding);

    if (!SSL_CTX_use_certificate(context, certificate) || !SSL_CTX_use_PrivateKey(context, key))
        abort();
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

/* ---- both ends ---- */

static char shared_room[STREAM_ROOM_BYTES];

struct pair {
    h2o_loop_t *loop;
    SSL_CTX *server_context;
    SSL_CTX *client_context;

    /* the stream, and what its callbacks told */
    struct stream *stream;
    struct sbuf received;
    ssize_t last_read;
    size_t read_size; /* bytes per stream_read() */
    int handshakes, writes, readables;
    bool ok; /* of the last callback */

    /* the client */
    int fd;
    SSL *ssl;
    struct sbuf got;
    bool got_end;
};

static inline void open_pair(struct pair *p, int tls_version, int padding)
{
    int fds[2], small = 1;

    memset(p, 0, sizeof(*p));
    signal(SIGPIPE, SIG_IGN); /* for the client */
    p->read_size = 100000;
    p->loop = h2o_evloop_create();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    for (int i = 0; i < 2; i++)
        if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) != 0)
            abort();
    p->fd = fds[1];
    if (tls_version != 0) {
        p->server_context = make_server_context(padding);
        p->client_context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(p->client_context, tls_version);
        SSL_CTX_set_max_proto_version(p->client_context, tls_version);
        p->ssl = SSL_new(p->client_context);
        SSL_set_fd(p->ssl, p->fd);
        SSL_set_connect_state(p->ssl);
    }
    p->stream = stream_new(p->loop, shared_room, fds[0], p->server_context, p);
}

static inline void close_pair(struct pair *p)
{
    stream_close(&p->stream);
    h2o_evloop_run(p->loop, 0);
    h2o_evloop_destroy(p->loop);
    SSL_free(p->ssl);
    if (p->fd >= 0)
        close(p->fd);
    SSL_CTX_free(p->server_context);
    SSL_CTX_free(p->client_context);
    sbuf_free(&p->received);
    sbuf_free(&p->got);
}

static inline void on_handshake(void *owner, bool ok)
{
    struct pair *p = owner;

    p->handshakes++;
    p->ok = ok;
}

static inline void on_written(void *owner, bool ok)
{
    struct pair *p = owner;

    p->writes++;
    p->ok = ok;
}

static inline void on_readable(void *owner, bool ok)
{
    struct pair *p = owner;
    char *buf = xmalloc(p->read_size);

    p->readables++;
    p->ok = ok;
    while ((p->last_read = stream_read(p->stream, buf, p->read_size)) > 0)
        sbuf_put(&p->received, buf, (size_t)p->last_read);
    if (p->last_read != STREAM_WOULD_BLOCK)
        stream_ignore_reads(p->stream);
    free(buf);
}

static inline void turn(struct pair *p)
{
    h2o_evloop_run(p->loop, 0);
}

static inline bool shake_as_client(struct pair *p)
{
    for (int i = 0; i < TURNS_MAX && !SSL_is_init_finished(p->ssl); i++) {
        ERR_clear_error();
        SSL_do_handshake(p->ssl);
        turn(p);
    }
    for (int i = 0; i < TURNS_MAX && p->handshakes == 0; i++)
        turn(p);
    return SSL_is_init_finished(p->ssl) && p->handshakes == 1 && p->ok;
}

/* A pair whose handshake is done. */
static inline void connect_pair(struct pair *p, int tls_version)
{
    open_pair(p, tls_version, 0);
    stream_handshake(p->stream, on_handshake);
    CHECK(tls_version == 0 ? p->handshakes == 1 && p->ok : shake_as_client(p));
}

/* Some bytes, as the client takes them; false when there are none for now. */
static inline bool client_read(struct pair *p, size_t n)
{
    char buf[4096];
    ssize_t got;

    ERR_clear_error();
    n = n < sizeof(buf) ? n : sizeof(buf);
    got = p->ssl != NULL ? SSL_read(p->ssl, buf, (int)n) : recv(p->fd, buf, n, MSG_DONTWAIT);
    if (got > 0)
        sbuf_put(&p->got, buf, (size_t)got);
    else if (p->ssl != NULL ? SSL_get_error(p->ssl, (int)got) == SSL_ERROR_ZERO_RETURN : got == 0)
        p->got_end = true;
    return got > 0;
}

static inline size_t client_write(struct pair *p, const char *bytes, size_t n)
{
    ssize_t sent;

    ERR_clear_error();
    sent = p->ssl != NULL ? SSL_write(p->ssl, bytes, (int)n) : send(p->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

static inline char *make_bytes(size_t n)
{
    char *bytes = xmalloc(n);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 2654435761U >> 13);
    return bytes;
}

static const int versions[] = {0, TLS1_2_VERSION, TLS1_3_VERSION};

#endif
