/*
 * Certificates made and signed.
 */
#include "tools/certificate/certificate_internal.h"

#include <string.h>

/* libraries */
#include <openssl/bn.h>
#include <openssl/err.h>

/* base */
#include "registry/base/rnd.h"

enum { SERIAL_BYTES = 16, BACKDATED_S = 300 };

static bool set_serial(X509 *x509)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number;
    bool done;

    do {
        rnd_bytes(bytes, sizeof(bytes));
    } while (bytes[0] == 0); /* a serial number is positive (RFC 5280 §4.1.2.2), and all of ours are of one length */
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return done;
}

/* From five minutes ago for `days` days, but not past the end of the issuer (NULL: none). */
static bool set_validity(X509 *x509, const X509 *issuer, unsigned days)
{
    if (X509_gmtime_adj(X509_getm_notBefore(x509), -BACKDATED_S) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(x509), (int)days, -BACKDATED_S, NULL) == NULL)
        return false;
    if (issuer == NULL || ASN1_TIME_compare(X509_get0_notAfter(x509), X509_get0_notAfter(issuer)) <= 0)
        return true;
    return X509_set1_notAfter(x509, X509_get0_notAfter(issuer)) == 1;
}

struct extension {
    int nid;
    const char *value; /* in the notation of x509v3_config(5) */
};

static bool add_extension(X509 *x509, X509 *issuer, const struct extension *extension)
{
    X509V3_CTX context;
    X509_EXTENSION *made;
    bool done;

    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    made = X509V3_EXT_nconf_nid(NULL, &context, extension->nid, extension->value);
    done = made != NULL && X509_add_ext(x509, made, -1) == 1;
    X509_EXTENSION_free(made);
    return done;
}

/* Critical when the subject is empty (RFC 5280 §4.2.1.6). */
static bool add_names(X509 *x509, const struct hosts *hosts)
{
    GENERAL_NAMES *names = names_make(hosts);
    int critical = X509_NAME_entry_count(X509_get_subject_name(x509)) == 0;
    bool done = names != NULL &&
                X509_add1_ext_i2d(x509, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) == 1;

    GENERAL_NAMES_free(names);
    return done;
}

/* Turn a key into a certificate with a serial number and a validity, and nothing else yet. Takes `made`, which may be
 * NULL. */
static struct certificate *begin(struct certificate *made, const X509 *issuer, unsigned days, struct err *e)
{
    if (made == NULL)
        return NULL;
    made->x509 = X509_new();
    if (made->x509 != NULL && X509_set_version(made->x509, X509_VERSION_3) == 1 && set_serial(made->x509) &&
        set_validity(made->x509, issuer, days) && X509_set_pubkey(made->x509, made->key) == 1)
        return made;
    openssl_fail(e, "make a certificate");
    certificate_free(&made);
    return NULL;
}

/* Name the issuer, add the extensions (ended by nid 0) and sign. `made` is freed on failure. */
static struct certificate *finish(struct certificate *made, const struct certificate *issuer,
                                  const struct extension *extensions, struct err *e)
{
    bool done = X509_set_issuer_name(made->x509, X509_get_subject_name(issuer->x509)) == 1;

    for (; done && extensions->nid != 0; extensions++)
        done = add_extension(made->x509, issuer->x509, extensions);
    if (done && X509_sign(made->x509, issuer->key, EVP_sha256()) > 0)
        return made;
    openssl_fail(e, "sign a certificate");
    certificate_free(&made);
    return NULL;
}

static int check_authority(const struct certificate *authority, struct err *e)
{
    if (X509_cmp_current_time(X509_get0_notAfter(authority->x509)) > 0)
        return 0;
    return err_set(e, ERR_INVALID, "the authority has expired; make a new one and hand it out");
}

