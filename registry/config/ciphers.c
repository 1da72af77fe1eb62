#include "registry/config/ciphers.h"

#include <stddef.h>
#include <string.h>

/* A suite without an OpenSSL name is known and refused. */
static const struct {
    struct str go;
    const char *openssl;
} suites[] = {
    {STR("TLS_AES_128_GCM_SHA256"), "TLS_AES_128_GCM_SHA256"},
    {STR("TLS_AES_256_GCM_SHA384"), "TLS_AES_256_GCM_SHA384"},
    {STR("TLS_CHACHA20_POLY1305_SHA256"), "TLS_CHACHA20_POLY1305_SHA256"},
    {STR("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {STR("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"), "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {STR("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {STR("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"), "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {STR("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"), "ECDHE-ECDSA-AES128-SHA256"},
    {STR("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"), "ECDHE-ECDSA-AES128-SHA"},
    {STR("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"), "ECDHE-ECDSA-AES256-SHA"},
    {STR("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "ECDHE-RSA-AES128-GCM-SHA256"},
    {STR("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), "ECDHE-RSA-AES256-GCM-SHA384"},
    {STR("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"), "ECDHE-RSA-CHACHA20-POLY1305"},
    {STR("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"), "ECDHE-RSA-CHACHA20-POLY1305"},
    {STR("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"), "ECDHE-RSA-AES128-SHA256"},
    {STR("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), "ECDHE-RSA-AES128-SHA"},
    {STR("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"), "ECDHE-RSA-AES256-SHA"},
    {STR("TLS_RSA_WITH_AES_128_GCM_SHA256"), "AES128-GCM-SHA256"},
    {STR("TLS_RSA_WITH_AES_256_GCM_SHA384"), "AES256-GCM-SHA384"},
    {STR("TLS_RSA_WITH_AES_128_CBC_SHA256"), "AES128-SHA256"},
    {STR("TLS_RSA_WITH_AES_128_CBC_SHA"), "AES128-SHA"},
    {STR("TLS_RSA_WITH_AES_256_CBC_SHA"), "AES256-SHA"},
    {STR("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"), NULL},
    {STR("TLS_RSA_WITH_3DES_EDE_CBC_SHA"), NULL},
    {STR("TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"), NULL},
    {STR("TLS_ECDHE_RSA_WITH_RC4_128_SHA"), NULL},
    {STR("TLS_RSA_WITH_RC4_128_SHA"), NULL},
};

const char *cipher_from_go(struct str name, struct err *e)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (!str_eq(suites[i].go, name))
            continue;
        if (suites[i].openssl == NULL)
            err_set(e, ERR_INVALID, "%s is broken and not served; remove it", suites[i].go.p);
        return suites[i].openssl;
    }
    err_set(e, ERR_INVALID, "\"%.*s\" is no cipher suite; use names such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            (int)(name.n < 80 ? name.n : 80), name.p);
    return NULL;
}

bool cipher_is_tls13(const char *openssl_name)
{
    return strncmp(openssl_name, "TLS_", 4) == 0;
}
