#include "tests/bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/base/str.h"

enum { BUFFER_SIZE = 64 * 1024, HEAD_MAX = 16 * 1024 };

struct client {
    const struct target *target;
    int fd;
    SSL *ssl; /* NULL: plain */
    /* received and not yet taken: buffer[start .. end) */
    size_t start;
    size_t end;
    char buffer[BUFFER_SIZE];
};

static int tls_error(struct err *e, const char *what)
{
    char text[256];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    return err_set(e, ERR_IO, "%s: %s", what, text);
}

/* ---- targets ---- */

static int make_tls(struct target *target, const char *ca, struct err *e)
{
    target->tls = SSL_CTX_new(TLS_client_method());
    if (target->tls == NULL)
        return tls_error(e, "TLS");
    if (ca == NULL)
        return err_set(e, ERR_INVALID, "https needs --ca");
    if (SSL_CTX_load_verify_file(target->tls, ca) != 1)
        return tls_error(e, ca);
    SSL_CTX_set_verify(target->tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(target->tls, 1);
    SSL_CTX_set_default_read_buffer_len(target->tls, BUFFER_SIZE);
    return 0;
}

static char *make_headers(const char *user, const char *header)
{
    struct sbuf lines = {0};

    if (user != NULL) {
        size_t n = strlen(user);
        unsigned char *encoded = xmalloc(4 * (n / 3 + 1) + 1);

        EVP_EncodeBlock(encoded, (const unsigned char *)user, (int)n);
        sbuf_printf(&lines, "Authorization: Basic %s\r\n", (char *)encoded);
        free(encoded);
    }
    if (header != NULL)
        sbuf_printf(&lines, "%s\r\n", header);
    sbuf_text(&lines);
    return lines.p;
}

int target_init(struct target *target, const char *url, const char *ca, const char *user, const char *header,
                struct err *e)
{
    char address[32];
    unsigned port;
    bool secure = strncmp(url, "https://", 8) == 0;

    memset(target, 0, sizeof(*target));
    if (sscanf(url, secure ? "https://%31[0-9.]:%5u" : "http://%31[0-9.]:%5u", address, &port) != 2 || port > 65535)
        return err_set(e, ERR_INVALID, "%s: not http[s]://ADDRESS:PORT", url);
    target->address.sin_family = AF_INET;
    target->address.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, address, &target->address.sin_addr) != 1)
        return err_set(e, ERR_INVALID, "%s: not an IPv4 address", address);
    snprintf(target->host, sizeof(target->host), "%s:%u", address, port);
    target->headers = make_headers(user, header);
    return secure ? make_tls(target, ca, e) : 0;
}

void target_free(struct target *target)
{
    SSL_CTX_free(target->tls);
    free(target->headers);
    memset(target, 0, sizeof(*target));
}

/* ---- connections ---- */

static int shake_hands(struct client *c, SSL_SESSION *session, struct err *e)
{
    char address[INET_ADDRSTRLEN];

    c->ssl = SSL_new(c->target->tls);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
        return tls_error(e, "TLS");
    inet_ntop(AF_INET, &c->target->address.sin_addr, address, sizeof(address));
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), address) != 1)
        return tls_error(e, "TLS");
    if (session != NULL && SSL_set_session(c->ssl, session) != 1)
        return tls_error(e, "TLS session");
    if (SSL_connect(c->ssl) != 1)
        return tls_error(e, "TLS handshake");
    return 0;
}

struct client *client_resume(const struct target *target, SSL_SESSION *session, struct err *e)
{
    struct client *c = xmalloc(sizeof(*c));
    const int on = 1;

    c->target = target;
    c->ssl = NULL;
    c->start = c->end = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&target->address, sizeof(target->address)) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        err_errno(e, "connect to %s", target->host);
    else if (target->tls == NULL || shake_hands(c, session, e) == 0)
        return c;
    client_close(&c);
    return NULL;
}

struct client *client_open(const struct target *target, struct err *e)
{
    return client_resume(target, NULL, e);
}

SSL *client_ssl(const struct client *c)
{
    return c->ssl;
}

void client_close(struct client **client)
{
    struct client *c = *client;

    *client = NULL;
    if (c == NULL)
        return;
    if (c->ssl != NULL)
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN); /* the session stays good */
    SSL_free(c->ssl);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

int client_send(struct client *c, const void *bytes, size_t n, struct err *e)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t sent;

        if (c->ssl != NULL) {
            sent = SSL_write(c->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
            if (sent <= 0)
                return tls_error(e, "send");
        } else {
            sent = send(c->fd, p, n, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR)
                continue;
            if (sent < 0)
                return err_errno(e, "send");
        }
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* At least one more byte into the buffer, which has room. */
static int receive(struct client *c, struct err *e)
{
    ssize_t n;

    if (c->start == c->end)
        c->start = c->end = 0;
    do {
        if (c->ssl != NULL)
            n = SSL_read(c->ssl, c->buffer + c->end, (int)(sizeof(c->buffer) - c->end));
        else
            n = recv(c->fd, c->buffer + c->end, sizeof(c->buffer) - c->end, 0);
    } while (n < 0 && c->ssl == NULL && errno == EINTR);
    if (n <= 0)
        return err_set(e, ERR_IO, "the server closed the connection in the middle of an answer");
    c->end += (size_t)n;
    return 0;
}

/* ---- requests and answers ---- */

int client_send_head(struct client *c, const char *method, const char *path, const char *headers, struct err *e)
{
    struct sbuf head = {0};
    int rc;

    sbuf_printf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n", method, path, c->target->host, c->target->headers,
                headers);
    rc = client_send(c, head.p, head.n, e);
    sbuf_free(&head);
    return rc;
}

