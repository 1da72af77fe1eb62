/* Handshakes in memory: what a connection is worth after a full handshake, after a resumed one, and later on. */
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

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static void open_world(struct world *w, int version, enum config_client_auth mode)
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

static void close_world(struct world *w)
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

static void show(SSL *client, const struct identity *who, const struct identity *above)
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

static void connect_client(struct world *w, struct link *l, struct attempt a)
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

static void close_link(struct link *l)
{
    SSL_shutdown(l->client);
    SSL_free(l->server);
    SSL_free(l->client);
}

static const char *worth(struct link *l)
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
static void check_worth(struct world *w, struct attempt a, bool resumed, const char *wanted)
{
    struct link l;

    connect_client(w, &l, a);
    CHECK_TEXT(worth(&l), wanted);
    CHECK_INT(l.done && SSL_session_reused(l.server), resumed);
    close_link(&l);
}

/* A session of the client, for the caller to free. */
static SSL_SESSION *make_session(struct world *w, struct attempt a)
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

TEST(modes, "each mode lets in whom it says, and only verified certificates certify")
{
    static const struct {
        enum config_client_auth mode;
        const char *none, *good, *bad;
    } cases[] = {
        {CONFIG_CLIENT_AUTH_REQUEST, "without", "without", "without"},
        {CONFIG_CLIENT_AUTH_REQUIRE_ANY, "refused", "without", "without"},
        {CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN, "without", "certified alice", "refused"},
        {CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY, "refused", "certified alice", "refused"},
    };

    for (const int *version = versions; version < versions + 2; version++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct world w;

            open_world(&w, *version, cases[i].mode);
            check_worth(&w, (struct attempt){0}, false, cases[i].none);
            check_worth(&w, (struct attempt){.who = &w.alice}, false, cases[i].good);
            check_worth(&w, (struct attempt){.who = &w.stranger}, false, cases[i].bad);
            close_world(&w);
        }
}

