/* Certificates and revocation lists as PEM texts, whose names and scope are then looked at; and, behind an odd first
 * byte, one certificate as DER, which mutates better. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "auth/htpasswd.h"
#include "registry/net/certificate_name.h"
#include "registry/net/crl_scope.h"
#include "registry/net/pem.h"

static void try_names(const X509 *certificate)
{
    static const enum config_certificate_name kinds[] = {CONFIG_CERTIFICATE_CN, CONFIG_CERTIFICATE_DNS,
                                                         CONFIG_CERTIFICATE_EMAIL, CONFIG_CERTIFICATE_URI};
    struct sbuf name = {0};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct err e = {0};

        if (certificate_name(certificate, kinds[i], &name, &e) == 0) {
            HOLDS(name.n > 0 && name.n <= HTPASSWD_NAME_MAX && strlen(sbuf_text(&name)) == name.n);
            HOLDS(strpbrk(sbuf_text(&name), "\r\n") == NULL);
            HOLDS(kinds[i] == CONFIG_CERTIFICATE_URI || strchr(sbuf_text(&name), ':') == NULL);
        } else {
            HOLDS(e.text[0] != '\0' && name.n == 0);
        }
    }
    pem_time_s(X509_get0_notAfter(certificate));
    sbuf_free(&name);
}

static void try_pem(struct str text)
{
    struct file_of_set file = {.key = "key", .path = "path", .text = text};
    struct err e = {0};
    STACK_OF(X509) *certificates = pem_certificates(&file, &e);
    STACK_OF(X509_CRL) * crls;

    HOLDS(certificates == NULL ? str_starts(str_of(e.text), STR("key path: ")) : sk_X509_num(certificates) > 0);
    for (int i = 0; i < sk_X509_num(certificates); i++)
        try_names(sk_X509_value(certificates, i));
    sk_X509_pop_free(certificates, X509_free);
    e = (struct err){0};
    crls = pem_crls(&file, &e);
    HOLDS(crls == NULL ? str_starts(str_of(e.text), STR("key path: ")) : sk_X509_CRL_num(crls) > 0);
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        const char *why = crl_scope_refuse(sk_X509_CRL_value(crls, i));

        HOLDS(why == NULL || why[0] != '\0');
    }
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

static void try_der(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509 *certificate = d2i_X509(NULL, &at, (long)size);

    if (certificate != NULL)
        try_names(certificate);
    X509_free(certificate);
    at = data;

    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)size);

    if (crl != NULL)
        crl_scope_refuse(crl);
    X509_CRL_free(crl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] % 2 == 1)
        try_der(data + 1, size - 1);
    else if (size > 0)
        try_pem(fuzz_text(data + 1, size - 1));
    return 0;
}
