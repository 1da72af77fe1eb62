#include "tools/certificate/probe.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/ssl.h>

/* tools */
#include "tools/certificate/certificate_internal.h"
#include "tools/certificate/probe_connect.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/connect.h"

enum { ANSWER_WAIT_MS = 2000, PROBLEMS_MAX = 40 };

struct visit {
    const struct probe *probe;
    struct facts *facts;
    SSL_CTX *context;
    SSL *ssl;
    int fd; /* -1: not connected */
    uint64_t deadline;
    bool wants_client; /* the server asked for a client's certificate */
    struct sbuf problems[PROBLEMS_MAX];
    size_t n;
};

static void complain(struct visit *visit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each problem once. */
static void complain(struct visit *visit, const char *fmt, ...)
{
    struct sbuf text = {0};
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    text_escape(&text, str_of(line));
    for (size_t i = 0; i < visit->n; i++) {
        if (strcmp(sbuf_text(&visit->problems[i]), sbuf_text(&text)) == 0) {
            sbuf_free(&text);
            return;
        }
    }
    if (visit->n < PROBLEMS_MAX)
        visit->problems[visit->n++] = text;
    else
        sbuf_free(&text);
}

/* OpenSSL's last reason, in its words, without its numbers. */
static const char *last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason == NULL ? "the connection was closed" : reason;
}

/* What an error of the verifier means to a client. The texts take the subject and the issuer of the certificate. */
static const struct {
    int code;
    const char *text;
} explanations[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     "\"%s\" was issued by \"%s\", which is neither sent by the server nor trusted here: either the authority is "
     "unknown "
     "(--ca FILE names the one to trust), or the chain is incomplete and the server's file lacks that certificate"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
     "\"%s\" (issued by \"%s\") is an authority that is unknown here; --ca FILE names the one to trust"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
     "\"%s\" (issued by \"%s\") is signed by itself and not trusted here; --ca FILE names what to trust"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "\"%s\" (issued by \"%s\") has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "\"%s\" (issued by \"%s\") is not valid yet; is the clock right here?"},
    {X509_V_ERR_INVALID_PURPOSE, "\"%s\" (issued by \"%s\") is not meant for servers: its extended key usage lacks "
                                 "serverAuth"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,
     "\"%s\" was not signed by the \"%s\" that is trusted here; another authority has the same name"},
    {X509_V_ERR_INVALID_CA, "\"%s\" (issued by \"%s\") signs others, but is no authority's certificate"},
};

static void explain(struct visit *visit, int code, const X509 *x509)
{
    struct sbuf subject = {0}, issuer = {0};
    size_t i;

    /* that follows from the issuer's absence, which was explained */
    if (code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
        return;
    subject_text(X509_get_subject_name(x509), &subject, NULL);
    subject_text(X509_get_issuer_name(x509), &issuer, NULL);
    for (i = 0; i < sizeof(explanations) / sizeof(explanations[0]) && explanations[i].code != code; i++)
        ;
    if (i == sizeof(explanations) / sizeof(explanations[0])) {
        complain(visit, "\"%s\": %s", sbuf_text(&subject), X509_verify_cert_error_string(code));
    } else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* from the table above, each with two strings */
        complain(visit, explanations[i].text, sbuf_text(&subject), sbuf_text(&issuer));
#pragma GCC diagnostic pop
    }
    sbuf_free(&subject);
    sbuf_free(&issuer);
}

/* Note the problem and go on to the next. */
static int note_problem(int good, X509_STORE_CTX *context)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *x509 = X509_STORE_CTX_get_current_cert(context);

    if (good == 0 && x509 != NULL)
        explain(SSL_get_app_data(ssl), X509_STORE_CTX_get_error(context), x509);
    return 1;
}

static int note_request(SSL *ssl, void *context)
{
    struct visit *visit = context;

    (void)ssl;
    visit->wants_client = true;
    return 1;
}

static int prepare(struct visit *visit, struct err *e)
{
    const struct probe *probe = visit->probe;
    struct host host = probe->host; /* OpenSSL's macro wants a name that could be changed */

    visit->context = SSL_CTX_new(TLS_client_method());
    if (visit->context == NULL)
        return openssl_fail(e, "prepare TLS");
    if (probe->ca == NULL ? SSL_CTX_set_default_verify_paths(visit->context) != 1
                          : SSL_CTX_load_verify_file(visit->context, probe->ca) != 1) {
        ERR_clear_error();
        return err_set(e, access(probe->ca == NULL ? "/" : probe->ca, R_OK) == 0 ? ERR_INVALID : ERR_NOT_FOUND,
                       "%s: no certificates of authorities can be read",
                       probe->ca == NULL ? "the system's store" : probe->ca);
    }
    if (probe->client_certificate != NULL) {
        struct certificate *client = certificate_read(probe->client_certificate, probe->client_key, e);
        bool used = client != NULL &&
                    SSL_CTX_use_cert_and_key(visit->context, client->x509, client->key, client->chain, 1) == 1;

        if (client == NULL)
            return -1;
        certificate_free(&client);
        if (!used)
            return openssl_fail(e, probe->client_certificate);
    }
    SSL_CTX_set_verify(visit->context, SSL_VERIFY_PEER, note_problem);
    SSL_CTX_set_cert_cb(visit->context, note_request, visit);
    visit->ssl = SSL_new(visit->context);
    if (visit->ssl == NULL || SSL_set_app_data(visit->ssl, visit) != 1 || SSL_set_fd(visit->ssl, visit->fd) != 1 ||
        (host.kind == HOST_NAME && SSL_set_tlsext_host_name(visit->ssl, host.text) != 1))
        return openssl_fail(e, "prepare TLS");
    return 0;
}

