/*
 * Certificates, keys, requests and revocation lists in words.
 */
#include "tools/certificate/certificate_internal.h"

#include <string.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/pem.h>

enum { REVOKED_SHOWN_MAX = 10000 };

static int add_subject(struct facts *facts, const char *label, const X509_NAME *name, struct err *e)
{
    struct sbuf text = {0};
    int rc = subject_text(name, &text, e);

    if (rc == 0)
        facts_text(facts, label, (struct str){text.p, text.n});
    sbuf_free(&text);
    return rc;
}

static void add_digest(struct facts *facts, const char *label, const uint8_t *digest, size_t n)
{
    char text[2 * EVP_MAX_MD_SIZE];

    hex_encode(digest, n, text);
    facts_text(facts, label, (struct str){text, 2 * n});
}

static void add_key(struct facts *facts, const EVP_PKEY *key)
{
    char text[100];

    key_text(key, text, sizeof(text));
    facts_text(facts, "key", str_of(text));
}

static int describe_one(X509 *x509, struct facts *facts, struct err *e)
{
    GENERAL_NAMES *names;
    uint8_t digest[EVP_MAX_MD_SIZE];
    char serial[SERIAL_TEXT_ROOM];
    unsigned n;

    if (add_subject(facts, "subject", X509_get_subject_name(x509), e) != 0 ||
        add_subject(facts, "issuer", X509_get_issuer_name(x509), e) != 0)
        return -1;
    facts_bool(facts, "authority", X509_check_ca(x509) == 1);
    facts_time(facts, "from", time_of(X509_get0_notBefore(x509)));
    facts_time(facts, "until", time_of(X509_get0_notAfter(x509)));
    facts_number(facts, "days left", days_until(X509_get0_notAfter(x509)));
    names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    names_describe(names, facts);
    GENERAL_NAMES_free(names);
    if (X509_digest(x509, EVP_sha256(), digest, &n) != 1)
        return openssl_fail(e, "digest the certificate");
    add_digest(facts, "sha256", digest, n);
    facts_text(facts, "serial", serial_text(X509_get0_serialNumber(x509), serial) ? str_of(serial) : STR("too long"));
    facts_text(facts, "kind", str_of(kind_of(x509)));
    add_key(facts, X509_get0_pubkey(x509));
    ERR_clear_error();
    return 0;
}

int certificate_describe(const struct certificate *certificate, struct facts *facts, struct err *e)
{
    int rc = describe_one(certificate->x509, facts, e);

    for (int i = 0; rc == 0 && i < sk_X509_num(certificate->chain); i++) {
        struct facts child = {0};

        rc = describe_one(sk_X509_value(certificate->chain, i), &child, e);
        if (rc == 0)
            facts_child(facts, "chain", &child);
        facts_free(&child);
    }
    return rc;
}

static int describe_certificate(const char *path, const struct passphrase *passphrase, struct facts *facts,
                                struct err *e)
{
    struct certificate *certificate = certificate_read(path, NULL, e);
    int rc = certificate == NULL ? -1 : certificate_describe(certificate, facts, e);

    (void)passphrase;
    certificate_free(&certificate);
    return rc;
}

/* The digest of the public key is the same for a key, its request and its certificate. */
static int describe_key(const char *path, const struct passphrase *passphrase, struct facts *facts, struct err *e)
{
    struct certificate *key = key_read(path, passphrase, e);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned char *encoded = NULL;
    unsigned size = 0;
    int n, rc = 0;

    if (key == NULL)
        return -1;
    facts_text(facts, "kind", STR("private key"));
    add_key(facts, key->key);
    n = i2d_PUBKEY(key->key, &encoded);
    if (n > 0 && EVP_Digest(encoded, (size_t)n, digest, &size, EVP_sha256(), NULL) == 1)
        add_digest(facts, "public key sha256", digest, size);
    else
        rc = openssl_fail(e, "digest the public key");
    OPENSSL_free(encoded);
    certificate_free(&key);
    return rc;
}

