#include "registry/config/ciphers.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static const char *const names[] = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
};

TEST(openssl_agrees, "every translated suite is the one OpenSSL knows by the standard's name")
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    CHECK(context != NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct err e = {0};
        const char *name = cipher_from_go(str_of(names[i]), &e);
        bool tls13 = name != NULL && cipher_is_tls13(name);
        SSL *ssl;
        size_t n;

        if (name == NULL)
            test_fail(__FILE__, __LINE__, "%s: %s", names[i], e.text);
        CHECK(tls13 ? SSL_CTX_set_ciphersuites(context, name) : SSL_CTX_set_cipher_list(context, name));
        ssl = SSL_new(context);
        n = (size_t)sk_SSL_CIPHER_num(SSL_get_ciphers(ssl));
        for (size_t j = 0; j < n; j++) {
            const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(SSL_get_ciphers(ssl), (int)j);
            struct str standard = str_of(SSL_CIPHER_standard_name(cipher));

            /* Go's older names of two suites leave the hash out. */
            if (strcmp(SSL_CIPHER_get_name(cipher), name) == 0 && !str_starts(standard, str_of(names[i])))
                test_fail(__FILE__, __LINE__, "%s became %s, which is %s", names[i], name, standard.p);
        }
        SSL_free(ssl);
    }
    SSL_CTX_free(context);
}

TEST(broken, "RC4 and 3DES are known and refused")
{
    static const char *const broken[] = {"TLS_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
                                         "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
                                         "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"};

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct err e;
        char wanted[200];

        snprintf(wanted, sizeof(wanted), "%s is broken and not served; remove it", broken[i]);
        CHECK(cipher_from_go(str_of(broken[i]), &e) == NULL);
        CHECK_TEXT(e.text, wanted);
    }
}

TEST(unknown, "an unknown name is refused, OpenSSL's own and one in lower case included")
{
    static const char *const unknown[] = {"ECDHE-RSA-AES128-GCM-SHA256", "tls_aes_128_gcm_sha256", ""};

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct err e;
        char wanted[200];

        snprintf(wanted, sizeof(wanted),
                 "\"%s\" is no cipher suite; use names such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", unknown[i]);
        CHECK(cipher_from_go(str_of(unknown[i]), &e) == NULL);
        CHECK_TEXT(e.text, wanted);
    }
}
