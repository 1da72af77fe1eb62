/* A server on this machine that says what a test wants it to say, in a thread, over plain sockets or TLS. */
#ifndef BERTH_TEST_HTTP_FIXTURE_H
#define BERTH_TEST_HTTP_FIXTURE_H

#include "registry/client/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/unit/net/certificate_fixture.h"

enum { HEAD_ROOM = 64 * 1024 };

/* A connection, as its server sees it. */
struct talk {
    int fd;
    SSL *ssl; /* NULL: plain */
    char head[HEAD_ROOM];
};

struct site {
    int listener;
    int port;
    pthread_t thread;
    SSL_CTX *tls; /* NULL: plain */
    void (*answer)(struct talk *talk, const void *arg);
    const void *arg;
    _Atomic int requests;
    char last[HEAD_ROOM]; /* the head of the last request; to be read when its answer is there */
};

static inline bool talk_write(struct talk *talk, const void *bytes, size_t n)
{
    const char *next = bytes;

    while (n > 0) {
        ssize_t sent = talk->ssl != NULL ? SSL_write(talk->ssl, next, (int)n) : send(talk->fd, next, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        next += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline bool talk_say(struct talk *talk, const char *text)
{
    return talk_write(talk, text, strlen(text));
}

/* A byte at a time, so that a body stays in the socket. False: no more comes. */
static inline bool talk_read_head(struct talk *talk)
{
    size_t n = 0;

    while (n + 1 < sizeof(talk->head)) {
        ssize_t got = talk->ssl != NULL ? SSL_read(talk->ssl, talk->head + n, 1) : recv(talk->fd, talk->head + n, 1, 0);

        if (got <= 0)
            return false;
        talk->head[++n] = '\0';
        if (n >= 4 && strcmp(talk->head + n - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static inline void serve_connection(struct site *site, int fd)
{
    struct talk *talk = xcalloc(1, sizeof(*talk));
    bool ready = true;

    talk->fd = fd;
    if (site->tls != NULL) {
        talk->ssl = SSL_new(site->tls);
        SSL_set_fd(talk->ssl, fd);
        ready = SSL_accept(talk->ssl) == 1;
    }
    if (ready && talk_read_head(talk)) {
        memcpy(site->last, talk->head, sizeof(site->last));
        atomic_fetch_add(&site->requests, 1);
        site->answer(talk, site->arg);
    }
    SSL_free(talk->ssl);
    close(fd);
    free(talk);
}

static inline void *serve_site(void *arg)
{
    struct site *site = arg;
    int fd;

    while ((fd = accept(site->listener, NULL, NULL)) >= 0)
        serve_connection(site, fd);
    return NULL;
}

/* Serves until site_close(). Each connection carries one request. */
static inline void site_open(struct site *site, SSL_CTX *tls, void (*answer)(struct talk *, const void *),
                             const void *arg)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);

    memset(site, 0, sizeof(*site));
    site->tls = tls;
    site->answer = answer;
    site->arg = arg;
    site->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(site->listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
         listen(site->listener, 16) == 0 && getsockname(site->listener, (struct sockaddr *)&address, &n) == 0);
    site->port = ntohs(address.sin_port);
    must(pthread_create(&site->thread, NULL, serve_site, site) == 0);
}

static inline void site_close(struct site *site)
{
    shutdown(site->listener, SHUT_RDWR);
    pthread_join(site->thread, NULL);
    close(site->listener);
}

/* An address in it, in memory that the next call but three uses again. */
static inline const char *site_url(const struct site *site, const char *path)
{
    static char urls[4][512];
    static unsigned next;
    char *out = urls[next++ % 4];

    snprintf(out, sizeof(urls[0]), "%s://127.0.0.1:%d%s", site->tls != NULL ? "https" : "http", site->port, path);
    return out;
}

#endif
