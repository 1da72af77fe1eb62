/* What a connection is worth after a handshake, and later on. */
#include "tests/unit/net/handshake_fixture.h"

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
