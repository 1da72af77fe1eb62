#include "registry/net/tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>

#include "registry/base/log.h"
#include "registry/base/str.h"
#include "registry/config/ciphers.h"

/* AES-128-GCM first: 10 % faster than AES-256 where both sides have AES instructions, and as safe. */
static const char default_suites_13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char default_ciphers_12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

enum { READ_AHEAD_BYTES = 128 * 1024 };

/* What tells one version of a file from the next. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct tls {
    const struct config *config;
    pthread_mutex_t lock;
    SSL_CTX *context; /* under lock */
    struct stamp certificate;
    struct stamp key;
};

static void take_stamp(const char *path, struct stamp *stamp)
{
    struct stat found;

    memset(stamp, 0, sizeof(*stamp));
    if (stat(path, &found) != 0)
        return;
    stamp->device = found.st_dev;
    stamp->inode = found.st_ino;
    stamp->size = found.st_size;
    stamp->changed = found.st_mtim;
}

static int openssl_error(struct err *e, const char *what, const char *path)
{
    unsigned long code = ERR_peek_error(); /* the first is the cause */
    const char *reason = ERR_SYSTEM_ERROR(code) ? strerrordesc_np(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s %s: %s", what, path, reason == NULL ? "unknown error" : reason);
}

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
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One recv() for many records; the buffer is released when a connection is idle. */
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_BYTES);
    /* Resumption is stateless, by tickets: nothing to share between loops, nothing to fill. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_http1, NULL);
}

static int load_files(SSL_CTX *context, const struct config *config, struct err *e)
{
    if (SSL_CTX_use_certificate_chain_file(context, config->tls_certificate) != 1)
        return openssl_error(e, "http.tls.certificate", config->tls_certificate);
    if (SSL_CTX_use_PrivateKey_file(context, config->tls_key, SSL_FILETYPE_PEM) != 1)
        return openssl_error(e, "http.tls.key", config->tls_key);
    if (SSL_CTX_check_private_key(context) != 1)
        return openssl_error(e, "http.tls.key does not belong to the certificate: ", config->tls_key);
    return 0;
}

static SSL_CTX *make_context(const struct config *config, struct err *e)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL) {
        openssl_error(e, "TLS", "context");
        return NULL;
    }
    set_protocol(context, config);
    if (set_ciphers(context, &config->tls_ciphersuites, e) != 0 || load_files(context, config, e) != 0) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

struct tls *tls_open(const struct config *config, struct err *e)
{
    struct tls *tls = xcalloc(1, sizeof(*tls));

    tls->config = config;
    pthread_mutex_init(&tls->lock, NULL);
    take_stamp(config->tls_certificate, &tls->certificate);
    take_stamp(config->tls_key, &tls->key);
    tls->context = make_context(config, e);
    if (tls->context == NULL)
        tls_close(&tls);
    return tls;
}

void tls_close(struct tls **tls)
{
    if (*tls == NULL)
        return;
    SSL_CTX_free((*tls)->context);
    pthread_mutex_destroy(&(*tls)->lock);
    free(*tls);
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

bool tls_refresh(struct tls *tls, bool force)
{
    struct stamp certificate, key;
    struct err e = {0};
    SSL_CTX *fresh, *old;

    take_stamp(tls->config->tls_certificate, &certificate);
    take_stamp(tls->config->tls_key, &key);
    if (!force && memcmp(&certificate, &tls->certificate, sizeof(certificate)) == 0 &&
        memcmp(&key, &tls->key, sizeof(key)) == 0)
        return false;
    tls->certificate = certificate;
    tls->key = key;
    fresh = make_context(tls->config, &e);
    if (fresh == NULL) {
        log_error("certificate not reloaded, the old one stays in force: %s", e.text);
        return false;
    }
    pthread_mutex_lock(&tls->lock);
    old = tls->context;
    tls->context = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    log_info("certificate reloaded from %s", tls->config->tls_certificate);
    return true;
}