/* Wait for what the call that returned `rc` wants. -1 when it failed, or the deadline has passed. */
static int go_on(struct visit *visit, int rc, uint64_t deadline, struct err *e)
{
    int wants = SSL_get_error(visit->ssl, rc);

    if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE)
        return wait_before(visit->fd, wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline, e);
    return err_set(e, ERR_IO, "%s", last_reason());
}

/* A server that asked for a certificate may refuse after the handshake (TLS 1.3), with its first answer. One that says
 * nothing has accepted: not every server speaks HTTP. */
static void await_answer(struct visit *visit)
{
    static const char request[] = "GET /v2/ HTTP/1.1\r\nHost: berth-ca\r\nConnection: close\r\n\r\n";
    uint64_t deadline = clock_monotonic_ms() + ANSWER_WAIT_MS;
    struct err e = {0};
    char answer[16];
    int rc;

    while ((rc = SSL_write(visit->ssl, request, sizeof(request) - 1)) <= 0)
        if (go_on(visit, rc, deadline, &e) != 0)
            break;
    while (rc > 0 && (rc = SSL_read(visit->ssl, answer, sizeof(answer))) <= 0) {
        if (SSL_get_error(visit->ssl, rc) == SSL_ERROR_ZERO_RETURN)
            break;
        if (go_on(visit, rc, deadline, &e) != 0)
            break;
        rc = 1;
    }
    if (e.code == ERR_IO)
        complain(visit, "the server refuses this client: %s%s", e.text,
                 visit->probe->client_certificate == NULL ? "; it wants a certificate (--client-cert, --client-key)"
                                                          : "");
}

static void shake_hands(struct visit *visit)
{
    struct err e = {0};
    int rc;

    ERR_clear_error();
    while ((rc = SSL_connect(visit->ssl)) != 1) {
        if (go_on(visit, rc, visit->deadline, &e) == 0)
            continue;
        complain(visit, "the TLS handshake fails: %s%s", e.text,
                 SSL_get0_peer_certificate(visit->ssl) == NULL ? "; is TLS spoken on that port?" : "");
        return;
    }
    facts_text(visit->facts, "protocol", str_of(SSL_get_version(visit->ssl)));
    facts_text(visit->facts, "cipher", str_of(SSL_get_cipher_name(visit->ssl)));
    facts_bool(visit->facts, "asks for a client certificate", visit->wants_client);
    if (visit->wants_client)
        await_answer(visit);
}

/* The names and the days left are the client's own checks. */
static int judge(struct visit *visit, struct err *e)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(visit->ssl);
    const struct host *host = &visit->probe->host;
    X509 *leaf = sk_X509_value(chain, 0);
    int left, found;

    if (leaf == NULL)
        return 0;
    left = days_until(X509_get0_notAfter(leaf));
    found = host->kind == HOST_ADDRESS
                ? X509_check_ip_asc(leaf, host->text, 0)
                : X509_check_host(leaf, host->text, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
    if (found != 1)
        complain(visit, "wrong name: the certificate does not cover %s, only the hosts listed here", host->text);
    if (left >= 0 && (unsigned)left < visit->probe->days_left)
        complain(visit, "the certificate ends in %d days", left);
    for (int i = 0; i < sk_X509_num(chain) && i < CERTIFICATES_MAX; i++) {
        struct certificate one = {.x509 = sk_X509_value(chain, i)};
        struct facts child = {0};
        int rc = certificate_describe(&one, &child, e);

        if (rc == 0)
            facts_child(visit->facts, "certificate", &child);
        facts_free(&child);
        if (rc != 0)
            return -1;
    }
    return 0;
}

static void leave(struct visit *visit)
{
    SSL_free(visit->ssl);
    SSL_CTX_free(visit->context);
    if (visit->fd >= 0)
        close(visit->fd);
    for (size_t i = 0; i < visit->n; i++)
        sbuf_free(&visit->problems[i]);
}

int probe_run(const struct probe *probe, struct facts *facts, bool *good, struct err *e)
{
    struct visit visit = {.probe = probe, .facts = facts, .fd = -1};
    char address[HOST_ROOM] = "";
    int rc = -1;

    *good = false;
    signal(SIGPIPE, SIG_IGN);
    visit.deadline = clock_monotonic_ms() + PROBE_WAIT_MS;
    visit.fd = connect_to_host(probe->host.text, probe->port, visit.deadline, address, sizeof(address), e);
    if (visit.fd >= 0 && prepare(&visit, e) == 0) {
        facts_text(facts, "host", str_of(probe->host.text));
        facts_text(facts, "port", str_of(probe->port));
        facts_text(facts, "address", str_of(address));
        facts_text(facts, "trusts", str_of(probe->ca == NULL ? "the system's store" : probe->ca));
        shake_hands(&visit);
        rc = judge(&visit, e);
    }
    if (rc == 0) {
        *good = visit.n == 0;
        if (visit.n == 0)
            facts_none(facts, "problem");
        for (size_t i = 0; i < visit.n; i++)
            facts_item(facts, "problem", (struct str){visit.problems[i].p, visit.problems[i].n});
        facts_bool(facts, "good", *good);
    }
    leave(&visit);
    return rc;
}