/* Moves what was received to the front and reads until the empty line; its end goes to `length`. */
static int receive_head(struct client *c, size_t *length, struct err *e)
{
    const char *end;

    memmove(c->buffer, c->buffer + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
    while ((end = memmem(c->buffer, c->end, "\r\n\r\n", 4)) == NULL) {
        if (c->end >= HEAD_MAX)
            return err_set(e, ERR_TOO_LARGE, "the head of an answer is over %d bytes", (int)HEAD_MAX);
        if (receive(c, e) != 0)
            return -1;
    }
    *length = (size_t)(end - c->buffer) + 4;
    return 0;
}

/* A Location without scheme and authority. */
static void take_location(struct str value, struct answer *answer)
{
    if (!str_starts(value, STR("/"))) {
        const char *authority = memmem(value.p, value.n, "://", 3);

        if (authority == NULL)
            return;
        value = str_from(value, (size_t)(authority - value.p) + 3);
        value = str_from(value, str_find(value, '/'));
    }
    if (value.n < sizeof(answer->location)) {
        memcpy(answer->location, value.p, value.n);
        answer->location[value.n] = '\0';
    }
}

/* The two headers that matter; answers with chunked bodies are not expected of what is measured. */
static int parse_head(struct str head, struct answer *answer, bool *has_length, struct err *e)
{
    uint64_t status;

    if (head.n < 14 || !str_starts(head, STR("HTTP/1.")) || !str_to_u64((struct str){head.p + 9, 3}, &status))
        return err_set(e, ERR_INVALID, "not an HTTP answer");
    answer->status = (int)status;
    while (head.n > 2) {
        size_t end = str_find(head, '\n');
        struct str line = {head.p, end > 0 ? end - 1 : 0};
        size_t colon = str_find(line, ':');
        struct str name = {line.p, colon};
        struct str value = str_trim(str_from(line, colon + 1));

        head = str_from(head, end + 1);
        if (str_eq_nocase(name, STR("content-length")))
            *has_length = str_to_u64(value, &answer->length);
        else if (str_eq_nocase(name, STR("location")))
            take_location(value, answer);
    }
    return 0;
}

typedef void body_taker(void *argument, const void *bytes, size_t n);

/* `take` may be NULL. */
static int receive_body(struct client *c, uint64_t n, body_taker *take, void *argument, struct err *e)
{
    while (n > 0) {
        size_t here = c->end - c->start;

        if (here > n)
            here = (size_t)n;
        if (take != NULL)
            take(argument, c->buffer + c->start, here);
        c->start += here;
        n -= here;
        if (n > 0 && receive(c, e) != 0)
            return -1;
    }
    return 0;
}

static int read_answer(struct client *c, bool head_only, body_taker *take, void *argument, struct answer *answer,
                       struct err *e)
{
    bool has_length = false;
    size_t head = 0;

    *answer = (struct answer){0};
    if (receive_head(c, &head, e) != 0 || parse_head((struct str){c->buffer, head}, answer, &has_length, e) != 0)
        return -1;
    c->start = head;
    if (head_only || answer->status == 204 || answer->status == 304)
        return 0;
    if (!has_length)
        return err_set(e, ERR_UNSUPPORTED, "an answer of status %d without Content-Length", answer->status);
    return receive_body(c, answer->length, take, argument, e);
}

int client_read_answer(struct client *c, bool head_only, struct answer *answer, struct err *e)
{
    return read_answer(c, head_only, NULL, NULL, answer, e);
}

int client_read_body(struct client *c, body_taker *take, void *argument, struct answer *answer, struct err *e)
{
    return read_answer(c, false, take, argument, answer, e);
}

int client_ask(struct client *c, const char *method, const char *path, const void *body, size_t n, int expected,
               struct answer *answer, struct err *e)
{
    char headers[128];

    headers[0] = '\0';
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        snprintf(headers, sizeof(headers), "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n", n);
    if (client_send_head(c, method, path, headers, e) != 0 || client_send(c, body, n, e) != 0 ||
        client_read_answer(c, strcmp(method, "HEAD") == 0, answer, e) != 0)
        return err_wrap(e, "%s %s", method, path);
    if (answer->status != expected)
        return err_set(e, ERR_INVALID, "%s %s: status %d instead of %d", method, path, answer->status, expected);
    return 0;
}
