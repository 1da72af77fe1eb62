#include "registry/net/client_certificate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/net/certificate_name.h"
#include "registry/net/refusal_log.h"

struct judge {
    enum config_client_auth mode;
    enum config_certificate_name name;
    pthread_mutex_t lock;
    struct trust *trust;     /* under lock */
    atomic_ulong generation; /* of trust; counted up after it was replaced */
};

struct client_certificate {
    struct judge *judge;
    const struct peer *peer;
    SSL *ssl;

    /* what was verified last; an empty chain: nothing was */
    struct sbuf chain; /* DER, leaf first */
    size_t leaf_bytes;
    unsigned long generation; /* of the trust it was verified against */
    uint64_t end_s;           /* it must be verified again from then on */
    const char *refused;      /* why it does not hold, or NULL */
    struct sbuf name;         /* the user it names, or empty */
};

/* ---- the judge ---- */

struct judge *judge_new(enum config_client_auth mode, enum config_certificate_name name)
{
    struct judge *judge = xcalloc(1, sizeof(*judge));

    judge->mode = mode;
    judge->name = name;
    pthread_mutex_init(&judge->lock, NULL);
    return judge;
}

void judge_free(struct judge **judge)
{
    if (*judge == NULL)
        return;
    trust_release(&(*judge)->trust);
    pthread_mutex_destroy(&(*judge)->lock);
    free(*judge);
    *judge = NULL;
}

bool judge_verifies(const struct judge *judge)
{
    return config_verifies(judge->mode);
}

static bool is_required(const struct judge *judge)
{
    return judge->mode == CONFIG_CLIENT_AUTH_REQUIRE_ANY || judge->mode == CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY;
}

void judge_set_trust(struct judge *judge, struct trust *trust)
{
    struct trust *old;

    pthread_mutex_lock(&judge->lock);
    old = judge->trust;
    judge->trust = trust;
    atomic_fetch_add(&judge->generation, 1);
    pthread_mutex_unlock(&judge->lock);
    trust_release(&old);
}

static struct trust *hold_trust(struct judge *judge, unsigned long *generation)
{
    struct trust *trust;

    pthread_mutex_lock(&judge->lock);
    trust = judge->trust == NULL ? NULL : trust_hold(judge->trust);
    *generation = atomic_load(&judge->generation);
    pthread_mutex_unlock(&judge->lock);
    return trust;
}

struct trust *judge_trust(struct judge *judge)
{
    unsigned long generation;

    return hold_trust(judge, &generation);
}

/* ---- verifying ---- */

static void forget(struct client_certificate *c)
{
    sbuf_free(&c->chain);
    sbuf_free(&c->name);
    c->leaf_bytes = 0;
    c->refused = NULL;
}

static void read_name(struct client_certificate *c, X509 *leaf)
{
    struct err e;

    if (certificate_name(leaf, c->judge->name, &c->name, &e) != 0)
        log_debug("client certificate from %s names no user: %s", c->peer->text, e.text);
}

/* Verify a chain that the client shows or that its ticket holds, and keep it if it is good. Returns OpenSSL's number.
 */
static int verify_shown(struct client_certificate *c, X509 *leaf, STACK_OF(X509) * sent, bool in_ticket)
{
    struct verdict_of_trust verdict;
    unsigned long generation;
    struct trust *trust = hold_trust(c->judge, &generation);

    forget(c);
    trust_verify(trust, leaf, sent, &c->peer->address, clock_wall_s(), &verdict);
    trust_release(&trust);
    if (verdict.error != X509_V_OK && !in_ticket)
        refusal_log(c->peer->text, verdict.reason, leaf);
    if (verdict.error != X509_V_OK)
        return verdict.error;
    c->chain = verdict.chain;
    c->leaf_bytes = verdict.leaf_bytes;
    c->generation = generation;
    c->end_s = verdict.end_s;
    read_name(c, leaf);
    return X509_V_OK;
}

/* The certificates in `der`, one behind the other; NULL when it is anything else. */
static STACK_OF(X509) * parse_chain(const void *der, size_t n)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    const unsigned char *p = der, *end = p + n;

    while (p < end) {
        X509 *one = d2i_X509(NULL, &p, end - p);

        if (one == NULL || sk_X509_push(chain, one) == 0) {
            sk_X509_pop_free(chain, X509_free);
            ERR_clear_error();
            return NULL;
        }
    }
    return chain;
}

/* The trust is another, or the chain has ended: does it still hold? */
static void verify_again(struct client_certificate *c)
{
    STACK_OF(X509) *chain = parse_chain(c->chain.p, c->chain.n);
    X509 *leaf = sk_X509_shift(chain);
    struct verdict_of_trust verdict;
    struct trust *trust = hold_trust(c->judge, &c->generation);

    trust_verify(trust, leaf, chain, &c->peer->address, clock_wall_s(), &verdict);
    trust_release(&trust);
    sbuf_free(&verdict.chain); /* ours may be longer, and end at another authority next time */
    c->end_s = verdict.error == X509_V_OK ? verdict.end_s : UINT64_MAX;
    c->refused = verdict.error == X509_V_OK ? NULL : verdict.reason;
    if (c->refused != NULL)
        refusal_log(c->peer->text, c->refused, leaf);
    X509_free(leaf);
    sk_X509_pop_free(chain, X509_free);
}