static int describe_request(const char *path, const struct passphrase *passphrase, struct facts *facts, struct err *e)
{
    struct sbuf text = {0};
    STACK_OF(X509_EXTENSION) * extensions;
    GENERAL_NAMES *names;
    X509_REQ *req;
    int rc = -1;
    BIO *bio = open_text(path, &text, e);

    (void)passphrase;
    req = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, no_passphrase, NULL);
    if (bio != NULL && req == NULL)
        err_set(e, ERR_INVALID, "%s: a malformed signing request", path);
    if (req != NULL) {
        facts_text(facts, "kind", STR("signing request"));
        rc = add_subject(facts, "subject", X509_REQ_get_subject_name(req), e);
        extensions = X509_REQ_get_extensions(req);
        names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
        names_describe(names, facts);
        GENERAL_NAMES_free(names);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
        add_key(facts, X509_REQ_get0_pubkey(req));
        facts_bool(facts, "signed by its key", X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1);
    }
    ERR_clear_error();
    X509_REQ_free(req);
    close_text(bio, &text);
    return rc;
}

static void describe_revoked(X509_CRL *crl, struct facts *facts)
{
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);

    facts_number(facts, "revoked", sk_X509_REVOKED_num(all) < 0 ? 0 : sk_X509_REVOKED_num(all));
    for (int i = 0; i < sk_X509_REVOKED_num(all) && i < REVOKED_SHOWN_MAX; i++) {
        const X509_REVOKED *revoked = sk_X509_REVOKED_value(all, i);
        ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, NULL, NULL);
        struct facts child = {0};
        char serial[SERIAL_TEXT_ROOM];

        facts_text(&child, "serial",
                   serial_text(X509_REVOKED_get0_serialNumber(revoked), serial) ? str_of(serial) : STR("too long"));
        facts_time(&child, "when", time_of(X509_REVOKED_get0_revocationDate(revoked)));
        if (code != NULL)
            facts_number(&child, "reason", ASN1_ENUMERATED_get(code));
        facts_child(facts, "entries", &child);
        facts_free(&child);
        ASN1_ENUMERATED_free(code);
    }
}

static int describe_crl(const char *path, const struct passphrase *passphrase, struct facts *facts, struct err *e)
{
    struct sbuf text = {0};
    ASN1_INTEGER *number;
    X509_CRL *crl;
    uint64_t n = 0;
    int rc = -1;
    BIO *bio = open_text(path, &text, e);

    (void)passphrase;
    crl = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL);
    if (bio != NULL && crl == NULL)
        err_set(e, ERR_INVALID, "%s: a malformed revocation list", path);
    if (crl != NULL) {
        facts_text(facts, "kind", STR("revocation list"));
        rc = add_subject(facts, "issuer", X509_CRL_get_issuer(crl), e);
        number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
        if (number != NULL && ASN1_INTEGER_get_uint64(&n, number) == 1)
            facts_number(facts, "number", (int64_t)n);
        ASN1_INTEGER_free(number);
        facts_time(facts, "from", time_of(X509_CRL_get0_lastUpdate(crl)));
        if (X509_CRL_get0_nextUpdate(crl) != NULL) {
            facts_time(facts, "until", time_of(X509_CRL_get0_nextUpdate(crl)));
            facts_number(facts, "days left", days_until(X509_CRL_get0_nextUpdate(crl)));
        }
        describe_revoked(crl, facts);
    }
    ERR_clear_error();
    X509_CRL_free(crl);
    close_text(bio, &text);
    return rc;
}

/* By the end of the label of the first block that is one of these. */
static const struct {
    const char *label;
    int (*describe)(const char *path, const struct passphrase *passphrase, struct facts *facts, struct err *e);
} forms[] = {
    {"CERTIFICATE-----", describe_certificate},
    {"CERTIFICATE REQUEST-----", describe_request},
    {"X509 CRL-----", describe_crl},
    {"PRIVATE KEY-----", describe_key},
};

int certificate_describe_file(const char *path, const struct passphrase *passphrase, struct facts *facts, struct err *e)
{
    int (*describe)(const char *, const struct passphrase *, struct facts *, struct err *) = describe_certificate;
    const char *first = NULL;
    struct sbuf text = {0};
    BIO *bio = open_text(path, &text, e);

    if (bio == NULL)
        return -1;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const char *found = strstr(sbuf_text(&text), forms[i].label);

        if (found != NULL && (first == NULL || found < first)) {
            first = found;
            describe = forms[i].describe;
        }
    }
    close_text(bio, &text);
    return describe(path, passphrase, facts, e);
}
