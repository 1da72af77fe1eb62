#include "registry/health/probe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/ssl.h>

/* registry */
#include "registry/base/connect.h"
#include "registry/config/address.h"
#include "registry/health/reach.h"

enum { ANSWER_MAX = 8 * 1024 };

struct visit {
    const struct probe *probe;
    int fd;
    SSL_CTX *context; /* NULL: plain HTTP */
    SSL *ssl;
    bool wants_certificate; /* the server asked for a client's */
    struct sbuf answer;
};

/* ---- bytes, with TLS and without ---- */

/* What a call that did not succeed is waiting for. ERR_BUSY: the deadline; ERR_IO: the other side ended it. */
static int wait_tls(struct visit *visit, int rc, struct err *e)
{
    int wants = SSL_get_error(visit->ssl, rc);
    const char *reason;

    if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE)
        return wait_before(visit->fd, wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, visit->probe->deadline_ms, e);
    reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return err_set(e, ERR_IO, "TLS: %s", reason == NULL ? "the connection was closed" : reason);
}

static int send_some(struct visit *visit, struct str bytes, size_t *sent, struct err *e)
{
    ssize_t n;

    *sent = 0;
    if (visit->ssl != NULL) {
        int rc = SSL_write(visit->ssl, bytes.p, (int)bytes.n);

        *sent = rc > 0 ? (size_t)rc : 0;
        return rc > 0 ? 0 : wait_tls(visit, rc, e);
    }
    n = send(visit->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    *sent = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return 0;
    return errno == EAGAIN ? wait_before(visit->fd, POLLOUT, visit->probe->deadline_ms, e) : err_errno(e, "send");
}

/* *got is 0 when it has to be tried again, or at the end, *over. */
static int receive_some(struct visit *visit, char *bytes, size_t room, size_t *got, bool *over, struct err *e)
{
    ssize_t n;

    *got = 0;
    if (visit->ssl != NULL) {
        int rc = SSL_read(visit->ssl, bytes, (int)room);

        *got = rc > 0 ? (size_t)rc : 0;
        *over = rc <= 0 && SSL_get_error(visit->ssl, rc) == SSL_ERROR_ZERO_RETURN;
        return rc > 0 || *over ? 0 : wait_tls(visit, rc, e);
    }
    n = recv(visit->fd, bytes, room, 0);
    *got = n > 0 ? (size_t)n : 0;
    *over = n == 0;
    if (n >= 0)
        return 0;
    return errno == EAGAIN ? wait_before(visit->fd, POLLIN, visit->probe->deadline_ms, e) : err_errno(e, "receive");
}

/* ---- the visit ---- */

static int note_request(SSL *ssl, void *context)
{
    (void)ssl;
    ((struct visit *)context)->wants_certificate = true;
    return 1;
}

static int shake_hands(struct visit *visit, struct err *e)
{
    int rc;

    visit->context = SSL_CTX_new(TLS_client_method());
    if (visit->context == NULL)
        return err_set(e, ERR_IO, "TLS cannot be prepared");
    SSL_CTX_set_verify(visit->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_cb(visit->context, note_request, visit);
    visit->ssl = SSL_new(visit->context);
    if (visit->ssl == NULL || SSL_set_fd(visit->ssl, visit->fd) != 1)
        return err_set(e, ERR_IO, "TLS cannot be prepared");
    while ((rc = SSL_connect(visit->ssl)) != 1)
        if (wait_tls(visit, rc, e) != 0)
            return -1;
    return 0;
}

static int say(struct visit *visit, struct err *e)
{
    struct sbuf request = {0};
    struct str rest;
    size_t sent;
    int rc = 0;

    sbuf_printf(&request,
                "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: berth-health/" BERTH_VERSION
                "\r\nConnection: close\r\n\r\n",
                visit->probe->target, visit->probe->is_path ? "localhost" : visit->probe->addr);
    for (rest = (struct str){request.p, request.n}; rc == 0 && rest.n > 0; rest = str_from(rest, sent))
        rc = send_some(visit, rest, &sent, e);
    sbuf_free(&request);
    return rc;
}

/* To its end, or as much as anybody wants to know. */
static int listen_to(struct visit *visit, struct err *e)
{
    char piece[1024];
    bool over = false;
    size_t got;

    while (!over && visit->answer.n < ANSWER_MAX) {
        if (receive_some(visit, piece, sizeof(piece), &got, &over, e) != 0)
            return -1;
        sbuf_put(&visit->answer, piece, got);
    }
    return 0;
}

static int connect_to(struct visit *visit, struct err *e)
{
    const struct probe *probe = visit->probe;
    struct address address;

    if (probe->is_path)
        visit->fd = reach_unix(probe->addr, probe->deadline_ms, e);
    else if (address_parse(str_of(probe->addr), true, &address, e) == 0)
        visit->fd = reach_tcp(address.host, address.port, probe->deadline_ms, e);
    return visit->fd >= 0 ? 0 : -1;
}

/* ---- what was answered ---- */

static void take_body(struct str body, struct probe_answer *answer)
{
    size_t n = 0;

    body = str_trim(body);
    for (size_t i = 0; i < body.n && body.p[i] != '\n' && n + 1 < sizeof(answer->body); i++)
        answer->body[n++] = (char)(body.p[i] >= ' ' && body.p[i] < 0x7f ? body.p[i] : '?');
    answer->body[n] = '\0';
}

static int take_answer(struct visit *visit, struct probe_answer *answer, struct err *e)
{
    const char *text = sbuf_text(&visit->answer);
    const char *end = strstr(text, "\r\n\r\n");
    uint64_t status;

    if (strncmp(text, "HTTP/1.", 7) != 0 || strnlen(text, 12) < 12 || end == NULL ||
        !str_to_u64((struct str){text + 9, 3}, &status))
        return err_set(e, ERR_INVALID, "what answers does not speak HTTP%s; is the right port configured?",
                       visit->ssl == NULL ? ", or wants TLS" : "");
    answer->status = (int)status;
    answer->is_registry = strcasestr(text, "\r\ndocker-distribution-api-version:") != NULL;
    take_body(str_of(end + 4), answer);
    return 0;
}

/* A connection that is refused for want of a certificate ends with an alert, of TLS 1.3 after the handshake. */
static int converse(struct visit *visit, struct probe_answer *answer, struct err *e)
{
    int rc = visit->probe->tls ? shake_hands(visit, e) : 0;

    if (rc == 0 && (rc = say(visit, e)) == 0)
        rc = listen_to(visit, e);
    /* Who closes in a hurry has answered all the same. */
    if (rc == 0 || (visit->answer.n > 0 && e->code == ERR_IO))
        return take_answer(visit, answer, e);
    return visit->wants_certificate && e->code == ERR_IO ? 0 : -1;
}

int probe_ask(const struct probe *probe, struct probe_answer *answer, struct err *e)
{
    struct visit visit = {.probe = probe, .fd = -1};
    int rc;

    *answer = (struct probe_answer){0};
    rc = connect_to(&visit, e);
    if (rc == 0 && (rc = converse(&visit, answer, e)) != 0)
        err_wrap(e, "%s", probe->addr);
    SSL_free(visit.ssl);
    SSL_CTX_free(visit.context);
    if (visit.fd >= 0)
        close(visit.fd);
    sbuf_free(&visit.answer);
    return rc;
}
