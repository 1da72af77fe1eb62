/*
 * Certificates read and written.
 */
#include "tools/certificate/certificate_internal.h"

#include <stdlib.h>
#include <string.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

/* Takes `x509`, whatever comes of it. */
static int push(STACK_OF(X509) * all, X509 *x509, const char *path, struct err *e)
{
    if (sk_X509_num(all) < CERTIFICATES_MAX && sk_X509_push(all, x509) > 0)
        return 0;
    X509_free(x509);
    return err_set(e, ERR_TOO_LARGE, "%s: more than %d certificates", path, CERTIFICATES_MAX);
}

static int push_pkcs7(STACK_OF(X509) * all, PKCS7 *p7, const char *path, struct err *e)
{
    STACK_OF(X509) *inside = NULL;
    int rc = 0;

    if (PKCS7_type_is_signed(p7) && p7->d.sign != NULL)
        inside = p7->d.sign->cert;
    for (int i = 0; rc == 0 && i < sk_X509_num(inside); i++) {
        X509 *x509 = sk_X509_value(inside, i);

        rc = X509_up_ref(x509) == 1 ? push(all, x509, path, e) : openssl_fail(e, path);
    }
    PKCS7_free(p7);
    return rc;
}

/* One PEM block, whatever its kind; those that hold no certificates are passed over. */
static int push_block(STACK_OF(X509) * all, const char *label, const unsigned char *bytes, long n, const char *path,
                      struct err *e)
{
    X509 *x509;
    PKCS7 *p7;

    if (strcmp(label, PEM_STRING_PKCS7) == 0) {
        p7 = d2i_PKCS7(NULL, &bytes, n);
        return p7 == NULL ? err_set(e, ERR_INVALID, "%s: a malformed PKCS #7 block", path)
                          : push_pkcs7(all, p7, path, e);
    }
    if (strcmp(label, PEM_STRING_X509) != 0 && strcmp(label, PEM_STRING_X509_OLD) != 0)
        return 0;
    x509 = d2i_X509(NULL, &bytes, n);
    return x509 == NULL ? err_set(e, ERR_INVALID, "%s: a malformed certificate", path) : push(all, x509, path, e);
}

/* What is not PEM at all may be one certificate, or a PKCS #7 bag of them, in DER. */
static int push_der(STACK_OF(X509) * all, const struct sbuf *text, const char *path, struct err *e)
{
    const unsigned char *bytes = (const unsigned char *)text->p;
    X509 *x509 = text->n == 0 ? NULL : d2i_X509(NULL, &bytes, (long)text->n);
    PKCS7 *p7;

    if (x509 != NULL)
        return push(all, x509, path, e);
    bytes = (const unsigned char *)text->p;
    p7 = text->n == 0 ? NULL : d2i_PKCS7(NULL, &bytes, (long)text->n);
    return p7 == NULL ? 0 : push_pkcs7(all, p7, path, e);
}

/* Add all certificates of a file. ERR_INVALID when it has none. */
static int read_all(STACK_OF(X509) * all, const char *path, struct err *e)
{
    int before = sk_X509_num(all), blocks = 0, rc = 0;
    struct sbuf text = {0};
    char *label, *header;
    unsigned char *bytes;
    long n;
    BIO *bio = open_text(path, &text, e);

    if (bio == NULL)
        return -1;
    while (rc == 0 && PEM_read_bio(bio, &label, &header, &bytes, &n) == 1) {
        rc = push_block(all, label, bytes, n, path, e);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)n);
        blocks++;
    }
    if (rc == 0 && blocks == 0)
        rc = push_der(all, &text, path, e);
    ERR_clear_error();
    close_text(bio, &text);
    if (rc == 0 && sk_X509_num(all) == before)
        rc = err_set(e, ERR_INVALID, "%s: no certificate in PEM form", path);
    return rc;
}

static int add_key(struct certificate *c, const char *path, const struct passphrase *passphrase, struct err *e)
{
    struct certificate *key = key_read(path, passphrase, e);

    if (key == NULL)
        return -1;
    c->key = key->key;
    key->key = NULL;
    certificate_free(&key);
    if (X509_check_private_key(c->x509, c->key) == 1)
        return 0;
    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s: not the key of the certificate beside it", path);
}

