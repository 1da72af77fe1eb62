/* Client certificates: http.tls.client* and access.certificates. */
#include "tests/unit/config/config_fixture.h"

/* A whole file: TLS with `tls` beside certificate and key, and what follows. */
static const char *yaml_of(const char *tls, const char *more)
{
    static struct sbuf text;

    text.n = 0;
    sbuf_printf(&text, "version: 0.1\nhttp: {tls: {certificate: c, key: k%s%s}}\n%s\n", tls[0] == '\0' ? "" : ", ", tls,
                more);
    return sbuf_text(&text);
}

TEST(modes, "clientcas turn client certificates on, and clientauth says how they are treated")
{
    static const struct {
        const char *tls;
        enum config_client_auth mode;
    } cases[] = {
        {"", CONFIG_CLIENT_AUTH_NONE},
        {"clientcas: [a]", CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY},
        {"clientcas: [a], clientauth: require-and-verify-client-cert", CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY},
        {"clientcas: [a], clientauth: verify-client-cert-if-given", CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN},
        {"clientcas: [a], clientauth: require-any-client-cert", CONFIG_CLIENT_AUTH_REQUIRE_ANY},
        {"clientcas: [a], clientauth: request-client-cert", CONFIG_CLIENT_AUTH_REQUEST},
        {"clientauth: require-any-client-cert", CONFIG_CLIENT_AUTH_REQUIRE_ANY},
        {"clientauth: request-client-cert", CONFIG_CLIENT_AUTH_REQUEST},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;
        bool unverified = cases[i].mode == CONFIG_CLIENT_AUTH_REQUEST ||
                          cases[i].mode == CONFIG_CLIENT_AUTH_REQUIRE_ANY;

        LOAD(yaml_of(cases[i].tls, ""), "", &l);
        CHECK_INT(l.config->client_auth, cases[i].mode);
        CHECK_INT(strstr(sbuf_text(&l.log), "asked for and not verified: anybody can make one") != NULL, unverified);
        unload(&l);
    }
}

TEST(lists, "files of authorities and lists come from YAML and from variables by index")
{
    struct loaded l;

    LOAD(yaml_of("clientcas: [/a, /b], clientcrls: [/c]", ""), "REGISTRY_HTTP_TLS_CLIENTCAS_1=/other", &l);
    CHECK_INT(l.config->client_cas.n, 2);
    CHECK_TEXT(l.config->client_cas.items[0], "/a");
    CHECK_TEXT(l.config->client_cas.items[1], "/other");
    CHECK_INT(l.config->client_crls.n, 1);
    CHECK_TEXT(l.config->client_crls.items[0], "/c");
    unload(&l);
    LOAD(yaml_of("", ""), "REGISTRY_HTTP_TLS_CLIENTCAS_0=/certs/ca.pem", &l);
    CHECK_INT(l.config->client_cas.n, 1);
    CHECK_TEXT(l.config->client_cas.items[0], "/certs/ca.pem");
    CHECK_INT(l.config->client_auth, CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY);
    unload(&l);
}

TEST(identity, "a certificate's user is its CN, and with passwords it only opens the connection, unless said otherwise")
{
    static const struct {
        const char *more;
        enum config_certificate_name name;
        enum config_certificate_policy policy;
    } cases[] = {
        {"", CONFIG_CERTIFICATE_CN, CONFIG_CERTIFICATE_EITHER},
        {"auth: {htpasswd: {path: p}}", CONFIG_CERTIFICATE_CN, CONFIG_CERTIFICATE_CONNECTION},
        {"access: {certificates: {name: cn, policy: connection}}", CONFIG_CERTIFICATE_CN,
         CONFIG_CERTIFICATE_CONNECTION},
        {"access: {certificates: {name: dns}}", CONFIG_CERTIFICATE_DNS, CONFIG_CERTIFICATE_EITHER},
        {"auth: {htpasswd: {path: p}}\naccess: {certificates: {name: email, policy: either}}", CONFIG_CERTIFICATE_EMAIL,
         CONFIG_CERTIFICATE_EITHER},
        {"auth: {htpasswd: {path: p}}\naccess: {certificates: {name: uri, policy: either}}", CONFIG_CERTIFICATE_URI,
         CONFIG_CERTIFICATE_EITHER},
        {"auth: {htpasswd: {path: p}}\naccess: {certificates: {policy: both}}", CONFIG_CERTIFICATE_CN,
         CONFIG_CERTIFICATE_BOTH},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        LOAD(yaml_of("clientcas: [a]", cases[i].more), "", &l);
        CHECK_INT(l.config->certificate_name, cases[i].name);
        CHECK_INT(l.config->certificate_policy, cases[i].policy);
        unload(&l);
    }
}

