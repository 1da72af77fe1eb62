/* Authorities, certificates and revocation lists made on the spot. Whatever fails here aborts. */
#ifndef BERTH_CERTIFICATE_FIXTURE_H
#define BERTH_CERTIFICATE_FIXTURE_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "registry/base/str.h"
#include "registry/net/file_set.h"
#include "registry/net/trust.h"
#include "tests/unit/test.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static inline void must(bool ok)
{
    if (!ok)
        abort();
}

/* "extendedKeyUsage=clientAuth", as openssl's configuration files have it. */
static inline void add_extension(X509 *certificate, X509 *issuer, const char *line)
{
    char name[64];
    const char *value = strchr(line, '=') + 1;
    X509_EXTENSION *extension;
    X509V3_CTX context;

    snprintf(name, sizeof(name), "%.*s", (int)(value - line - 1), line);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf(NULL, &context, name, value);
    must(extension != NULL && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

/* Not signed yet: a test may change it before issue_end(). `issuer` NULL: of its own. */
static inline struct identity issue_begin(const char *name, const char *const *extensions,
                                          const struct identity *issuer)
{
    static long serial = 1;
    struct identity i = {X509_new(), EVP_EC_gen("P-256")};
    X509 *by = issuer == NULL ? i.certificate : issuer->certificate;

    must(i.certificate != NULL && i.key != NULL && X509_set_version(i.certificate, 2) &&
         ASN1_INTEGER_set(X509_get_serialNumber(i.certificate), serial++) &&
         X509_gmtime_adj(X509_getm_notBefore(i.certificate), -HOUR) &&
         X509_gmtime_adj(X509_getm_notAfter(i.certificate), DAY) && X509_set_pubkey(i.certificate, i.key));
    if (name != NULL)
        must(X509_NAME_add_entry_by_txt(X509_get_subject_name(i.certificate), "CN", MBSTRING_UTF8,
                                        (const unsigned char *)name, -1, -1, 0));
    must(X509_set_issuer_name(i.certificate, X509_get_subject_name(by)));
    for (; extensions != NULL && *extensions != NULL; extensions++)
        add_extension(i.certificate, by, *extensions);
    return i;
}

static inline void issue_end(struct identity *i, const struct identity *issuer)
{
    must(X509_sign(i->certificate, issuer == NULL ? i->key : issuer->key, EVP_sha256()) > 0);
}

static inline struct identity issue(const char *name, const char *const *extensions, const struct identity *issuer)
{
    struct identity i = issue_begin(name, extensions, issuer);

    issue_end(&i, issuer);
    return i;
}

static inline struct identity make_authority(const char *name, const struct identity *issuer)
{
    static const char *const extensions[] = {"basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign", NULL};

    return issue(name, extensions, issuer);
}

static inline struct identity make_client(const char *name, const struct identity *issuer)
{
    static const char *const extensions[] = {"extendedKeyUsage=clientAuth", NULL};

    return issue(name, extensions, issuer);
}

static inline void identity_free(struct identity *i)
{
    X509_free(i->certificate);
    EVP_PKEY_free(i->key);
    *i = (struct identity){0};
}

/* What the list itself says, and its entry; each a line as add_extension() has them, or NULL. */
struct crl_extensions {
    const char *of_list;
    const char *of_entry;
};

static inline X509_EXTENSION *crl_extension(X509_CRL *crl, X509 *issuer, const char *line)
{
    char name[64];
    const char *value = strchr(line, '=') + 1;
    X509_EXTENSION *extension;
    X509V3_CTX context;

    snprintf(name, sizeof(name), "%.*s", (int)(value - line - 1), line);
    X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
    extension = X509V3_EXT_conf(NULL, &context, name, value);
    must(extension != NULL);
    return extension;
}

/* The authority's list, with one certificate revoked or none (NULL); `next` seconds from now is the next update. */
static inline X509_CRL *make_crl_with(const struct identity *authority, const X509 *revoked, long next,
                                      struct crl_extensions extensions)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();

    must(crl != NULL && X509_CRL_set_version(crl, 1) &&
         X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->certificate)));
    must(X509_gmtime_adj(time, -2 * HOUR) != NULL && X509_CRL_set1_lastUpdate(crl, time));
    must(X509_gmtime_adj(time, next) != NULL && X509_CRL_set1_nextUpdate(crl, time));
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();

        must(X509_gmtime_adj(time, -HOUR) != NULL && X509_REVOKED_set_revocationDate(entry, time) &&
             X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(revoked)) &&
             X509_CRL_add0_revoked(crl, entry));
        if (extensions.of_entry != NULL) {
            X509_EXTENSION *extension = crl_extension(crl, authority->certificate, extensions.of_entry);

            must(X509_REVOKED_add_ext(entry, extension, -1));
            X509_EXTENSION_free(extension);
        }
    }
    if (extensions.of_list != NULL) {
        X509_EXTENSION *extension = crl_extension(crl, authority->certificate, extensions.of_list);

        must(X509_CRL_add_ext(crl, extension, -1));
        X509_EXTENSION_free(extension);
    }
    ASN1_TIME_free(time);
    must(X509_CRL_sort(crl) && X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0);
    return crl;
}