enum peer_certificate client_certificate_judge(struct client_certificate *c, struct str *name, struct err *why)
{
    if (c == NULL || c->chain.n == 0)
        return PEER_WITHOUT;
    if (c->generation != atomic_load(&c->judge->generation) || clock_wall_s() >= c->end_s)
        verify_again(c);
    if (c->refused != NULL) {
        err_set(why, ERR_DENIED, "client certificate refused: %s", c->refused);
        return PEER_REFUSED;
    }
    if (name != NULL)
        *name = (struct str){c->name.p, c->name.n};
    return PEER_CERTIFIED;
}

/* ---- OpenSSL's callbacks ---- */

static int ssl_slot;
static int context_slot;
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

static void free_with_ssl(void *ssl, void *stored, CRYPTO_EX_DATA *data, int slot, long number, void *argument)
{
    struct client_certificate *c = stored;

    (void)ssl, (void)data, (void)slot, (void)number, (void)argument;
    if (c == NULL)
        return;
    forget(c);
    free(c);
}

static void make_slots(void)
{
    ssl_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_with_ssl);
    context_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (ssl_slot < 0 || context_slot < 0)
        abort();
}

static int on_verify(X509_STORE_CTX *shown, void *argument)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(shown, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct client_certificate *c = SSL_get_ex_data(ssl, ssl_slot);
    int error = X509_V_OK;

    (void)argument;
    if (c == NULL)
        error = X509_V_ERR_UNSPECIFIED;
    else if (judge_verifies(c->judge))
        error = verify_shown(c, X509_STORE_CTX_get0_cert(shown), X509_STORE_CTX_get0_untrusted(shown), false);
    X509_STORE_CTX_set_error(shown, error);
    return error == X509_V_OK;
}

/* What a ticket takes along besides the session, which has the client's own certificate. */
static int on_ticket_made(SSL *ssl, void *argument)
{
    const struct client_certificate *c = SSL_get_ex_data(ssl, ssl_slot);

    (void)argument;
    if (c == NULL || c->chain.n == c->leaf_bytes)
        return 1;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), c->chain.p + c->leaf_bytes,
                                           c->chain.n - c->leaf_bytes);
}

/* Does what the ticket says about the client still hold? */
static bool ticket_holds(struct client_certificate *c, SSL_SESSION *session)
{
    X509 *leaf = SSL_SESSION_get0_peer(session);
    STACK_OF(X509) * above;
    void *der = NULL;
    size_t n = 0;
    bool holds;

    if (leaf == NULL)
        return !is_required(c->judge);
    if (!judge_verifies(c->judge))
        return true;
    SSL_SESSION_get0_ticket_appdata(session, &der, &n);
    above = parse_chain(der, n);
    holds = above != NULL && verify_shown(c, leaf, above, true) == X509_V_OK;
    sk_X509_pop_free(above, X509_free);
    return holds;
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name, size_t n,
                                          SSL_TICKET_STATUS status, void *argument)
{
    struct client_certificate *c = SSL_get_ex_data(ssl, ssl_slot);

    (void)key_name, (void)n, (void)argument;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (c == NULL || !ticket_holds(c, session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) == TLS1_3_VERSION) /* each is used once: RFC 8446 §C.4 */
        return SSL_TICKET_RETURN_USE_RENEW;
    return SSL_TICKET_RETURN_USE;
}

void judge_attach(struct judge *judge, SSL_CTX *context)
{
    struct trust *trust = judge_trust(judge);

    pthread_once(&slots_once, make_slots);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (is_required(judge) ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_cert_verify_callback(context, on_verify, NULL);
    SSL_CTX_set_max_cert_list(context, CLIENT_CHAIN_BYTES);
    if (!SSL_CTX_set_session_ticket_cb(context, on_ticket_made, on_ticket_opened, NULL) ||
        !SSL_CTX_set_ex_data(context, context_slot, judge))
        abort();
    if (trust != NULL && judge_verifies(judge))
        SSL_CTX_set_client_CA_list(context, trust_names(trust));
    trust_release(&trust);
}

/* ---- one connection ---- */

struct client_certificate *client_certificate_expect(SSL *ssl, const struct peer *peer)
{
    struct client_certificate *c;
    struct judge *judge;

    pthread_once(&slots_once, make_slots);
    judge = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_slot);
    if (judge == NULL)
        return NULL;
    c = xcalloc(1, sizeof(*c));
    c->judge = judge;
    c->peer = peer;
    c->ssl = ssl;
    if (!SSL_set_ex_data(ssl, ssl_slot, c))
        abort();
    return c;
}

static bool is_leaf(const struct client_certificate *c, const X509 *certificate)
{
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    bool same = n > 0 && (size_t)n == c->leaf_bytes && memcmp(der, c->chain.p, c->leaf_bytes) == 0;

    OPENSSL_free(der);
    return same;
}

bool client_certificate_confirm(struct client_certificate *c)
{
    const X509 *shown;

    if (c == NULL)
        return true;
    shown = SSL_get0_peer_certificate(c->ssl);
    if (shown == NULL || !is_leaf(c, shown))
        forget(c);
    if (shown == NULL)
        return !is_required(c->judge);
    return c->chain.n > 0 || !judge_verifies(c->judge);
}

void client_certificate_failed(const struct client_certificate *c)
{
    unsigned long code = ERR_peek_error();

    if (c == NULL || ERR_GET_LIB(code) != ERR_LIB_SSL)
        return;
    if (ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        refusal_log(c->peer->text, "none was shown", NULL);
    else if (ERR_GET_REASON(code) == SSL_R_BAD_SIGNATURE)
        refusal_log(c->peer->text, "the client does not have its key", NULL);
    else if (ERR_GET_REASON(code) == SSL_R_EXCESSIVE_MESSAGE_SIZE)
        refusal_log(c->peer->text, "more certificates than are read", NULL);
}