struct certificate *certificate_make_authority(const char *common_name, enum key_kind kind, unsigned days,
                                               struct err *e)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL},
    };
    struct certificate *made;
    size_t n = strlen(common_name);

    if (n == 0 || n > COMMON_NAME_MAX)
        return err_set(e, ERR_INVALID, "the name of an authority has 1 to %d bytes", COMMON_NAME_MAX), NULL;
    if (!text_is_plain((struct str){common_name, n}))
        return err_set(e, ERR_INVALID, "the name of an authority is UTF-8 without control characters"), NULL;
    made = begin(key_make(kind, e), NULL, days, e);
    if (made != NULL && !subject_add(X509_get_subject_name(made->x509), "CN", common_name)) {
        openssl_fail(e, "name the authority");
        certificate_free(&made);
    }
    return made == NULL ? NULL : finish(made, made, extensions, e);
}

/* A leaf named `common_name` (NULL: not named) with those alternative names, for the use in `extended_usage`. */
static struct certificate *make_leaf(const struct certificate *authority, const char *common_name,
                                     const struct hosts *names, const char *extended_usage, enum key_kind kind,
                                     unsigned days, struct err *e)
{
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, extended_usage},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {0, NULL},
    };
    struct certificate *made;

    if (check_authority(authority, e) != 0)
        return NULL;
    made = begin(key_make(kind, e), authority->x509, days, e);
    if (made == NULL)
        return NULL;
    if ((common_name != NULL && !subject_add(X509_get_subject_name(made->x509), "CN", common_name)) ||
        (names->n > 0 && !add_names(made->x509, names))) {
        openssl_fail(e, "name the certificate");
        certificate_free(&made);
        return NULL;
    }
    return finish(made, authority, extensions, e);
}

struct certificate *certificate_make_server(const struct certificate *authority, const struct hosts *hosts,
                                            enum key_kind kind, unsigned days, struct err *e)
{
    const char *first = hosts->items[0].text;

    return make_leaf(authority, strlen(first) <= COMMON_NAME_MAX ? first : NULL, hosts, "serverAuth", kind, days, e);
}

struct certificate *certificate_make_client(const struct certificate *authority, const char *user,
                                            const struct hosts *names, enum key_kind kind, unsigned days, struct err *e)
{
    return make_leaf(authority, user, names, "clientAuth", kind, days, e);
}

/* All extensions but the key identifiers, which finish() makes anew. */
static bool copy_extensions(X509 *to, const X509 *from)
{
    for (int i = 0; i < X509_get_ext_count(from); i++) {
        X509_EXTENSION *extension = X509_get_ext(from, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

        if (nid != NID_subject_key_identifier && nid != NID_authority_key_identifier &&
            X509_add_ext(to, extension, -1) != 1)
            return false;
    }
    return true;
}

/* Days from one to the other, at least one. */
static unsigned length_of(const X509 *x509)
{
    int days = 0, seconds = 0;

    if (ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x509), X509_get0_notAfter(x509)) != 1 || days < 1)
        return 1;
    return (unsigned)days + (seconds > 0);
}

struct certificate *certificate_make_again(const struct certificate *authority, const struct certificate *old,
                                           unsigned days, bool new_key, struct err *e)
{
    static const struct extension identifiers[] = {
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {0, NULL},
    };
    struct certificate *made;

    if (check_authority(authority, e) != 0)
        return NULL;
    made = xcalloc(1, sizeof(*made));
    made->key = new_key ? key_make_like(old->key) : EVP_PKEY_up_ref(old->key) == 1 ? old->key : NULL;
    if (made->key == NULL) {
        openssl_fail(e, "make a key of the same kind");
        certificate_free(&made);
        return NULL;
    }
    made = begin(made, authority->x509, days > 0 ? days : length_of(old->x509), e);
    if (made == NULL)
        return NULL;
    if (X509_set_subject_name(made->x509, X509_get_subject_name(old->x509)) != 1 ||
        !copy_extensions(made->x509, old->x509)) {
        openssl_fail(e, "copy what the certificate says");
        certificate_free(&made);
        return NULL;
    }
    return finish(made, authority, identifiers, e);
}