static inline X509_CRL *make_crl(const struct identity *authority, const X509 *revoked, long next)
{
    return make_crl_with(authority, revoked, next, (struct crl_extensions){NULL, NULL});
}

/* ---- as PEM ---- */

static inline void take_bio(BIO *bio, struct sbuf *out)
{
    char *bytes;
    long n = BIO_get_mem_data(bio, &bytes);

    sbuf_put(out, bytes, (size_t)n);
    BIO_free(bio);
}

static inline void put_certificate(struct sbuf *out, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());

    must(PEM_write_bio_X509(bio, certificate));
    take_bio(bio, out);
}

static inline void put_key(struct sbuf *out, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
    static unsigned char secret[] = "secret";
    BIO *bio = BIO_new(BIO_s_mem());

    must(
        PEM_write_bio_PrivateKey(bio, key, cipher, cipher == NULL ? NULL : secret, cipher == NULL ? 0 : 6, NULL, NULL));
    take_bio(bio, out);
}

static inline void put_crl(struct sbuf *out, X509_CRL *crl)
{
    BIO *bio = BIO_new(BIO_s_mem());

    must(PEM_write_bio_X509_CRL(bio, crl));
    take_bio(bio, out);
    X509_CRL_free(crl);
}

static inline void write_text(const char *path, struct str text)
{
    FILE *file = fopen(path, "w");

    must(file != NULL && fwrite(text.p, 1, text.n, file) == text.n && fclose(file) == 0);
}

/* A trust of the texts, by way of files in a fresh folder; `crls` may be empty. NULL with `e`. */
static inline struct trust *make_trust(struct sbuf *authorities, struct sbuf *crls, struct err *e)
{
    struct file_set *files = file_set_new();
    const char *directory = test_dir();
    struct trust *trust;
    char paths[2][300];
    bool fresh;

    snprintf(paths[0], sizeof(paths[0]), "%s/authorities.pem", directory);
    snprintf(paths[1], sizeof(paths[1]), "%s/crls.pem", directory);
    write_text(paths[0], (struct str){authorities->p, authorities->n});
    file_set_add(files, TRUST_AUTHORITIES, paths[0]);
    if (crls->n > 0) {
        write_text(paths[1], (struct str){crls->p, crls->n});
        file_set_add(files, TRUST_CRLS, paths[1]);
    }
    must(file_set_read(files, true, &fresh, e) == 1);
    trust = trust_new(files, e);
    file_set_free(&files);
    sbuf_free(authorities);
    sbuf_free(crls);
    return trust;
}

/* Of one authority, without lists. */
static inline struct trust *trust_in(const struct identity *authority)
{
    struct sbuf pem = {0}, none = {0};
    struct err e;
    struct trust *trust;

    put_certificate(&pem, authority->certificate);
    trust = make_trust(&pem, &none, &e);
    must(trust != NULL);
    return trust;
}

#endif