TEST(resumed, "a resumed session has the identity that it began with, chain and all")
{
    for (const int *version = versions; version < versions + 2; version++) {
        struct world w;
        SSL_SESSION *alice, *below, *again;

        open_world(&w, *version, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
        alice = make_session(&w, (struct attempt){.who = &w.alice});
        below = make_session(&w, (struct attempt){.who = &w.below, .above = &w.middle});
        check_worth(&w, (struct attempt){.session = alice}, true, "certified alice");
        check_worth(&w, (struct attempt){.session = below}, true, "certified below");
        if (*version == TLS1_3_VERSION) { /* its resumed sessions give tickets of their own */
            again = make_session(&w, (struct attempt){.session = below});
            check_worth(&w, (struct attempt){.session = again}, true, "certified below");
            SSL_SESSION_free(again);
        }
        SSL_SESSION_free(alice);
        SSL_SESSION_free(below);
        close_world(&w);
    }
}

static struct trust *trust_without(struct world *w, const X509 *revoked)
{
    struct sbuf pem = {0}, crls = {0};
    struct err e;

    put_certificate(&pem, w->root.certificate);
    put_crl(&crls, make_crl(&w->root, revoked, DAY));
    return make_trust(&pem, &crls, &e);
}

TEST(revoked_ticket, "a ticket does not help once its certificate or one above it is revoked")
{
    for (const int *version = versions; version < versions + 2; version++) {
        struct world w;
        SSL_SESSION *alice, *below;

        open_world(&w, *version, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
        alice = make_session(&w, (struct attempt){.who = &w.alice});
        below = make_session(&w, (struct attempt){.who = &w.below, .above = &w.middle});
        judge_set_trust(w.judge, trust_without(&w, w.alice.certificate));
        check_worth(&w, (struct attempt){.session = alice}, false, "refused");
        check_worth(&w, (struct attempt){.session = alice, .who = &w.alice}, false, "refused");
        check_worth(&w, (struct attempt){.session = below}, true, "certified below");
        judge_set_trust(w.judge, trust_without(&w, w.middle.certificate));
        check_worth(&w, (struct attempt){.session = below}, false, "refused");
        check_worth(&w, (struct attempt){.session = alice}, true, "certified alice");
        SSL_SESSION_free(alice);
        SSL_SESSION_free(below);
        close_world(&w);
    }
}

TEST(address_ticket, "a ticket of a certificate with addresses is good from those only")
{
    static const char *const extensions[] = {"extendedKeyUsage=clientAuth", "subjectAltName=IP:192.0.2.1", NULL};

    for (const int *version = versions; version < versions + 2; version++) {
        struct world w;
        struct identity bound;
        SSL_SESSION *session;

        open_world(&w, *version, CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN);
        bound = issue("bound", extensions, &w.root);
        session = make_session(&w, (struct attempt){.who = &bound});
        check_worth(&w, (struct attempt){.session = session}, true, "certified bound");
        check_worth(&w, (struct attempt){.session = session, .from = "192.0.2.9"}, false, "without");
        SSL_SESSION_free(session);
        identity_free(&bound);
        close_world(&w);
    }
}

TEST(unused_ticket, "a ticket that is opened for a session that is then not used gives nobody an identity")
{
    for (const int *version = versions; version < versions + 2; version++) {
        const bool new = *version == TLS1_3_VERSION;
        struct world w;
        SSL_SESSION *session;
        struct attempt theft = {.suites_13 = new ? "TLS_AES_128_GCM_SHA256" : "",
                                .ciphers_12 = "ECDHE-ECDSA-AES128-GCM-SHA256"};

        open_world(&w, *version, CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN);
        session = make_session(&w, (struct attempt){.who = &w.alice,
                                                    .suites_13 = new ? "TLS_AES_256_GCM_SHA384" : "",
                                                    .ciphers_12 = "ECDHE-ECDSA-AES256-GCM-SHA384"});
        theft.session = session;
        if (new)
            SSL_CTX_set_ciphersuites(w.server, "TLS_AES_128_GCM_SHA256");
        else
            SSL_CTX_set_cipher_list(w.server, "ECDHE-ECDSA-AES128-GCM-SHA256");
        {
            struct link l;

            connect_client(&w, &l, theft);
            CHECK(strncmp(worth(&l), "certified", 9) != 0);
            close_link(&l);
        }
        SSL_SESSION_free(session);
        close_world(&w);
    }
}

TEST(live, "a connection is worth what its certificate is worth now")
{
    for (const int *version = versions; version < versions + 2; version++) {
        struct world w;
        struct link full, resumed;
        SSL_SESSION *session;

        open_world(&w, *version, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
        session = make_session(&w, (struct attempt){.who = &w.below, .above = &w.middle});
        connect_client(&w, &full, (struct attempt){.who = &w.below, .above = &w.middle});
        connect_client(&w, &resumed, (struct attempt){.session = session});
        CHECK(SSL_session_reused(resumed.server));
        CHECK_TEXT(worth(&full), "certified below");
        judge_set_trust(w.judge, trust_without(&w, w.alice.certificate));
        CHECK_TEXT(worth(&full), "certified below");
        CHECK_TEXT(worth(&resumed), "certified below");
        judge_set_trust(w.judge, trust_without(&w, w.middle.certificate));
        CHECK_TEXT(worth(&full), "client certificate refused: revoked");
        CHECK_TEXT(worth(&full), "client certificate refused: revoked");
        CHECK_TEXT(worth(&resumed), "client certificate refused: revoked");
        judge_set_trust(w.judge, trust_in(&w.alice));
        CHECK_TEXT(worth(&resumed), "client certificate refused: of an unknown authority");
        judge_set_trust(w.judge, trust_in(&w.root));
        CHECK_TEXT(worth(&full), "certified below");
        CHECK_TEXT(worth(&resumed), "certified below");
        close_link(&full);
        close_link(&resumed);
        SSL_SESSION_free(session);
        close_world(&w);
    }
}

TEST(expiry, "a connection does not outlive the time of its certificate")
{
    struct world w;
    struct identity brief;
    struct link l;
    const struct timespec second = {1, 100000000};

    open_world(&w, TLS1_3_VERSION, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
    brief = issue_begin("brief", (const char *const[]){"extendedKeyUsage=clientAuth", NULL}, &w.root);
    must(X509_gmtime_adj(X509_getm_notAfter(brief.certificate), 2) != NULL);
    issue_end(&brief, &w.root);
    connect_client(&w, &l, (struct attempt){.who = &brief});
    CHECK_TEXT(worth(&l), "certified brief");
    for (int i = 0; i < 3; i++)
        nanosleep(&second, NULL);
    CHECK_TEXT(worth(&l), "client certificate refused: expired");
    close_link(&l);
    identity_free(&brief);
    close_world(&w);
}

TEST(too_much, "a client that sends more certificates than fit a ticket is refused")
{
    static char padding[20000] = "nsComment=";
    static const char *const extensions[] = {"extendedKeyUsage=clientAuth", padding, NULL};

    memset(padding + strlen(padding), 'x', sizeof(padding) - strlen(padding) - 1);
    for (const int *version = versions; version < versions + 2; version++) {
        struct world w;
        struct identity large;
        SSL_SESSION *session;

        open_world(&w, *version, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
        large = issue("large", extensions, &w.root);
        session = make_session(&w, (struct attempt){.who = &large});
        check_worth(&w, (struct attempt){.who = &large, .above = &large}, false, "refused");
        SSL_SESSION_free(session);
        identity_free(&large);
        close_world(&w);
    }
}

TEST(nameless, "a certificate that names no user certifies without a name")
{
    struct world w;
    struct identity i;

    open_world(&w, TLS1_3_VERSION, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
    i = issue("a:b", (const char *const[]){"extendedKeyUsage=clientAuth", NULL}, &w.root);
    check_worth(&w, (struct attempt){.who = &i}, false, "certified ");
    identity_free(&i);
    close_world(&w);
}

TEST(plain, "a connection without TLS, or whose server asks for nothing, is without a certificate")
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL *ssl = SSL_new(context);
    struct peer peer = {.text = "-"};

    CHECK(client_certificate_expect(ssl, &peer) == NULL);
    CHECK_INT(client_certificate_judge(NULL, NULL, NULL), PEER_WITHOUT);
    CHECK(client_certificate_confirm(NULL));
    SSL_free(ssl);
    SSL_CTX_free(context);
}
