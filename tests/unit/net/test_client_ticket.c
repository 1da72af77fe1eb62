/* What a ticket is worth: a resumed session is as good as the certificate that it began with, and no better. */
#include "tests/unit/net/handshake_fixture.h"

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
