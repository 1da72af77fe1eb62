/* Handshakes in memory between a server and its clients, and what the connections are worth. */
#ifndef BERTH_TEST_HANDSHAKE_FIXTURE_H
#define BERTH_TEST_HANDSHAKE_FIXTURE_H

#include "registry/net/client_certificate.h"

#include <openssl/err.h>

#include "tests/unit/net/certificate_fixture.h"

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* A server with one authority, and clients of it. */
struct world {
    int version;
    struct identity root, middle, alice, below, stranger, host;
    SSL_CTX *server;
    SSL_CTX *client;
    struct judge *judge;
};

/* One connection. */
struct link {
    SSL *server;
    SSL *client;
    struct peer peer;
    bool done; /* the handshake succeeded and was confirmed */
    char byte; /* where the server's byte went, which brings the tickets along */
};

static SSL_SESSION *last_session; /* the client's newest */

static inline int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static inline void open_world(struct world *w, int version, enum config_client_auth mode)
{
    static const unsigned char context[] = "test";

    w->version = version;
    w->root = make_authority("root", NULL);
    w->middle = make_authority("middle", &w->root);
    w->alice = make_client("alice", &w->root);
    w->below = make_client("below", &w->middle);
    w->stranger = make_client("stranger", NULL);
    w->host = make_client("host", NULL);
    w->server = SSL_CTX_new(TLS_server_method());
    w->client = SSL_CTX_new(TLS_client_method());
    must(SSL_CTX_use_certificate(w->server, w->host.certificate) && SSL_CTX_use_PrivateKey(w->server, w->host.key) &&
         SSL_CTX_set_session_id_context(w->server, context, sizeof(context)));
    SSL_CTX_set_session_cache_mode(w->client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(w->client, on_session);
    w->judge = judge_new(mode, CONFIG_CERTIFICATE_CN);
    judge_set_trust(w->judge, trust_in(&w->root));
    judge_attach(w->judge, w->server);
}

static inline void close_world(struct world *w)
{
    SSL_CTX_free(w->server);
    SSL_CTX_free(w->client);
    judge_free(&w->judge);
    identity_free(&w->root);
    identity_free(&w->middle);
    identity_free(&w->alice);
    identity_free(&w->below);
    identity_free(&w->stranger);
    identity_free(&w->host);
    SSL_SESSION_free(last_session);
    last_session = NULL;
}

static inline void show(SSL *client, const struct identity *who, const struct identity *above)
{
    must(SSL_use_certificate(client, who->certificate) && SSL_use_PrivateKey(client, who->key));
    if (above != NULL)
        must(SSL_add1_chain_cert(client, above->certificate) == 1);
}

/* The bits that a test changes of a connection; all may be zero. */
struct attempt {
    const struct identity *who;
    const struct identity *above;
    SSL_SESSION *session;
    const char *from;
    const char *ciphers_12, *suites_13; /* the only ones that the client has */
};

static inline void connect_client(struct world *w, struct link *l, struct attempt a)
{
    BIO *one, *two;

    memset(l, 0, sizeof(*l));
    strcpy(l->peer.text, "test");
    must(network_address_parse(str_of(a.from == NULL ? "192.0.2.1" : a.from), &l->peer.address));
    l->server = SSL_new(w->server);
    l->client = SSL_new(w->client);
    must(BIO_new_bio_pair(&one, 1 << 17, &two, 1 << 17) == 1);
    SSL_set_bio(l->server, one, one);
    SSL_set_bio(l->client, two, two);
    SSL_set_accept_state(l->server);
    SSL_set_connect_state(l->client);
    must(SSL_set_min_proto_version(l->client, w->version) && SSL_set_max_proto_version(l->client, w->version));
    if (a.who != NULL)
        show(l->client, a.who, a.above);
    if (a.session != NULL) { /* a copy: OpenSSL's client uses each once */
        SSL_SESSION *copy = SSL_SESSION_dup(a.session);

        must(copy != NULL && SSL_set_session(l->client, copy));
        SSL_SESSION_free(copy);
    }
    if (a.suites_13 != NULL)
        must(SSL_set_ciphersuites(l->client, a.suites_13) && SSL_set_cipher_list(l->client, a.ciphers_12));
    l->peer.certificate = client_certificate_expect(l->server, &l->peer);
    must(l->peer.certificate != NULL);
    for (int i = 0; i < 20; i++) {
        ERR_clear_error();
        SSL_do_handshake(l->client);
        SSL_do_handshake(l->server);
    }
    l->done = SSL_is_init_finished(l->server) && client_certificate_confirm(l->peer.certificate);
    if (l->done) /* tickets of TLS 1.3 come with the first byte */
        must(SSL_write(l->server, "x", 1) == 1 && SSL_read(l->client, &l->byte, 1) == 1);
    ERR_clear_error();
}

static inline void close_link(struct link *l)
{
    SSL_shutdown(l->client);
    SSL_free(l->server);
    SSL_free(l->client);
}

static inline const char *worth(struct link *l)
{
    static char text[600];
    struct str name = {0};
    struct err why;

    if (!l->done)
        return "refused";
    switch (client_certificate_judge(l->peer.certificate, &name, &why)) {
    case PEER_WITHOUT:
        return "without";
    case PEER_REFUSED:
        return strcpy(text, why.text);
    default:
        snprintf(text, sizeof(text), "certified %.*s", (int)name.n, name.p);
        return text;
    }
}

/* Connect, see what it is worth, close. */
static inline void check_worth(struct world *w, struct attempt a, bool resumed, const char *wanted)
{
    struct link l;

    connect_client(w, &l, a);
    CHECK_TEXT(worth(&l), wanted);
    CHECK_INT(l.done && SSL_session_reused(l.server), resumed);
    close_link(&l);
}

/* A session of the client, for the caller to free. */
static inline SSL_SESSION *make_session(struct world *w, struct attempt a)
{
    struct link l;
    SSL_SESSION *session;

    connect_client(w, &l, a);
    CHECK(l.done);
    CHECK(last_session != NULL);
    session = last_session;
    last_session = NULL;
    close_link(&l);
    return session;
}

static inline struct trust *trust_without(struct world *w, const X509 *revoked)
{
    struct sbuf pem = {0}, crls = {0};
    struct err e;

    put_certificate(&pem, w->root.certificate);
    put_crl(&crls, make_crl(&w->root, revoked, DAY));
    return make_trust(&pem, &crls, &e);
}

#endif