TEST(errors, "what would let everybody in, or nobody, does not load")
{
    static const struct {
        const char *tls, *more, *error;
    } cases[] = {
        {"clientauth: require-and-verify-client-cert", "",
         "2: http.tls.clientauth: nothing to verify certificates against; set http.tls.clientcas to the files of the "
         "authorities that clients are certified by"},
        {"clientauth: verify-client-cert-if-given", "",
         "2: http.tls.clientauth: nothing to verify certificates against; set http.tls.clientcas to the files of the "
         "authorities that clients are certified by"},
        {"clientauth: RequireAnyClientCert", "",
         "2: http.tls.clientauth: \"RequireAnyClientCert\" is no way to treat client certificates; write "
         "require-and-verify-client-cert, verify-client-cert-if-given, require-any-client-cert or request-client-cert"},
        {"clientcas: []", "", "2: http.tls.clientcas: an empty list; fill it, or remove the key"},
        {"clientcas: ", "", "2: http.tls.clientcas: no value; fill it, or remove the key"},
        {"clientcas: [a], clientcrls: []", "", "2: http.tls.clientcrls: an empty list; fill it, or remove the key"},
        {"clientcas: [a], clientcrls: ~", "", "2: http.tls.clientcrls: no value; fill it, or remove the key"},
        {"clientcas: [a], clientauth: ", "", "2: http.tls.clientauth: no value; fill it, or remove the key"},
        {"clientauth: ''", "", "2: http.tls.clientauth: no value; fill it, or remove the key"},
        {"clientcas: ['']", "", "2: http.tls.clientcas[0]: an empty entry; fill it or remove it"},
        {"clientcas: a", "", "2: http.tls.clientcas: wants a list, not one value; write [a]"},
        {"clientcrls: [a]", "",
         "2: http.tls.clientcrls: only read when certificates are verified; set http.tls.clientcas, and a clientauth "
         "that verifies"},
        {"clientcas: [a], clientcrls: [a], clientauth: request-client-cert", "",
         "2: http.tls.clientcrls: only read when certificates are verified; set http.tls.clientcas, and a clientauth "
         "that verifies"},
        {"clientcas: [a]", "access: {certificates: {name: san}}",
         "3: access.certificates.name: \"san\" is no name of a certificate; write cn, dns, email or uri"},
        {"clientcas: [a]", "access: {certificates: {policy: any}}",
         "3: access.certificates.policy: \"any\" is no policy; write connection, either or both"},
        {"clientcas: [a]", "access: {certificates: {policy: both}}",
         "3: access.certificates.policy: both wants a password besides the certificate, and there are none; set "
         "auth.htpasswd, or write either"},
        {"clientcas: [a]", "auth: {htpasswd: {path: u}}\naccess: {certificates: {policy: both, name: uri}}",
         "4: access.certificates.policy: a URI has a colon, and no user of auth.htpasswd has: nobody could log in; let "
         "access.certificates.name be cn, dns or email, or write either"},
        {"", "access: {certificates: {policy: either}}",
         "3: access.certificates.policy: no certificate is verified, so none names a user; set http.tls.clientcas, and "
         "a "
         "clientauth that verifies, or remove the policy"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf wanted = {0};
        struct loaded l;

        load(yaml_of(cases[i].tls, cases[i].more), "", &l);
        if (l.config != NULL)
            test_fail(__FILE__, __LINE__, "%s %s loads", cases[i].tls, cases[i].more);
        sbuf_printf(&wanted, "config.yml:%s", cases[i].error);
        CHECK_TEXT(l.err.text, sbuf_text(&wanted));
        CHECK_INT(l.err.code, ERR_INVALID);
        sbuf_free(&wanted);
        unload(&l);
    }
}

TEST(plain, "client certificates without TLS do not load")
{
    struct loaded l;

    load("version: 0.1\nhttp: {tls: {clientcas: [a]}}\n", "", &l);
    CHECK(l.config == NULL);
    CHECK_TEXT(l.err.text, "config.yml:2: http.tls.clientcas: client certificates need TLS, and plain HTTP would let "
                           "everybody in; set http.tls.certificate and http.tls.key");
    unload(&l);
}
