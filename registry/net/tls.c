#include "registry/net/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/base/str.h"
#include "registry/config/ciphers.h"
#include "registry/net/client_certificate.h"
#include "registry/net/file_set.h"
#include "registry/net/server_certificate.h"
#include "registry/net/stream.h"
#include "registry/net/trust.h"

/* AES-128-GCM first: 10 % faster than AES-256 where both sides have AES instructions, and as safe. */
static const char default_suites_13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char default_ciphers_12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

struct tls {
    const struct config *config;

    /* of the housekeeper */
    struct file_set *certificate_files; /* http.tls.certificate and key */
    struct file_set *trust_files;       /* http.tls.clientcas and clientcrls; NULL: nothing is verified */
    struct server_certificate *certificate;
    enum expiry told; /* of the certificate's end */
    bool told_of_crls;

    /* of any thread */
    struct judge *judge; /* NULL: client certificates are not asked for */
    pthread_mutex_t lock;
    SSL_CTX *context; /* under lock */
    atomic_ullong certificate_end_s;
};

static int choose_http1(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in,
                        unsigned in_length, void *argument)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl, (void)argument;
    /* A client that offers only what we do not speak is served HTTP/1.1 all the same: it may cope, and a reset helps
     * nobody. */
    if (SSL_select_next_proto(&chosen, out_length, ours, sizeof(ours) - 1, in, in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The configured suites split by what OpenSSL calls them: TLS 1.3 names begin with "TLS_". */
static int set_ciphers(SSL_CTX *context, const struct config_list *suites, struct err *e)
{
    struct sbuf tls13 = {0}, tls12 = {0};
    int ok;

    for (size_t i = 0; i < suites->n; i++) {
        struct sbuf *list = cipher_is_tls13(suites->items[i]) ? &tls13 : &tls12;

        sbuf_printf(list, "%s%s", list->n > 0 ? ":" : "", suites->items[i]);
    }
    /* A list of TLS 1.3 suites alone leaves no cipher for TLS 1.2. */
    if (tls13.n > 0 && tls12.n == 0)
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    ok = SSL_CTX_set_ciphersuites(context, tls13.n > 0 ? sbuf_text(&tls13) : default_suites_13) &&
         SSL_CTX_set_cipher_list(context, tls12.n > 0 ? sbuf_text(&tls12) : default_ciphers_12);
    sbuf_free(&tls13);
    sbuf_free(&tls12);
    return ok ? 0 : err_set(e, ERR_INVALID, "http.tls.ciphersuites: none of these is known to this OpenSSL");
}

static void set_protocol(SSL_CTX *context, const struct config *config)
{
    static const unsigned char session_context[] = "berth";

    SSL_CTX_set_min_proto_version(context, config->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* One recv() for many records; the buffer is released when a connection is idle. */
    SSL_CTX_set_read_ahead(context, 1);
#if OPENSSL_VERSION_PREREQ(3, 2)
    /* The size of the buffer is settled with the keys there; before, stream_expect_secrets() changes it as it is
     * needed. */
    SSL_CTX_set_default_read_buffer_len(context, STREAM_READ_AHEAD_BYTES);
#endif
    /* Resumption is stateless, by tickets: nothing to share between loops, nothing to fill. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_http1, NULL);
}

static SSL_CTX *make_context(const struct tls *tls, struct err *e)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL) {
        err_set(e, ERR_IO, "TLS: OpenSSL makes no context");
        return NULL;
    }
    set_protocol(context, tls->config);
    if (set_ciphers(context, &tls->config->tls_ciphersuites, e) != 0 ||
        server_certificate_use(tls->certificate, context, e) != 0) {
        SSL_CTX_free(context);
        return NULL;
    }
    if (tls->judge != NULL)
        judge_attach(tls->judge, context);
    return context;
}

/* ---- files ---- */

static void list_files(struct tls *tls)
{
    const struct config *config = tls->config;

    tls->certificate_files = file_set_new();
    file_set_add(tls->certificate_files, "http.tls.certificate", config->tls_certificate);
    file_set_add(tls->certificate_files, "http.tls.key", config->tls_key);
    if (tls->judge == NULL || !judge_verifies(tls->judge))
        return;
    tls->trust_files = file_set_new();
    for (size_t i = 0; i < config->client_cas.n; i++)
        file_set_add(tls->trust_files, TRUST_AUTHORITIES, config->client_cas.items[i]);
    for (size_t i = 0; i < config->client_crls.n; i++)
        file_set_add(tls->trust_files, TRUST_CRLS, config->client_crls.items[i]);
}

/* The readers return 1 when something new is there, 0 when not, -1 with `e` when what is there cannot be used; `fresh`
 * is false when that has been said before. */

static int read_certificate(struct tls *tls, bool force, bool *fresh, struct err *e)
{
    int rc = file_set_read(tls->certificate_files, force, fresh, e);
    struct server_certificate *new;

    if (rc <= 0)
        return rc;
    new = server_certificate_parse(file_set_at(tls->certificate_files, 0), file_set_at(tls->certificate_files, 1), e);
    file_set_forget(tls->certificate_files);
    if (new == NULL)
        return -1;
    server_certificate_free(&tls->certificate);
    tls->certificate = new;
    tls->told = EXPIRY_FAR;
    atomic_store(&tls->certificate_end_s, server_certificate_end_s(new));
    return 1;
}

static int read_trust(struct tls *tls, bool force, bool *fresh, struct err *e)
{
    struct trust *new;
    int rc;

    if (tls->trust_files == NULL)
        return 0;
    rc = file_set_read(tls->trust_files, force, fresh, e);
    if (rc <= 0)
        return rc;
    new = trust_new(tls->trust_files, e);
    file_set_forget(tls->trust_files);
    if (new == NULL)
        return -1;
    judge_set_trust(tls->judge, new);
    tls->told_of_crls = false;
    return 1;
}

/* ---- what people must do something about in time ---- */

static void tell_of_certificate(struct tls *tls, uint64_t now_s)
{
    uint64_t end_s = atomic_load(&tls->certificate_end_s);
    const char *path = tls->config->tls_certificate;

    if (!expiry_crossed(&tls->told, now_s, end_s))
        return;
    if (tls->told == EXPIRY_OVER)
        log_error("the certificate %s has expired: clients refuse to talk to this server; renew it", path);
    else
        log_warn("the certificate %s expires in %llu days and %llu hours; renew it", path,
                 (unsigned long long)(end_s - now_s) / 86400, (unsigned long long)(end_s - now_s) % 86400 / 3600);
}

static void tell_of_crls(struct tls *tls, uint64_t now_s)
{
    struct trust *trust = tls->trust_files == NULL || tls->told_of_crls ? NULL : judge_trust(tls->judge);

    if (trust == NULL)
        return;
    tls->told_of_crls = now_s >= trust_crls_due_s(trust);
    if (tls->told_of_crls)
        log_warn("http.tls.clientcrls: a revocation list is past its next update; it stays in force, but knows nothing "
                 "newer: fetch it again");
    trust_release(&trust);
}

static void tell(struct tls *tls)
{
    uint64_t now_s = clock_wall_s();

    tell_of_certificate(tls, now_s);
    tell_of_crls(tls, now_s);
}

/* ---- life ---- */

struct tls *tls_open(const struct config *config, struct err *e)
{
    struct tls *tls = xcalloc(1, sizeof(*tls));
    bool fresh;

    tls->config = config;
    pthread_mutex_init(&tls->lock, NULL);
    if (config->client_auth != CONFIG_CLIENT_AUTH_NONE)
        tls->judge = judge_new(config->client_auth, config->certificate_name);
    list_files(tls);
    if (read_certificate(tls, true, &fresh, e) < 0 || read_trust(tls, true, &fresh, e) < 0 ||
        (tls->context = make_context(tls, e)) == NULL) {
        tls_close(&tls);
        return NULL;
    }
    tell(tls);
    return tls;
}

void tls_close(struct tls **tls)
{
    struct tls *t = *tls;

    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    server_certificate_free(&t->certificate);
    file_set_free(&t->trust_files);
    file_set_free(&t->certificate_files);
    judge_free(&t->judge);
    pthread_mutex_destroy(&t->lock);
    free(t);
    *tls = NULL;
}

SSL_CTX *tls_context(struct tls *tls)
{
    SSL_CTX *context;

    pthread_mutex_lock(&tls->lock);
    context = tls->context;
    SSL_CTX_up_ref(context);
    pthread_mutex_unlock(&tls->lock);
    return context;
}

/* A context has its own ticket keys: a new one ends all resumption of sessions made under the old. */
static bool replace_context(struct tls *tls)
{
    struct err e;
    SSL_CTX *fresh = make_context(tls, &e), *old;

    if (fresh == NULL) {
        log_error("TLS not set up again: %s", e.text);
        return false;
    }
    pthread_mutex_lock(&tls->lock);
    old = tls->context;
    tls->context = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return true;
}

bool tls_refresh(struct tls *tls, bool force)
{
    bool fresh = false;
    struct err e;
    int certificate, trust;

    certificate = read_certificate(tls, force, &fresh, &e);
    if (certificate < 0 && fresh)
        log_error("certificate not reloaded, the old one stays in force: %s", e.text);
    trust = read_trust(tls, force, &fresh, &e);
    if (trust < 0 && fresh)
        log_error("authorities of client certificates not reloaded, the old ones stay in force: %s", e.text);
    if ((certificate > 0 || trust > 0) && !replace_context(tls))
        certificate = trust = -1;
    if (certificate > 0)
        log_info("certificate reloaded from %s", tls->config->tls_certificate);
    if (trust > 0)
        log_info("authorities and revocation lists of client certificates reloaded");
    tell(tls);
    return certificate > 0 || trust > 0;
}

static uint64_t end_or_none(uint64_t end_s)
{
    return end_s == UINT64_MAX ? 0 : end_s;
}

void tls_ends(struct tls *tls, struct tls_ends *out)
{
    struct trust *trust = tls->judge == NULL ? NULL : judge_trust(tls->judge);

    *out = (struct tls_ends){.certificate = atomic_load(&tls->certificate_end_s)};
    if (trust == NULL)
        return;
    out->client_cas = end_or_none(trust_authorities_end_s(trust));
    out->client_crls = end_or_none(trust_crls_due_s(trust));
    trust_release(&trust);
}
