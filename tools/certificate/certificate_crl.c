/*
 * Lists of revoked certificates (RFC 5280 §5).
 */
#include "tools/certificate/certificate_internal.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* libraries */
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { BACKDATED_S = 300 };

/* What an administrator can mean; holds and delta lists are not for us. */
static const struct {
    const char *name;
    long code;
} reasons[] = {
    {"unspecified", CRL_REASON_UNSPECIFIED},
    {"keyCompromise", CRL_REASON_KEY_COMPROMISE},
    {"affiliationChanged", CRL_REASON_AFFILIATION_CHANGED},
    {"superseded", CRL_REASON_SUPERSEDED},
    {"cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION},
    {"privilegeWithdrawn", CRL_REASON_PRIVILEGE_WITHDRAWN},
};

enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

int crl_reason(const char *text, const char **out, struct err *e)
{
    for (size_t i = 0; i < REASONS; i++) {
        if (strcasecmp(reasons[i].name, text) == 0) {
            *out = reasons[i].name;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "no reason: %s; there are unspecified, keyCompromise, affiliationChanged, superseded, "
                   "cessationOfOperation, privilegeWithdrawn",
                   text);
}

int crl_number(const char *path, uint64_t *number, struct err *e)
{
    struct sbuf text = {0};
    ASN1_INTEGER *counted;
    X509_CRL *crl;
    BIO *bio = open_text(path, &text, e);
    int rc = 0;

    *number = 0;
    if (bio == NULL)
        return -1;
    crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL);
    counted = crl == NULL ? NULL : X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    if (crl == NULL)
        rc = err_set(e, ERR_INVALID, "%s: no revocation list in PEM form", path);
    if (counted != NULL && ASN1_INTEGER_get_uint64(number, counted) != 1)
        *number = UINT64_MAX; /* it may have 20 bytes */
    ASN1_INTEGER_free(counted);
    X509_CRL_free(crl);
    ERR_clear_error();
    close_text(bio, &text);
    return rc;
}

/* "Unspecified" is said by saying nothing (RFC 5280 §5.3.1). */
static bool add_reason(X509_REVOKED *revoked, const char *name)
{
    ASN1_ENUMERATED *code;
    bool done;
    size_t i;

    for (i = 0; i < REASONS && strcmp(reasons[i].name, name) != 0; i++)
        ;
    if (i == REASONS || reasons[i].code == CRL_REASON_UNSPECIFIED)
        return true;
    code = ASN1_ENUMERATED_new();
    done = code != NULL && ASN1_ENUMERATED_set(code, reasons[i].code) == 1 &&
           X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, code, 0, X509V3_ADD_DEFAULT) == 1;
    ASN1_ENUMERATED_free(code);
    return done;
}

static bool add_revoked(X509_CRL *crl, const struct revocation *item)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)item->when);
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial = NULL;
    bool done = revoked != NULL && when != NULL && BN_hex2bn(&number, item->serial) > 0 &&
                (serial = BN_to_ASN1_INTEGER(number, NULL)) != NULL &&
                X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
                X509_REVOKED_set_revocationDate(revoked, when) == 1 && add_reason(revoked, item->reason);

    if (!done || X509_CRL_add0_revoked(crl, revoked) != 1) {
        X509_REVOKED_free(revoked);
        done = false;
    }
    ASN1_INTEGER_free(serial);
    BN_free(number);
    ASN1_TIME_free(when);
    return done;
}

static bool set_times(X509_CRL *crl, const X509 *authority, unsigned days)
{
    ASN1_TIME *now = X509_gmtime_adj(NULL, -BACKDATED_S);
    ASN1_TIME *next = days == 0 ? ASN1_STRING_dup(X509_get0_notAfter(authority))
                                : X509_time_adj_ex(NULL, (int)days, 0, NULL);
    bool done = now != NULL && next != NULL && X509_CRL_set1_lastUpdate(crl, now) == 1 &&
                X509_CRL_set1_nextUpdate(crl, next) == 1;

    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    return done;
}

static bool add_extensions(X509_CRL *crl, X509 *authority, uint64_t number)
{
    X509V3_CTX context;
    X509_EXTENSION *key_identifier;
    ASN1_INTEGER *counted = ASN1_INTEGER_new();
    bool done;

    X509V3_set_ctx(&context, authority, NULL, NULL, crl, 0);
    key_identifier = X509V3_EXT_nconf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    done = key_identifier != NULL && X509_CRL_add_ext(crl, key_identifier, -1) == 1 && counted != NULL &&
           ASN1_INTEGER_set_uint64(counted, number) == 1 &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, counted, 0, X509V3_ADD_DEFAULT) == 1;
    X509_EXTENSION_free(key_identifier);
    ASN1_INTEGER_free(counted);
    return done;
}

int crl_put(const struct certificate *authority, const struct revocation *items, size_t n, uint64_t number,
            unsigned days, struct sbuf *out, struct err *e)
{
    X509_CRL *crl = X509_CRL_new();
    bool done = crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->x509)) == 1 &&
                set_times(crl, authority->x509, days) && add_extensions(crl, authority->x509, number);
    BIO *bio;
    int rc;

    for (size_t i = 0; done && i < n; i++)
        done = add_revoked(crl, &items[i]);
    done = done && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0;
    if (!done) {
        X509_CRL_free(crl);
        return openssl_fail(e, "make a revocation list");
    }
    bio = BIO_new(BIO_s_mem());
    rc = drain(bio, bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1, out, e);
    X509_CRL_free(crl);
    return rc;
}
