/*
 * Handshakes, full and resumed, one after the other on each thread.
 *
 * The server is what is measured, so the client does no more than it must: the chain of certificates is verified by the
 * connection that each thread opens before the clock starts, and afterwards only the server's signature is. A thread
 * has an SSL_CTX of its own, or all of them would wait for its locks.
 *
 * Resumed: by tickets, as clients do. With TLS 1.3 each connection reads the ticket that the server sends behind the
 * handshake, and the next one uses that (RFC 8446 §C.4).
 */
#include <stdlib.h>
#include <string.h>

#include "registry/base/str.h"
#include "tests/bench/load.h"

struct shaker {
    struct target target;
    SSL_SESSION *session; /* that the next connection resumes */
    int version;
};

static int trust_blindly(X509_STORE_CTX *shown, void *argument)
{
    (void)shown, (void)argument;
    return 1;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct shaker *shaker = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(shaker->session);
    shaker->session = session;
    return 1; /* the reference is ours now */
}

static SSL_CTX *make_context(struct shaker *shaker)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL || SSL_CTX_set_min_proto_version(context, shaker->version) != 1 ||
        SSL_CTX_set_max_proto_version(context, shaker->version) != 1 || SSL_CTX_set_app_data(context, shaker) != 1)
        abort();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, trust_blindly, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY); /* SSL_read() returns behind a ticket */
    return context;
}

int handshakes_prepare(struct worker *worker, struct err *e)
{
    const char *version = worker->options->arguments[0];
    struct shaker *shaker = xcalloc(1, sizeof(*shaker));

    worker->state = shaker;
    shaker->target = *worker->target;
    shaker->version = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    if (shaker->version == TLS1_3_VERSION && strcmp(version, "1.3") != 0)
        return err_set(e, ERR_INVALID, "%s: neither 1.2 nor 1.3", version);
    if (worker->target->tls == NULL)
        return err_set(e, ERR_INVALID, "handshakes need https://");
    shaker->target.tls = make_context(shaker);
    return 0;
}

void handshakes_free(struct worker *worker)
{
    struct shaker *shaker = worker->state;

    if (shaker == NULL)
        return;
    SSL_SESSION_free(shaker->session);
    if (shaker->target.tls != worker->target->tls)
        SSL_CTX_free(shaker->target.tls);
    free(shaker);
    worker->state = NULL;
}

int handshakes_run(struct worker *worker, struct err *e)
{
    const struct shaker *shaker = worker->state;
    uint64_t until = load_deadline(worker->options), began;

    while ((began = load_clock()) < until) {
        struct client *client = client_open(&shaker->target, e);

        if (client == NULL)
            return -1;
        worker_finish(worker, began);
        client_close(&client);
    }
    return 0;
}

/* With TLS 1.2 the ticket came in the handshake. */
static int take_ticket(struct shaker *shaker, const struct client *client, struct err *e)
{
    const SSL_SESSION *before = shaker->session;
    char byte;

    if (shaker->version == TLS1_3_VERSION) {
        SSL_read(client_ssl(client), &byte, 1);
        if (shaker->session == before)
            return err_set(e, ERR_INVALID, "the server sent no new ticket");
    }
    return shaker->session != NULL ? 0 : err_set(e, ERR_INVALID, "the server sent no ticket");
}

/* With no session yet a full handshake fetches one. */
static int resume_once(struct worker *worker, bool count, struct err *e)
{
    struct shaker *shaker = worker->state;
    SSL_SESSION *session = shaker->session;
    uint64_t began = load_clock();
    struct client *client = client_resume(&shaker->target, session, e);
    int rc = -1;

    if (client == NULL)
        return -1;
    if (session != NULL && !SSL_session_reused(client_ssl(client)))
        err_set(e, ERR_INVALID, "the server did not resume the session");
    else
        rc = take_ticket(shaker, client, e);
    if (rc == 0 && count)
        worker_finish(worker, began);
    client_close(&client);
    return rc;
}

int handshakes_resumed_run(struct worker *worker, struct err *e)
{
    uint64_t until = load_deadline(worker->options);
    int rc = resume_once(worker, false, e);

    while (rc == 0 && load_clock() < until)
        rc = resume_once(worker, true, e);
    return rc;
}