struct certificate *certificate_read_with(const char *path, const char *key_path, const struct passphrase *passphrase,
                                          struct err *e)
{
    struct certificate *c = xcalloc(1, sizeof(*c));
    int rc;

    c->chain = sk_X509_new_null();
    rc = c->chain == NULL ? openssl_fail(e, path) : read_all(c->chain, path, e);
    if (rc == 0)
        c->x509 = sk_X509_shift(c->chain);
    if (rc == 0 && key_path != NULL)
        rc = add_key(c, key_path, passphrase, e);
    if (rc != 0)
        certificate_free(&c);
    return c;
}

struct certificate *certificate_read(const char *path, const char *key_path, struct err *e)
{
    return certificate_read_with(path, key_path, NULL, e);
}

/* Take the first certificate out of `all` that `fits` what is given. NULL when none does. */
static X509 *take(STACK_OF(X509) * all, bool (*fits)(X509 *candidate, const void *given), const void *given)
{
    for (int i = 0; i < sk_X509_num(all); i++)
        if (fits(sk_X509_value(all, i), given))
            return sk_X509_delete(all, i);
    ERR_clear_error();
    return NULL;
}

static bool has_key(X509 *candidate, const void *key)
{
    return X509_check_private_key(candidate, key) == 1;
}

static bool has_issued(X509 *candidate, const void *subject)
{
    /* X509_check_issued() takes no const, but changes nothing but caches */
    union {
        const void *given;
        X509 *x509;
    } leaf = {subject};

    return X509_check_issued(candidate, leaf.x509) == X509_V_OK &&
           X509_verify(leaf.x509, X509_get0_pubkey(candidate)) == 1;
}

static bool is_same(X509 *candidate, const void *given)
{
    return X509_cmp(candidate, given) == 0;
}

/* From the leaf upwards. What was sent twice counts once; what belongs to neither is a stranger. */
static size_t order_chain(struct certificate *c, STACK_OF(X509) * all)
{
    X509 *next = c->x509, *twin;

    while (next != NULL) {
        while ((twin = take(all, is_same, next)) != NULL)
            X509_free(twin);
        if (X509_self_signed(next, 0) == 1)
            break;
        next = take(all, has_issued, next);
        if (next != NULL && sk_X509_push(c->chain, next) <= 0) {
            X509_free(next);
            break;
        }
    }
    return (size_t)sk_X509_num(all);
}

struct certificate *certificate_read_answer(const struct certificate *key, char *const *paths, size_t n,
                                            size_t *strangers, struct err *e)
{
    struct certificate *c = xcalloc(1, sizeof(*c));
    STACK_OF(X509) *all = sk_X509_new_null();
    int rc = 0;

    c->chain = sk_X509_new_null();
    if (all == NULL || c->chain == NULL)
        rc = openssl_fail(e, "read certificates");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = read_all(all, paths[i], e);
    if (rc == 0 && (c->x509 = take(all, has_key, key->key)) == NULL)
        rc = err_set(e, ERR_INVALID,
                     "none of the certificates belongs to the key; they answer another request than the one made here");
    if (rc == 0) {
        *strangers = order_chain(c, all);
        if (EVP_PKEY_up_ref(key->key) == 1)
            c->key = key->key;
        else
            rc = openssl_fail(e, "share the key");
    }
    if (rc != 0)
        certificate_free(&c);
    sk_X509_pop_free(all, X509_free);
    return c;
}

int certificate_put(const struct certificate *certificate, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return drain(bio, bio != NULL && PEM_write_bio_X509(bio, certificate->x509) == 1, out, e);
}

int certificate_put_chain(const struct certificate *certificate, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool written = bio != NULL;

    for (int i = 0; written && i < sk_X509_num(certificate->chain); i++)
        written = PEM_write_bio_X509(bio, sk_X509_value(certificate->chain, i)) == 1;
    return drain(bio, written, out, e);
}

bool certificate_has_chain(const struct certificate *certificate)
{
    return sk_X509_num(certificate->chain) > 0;
}
