#include "tools/trust/trust_files.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* base */
#include "registry/base/file.h"
#include "registry/base/str.h"

enum { PEM_FILE_MAX = 256 << 10, CERTIFICATES_MAX = 32 };

/* The bytes of `out` as a text of its own. */
static char *text_of(BIO *out)
{
    char *bytes;
    long n = BIO_get_mem_data(out, &bytes);

    return str_dup((struct str){bytes, (size_t)n});
}

static BIO *new_memory(void)
{
    BIO *out = BIO_new(BIO_s_mem());

    if (out == NULL)
        abort(); /* out of memory, as xmalloc() does */
    return out;
}

/* A file as a BIO that owns a copy; the copy is wiped with it. */
static BIO *open_pem(const char *path, struct err *e)
{
    struct sbuf bytes = {0};
    BIO *in = NULL;

    if (file_read(path, PEM_FILE_MAX, &bytes, e) == 0) {
        in = BIO_new(BIO_s_secmem());
        if (in == NULL || BIO_write(in, bytes.p, (int)bytes.n) != (int)bytes.n)
            abort(); /* out of memory */
    }
    if (bytes.p != NULL)
        OPENSSL_cleanse(bytes.p, bytes.n);
    sbuf_free(&bytes);
    return in;
}

static int check_dates(const X509 *certificate, const char *path, struct err *e)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return err_set(e, ERR_INVALID, "%s: the certificate is over: no client would trust it", path);
    return 0;
}

/* Certificates of version 1 have no extension that could tell: X509_check_ca() knows those that signed themselves. */
static int check_authority(X509 *certificate, const char *path, struct err *e)
{
    if (X509_check_ca(certificate) == 0 && (X509_get_extension_flags(certificate) & EXFLAG_SS) == 0)
        return err_set(e, ERR_INVALID,
                       "%s: a certificate in it is no authority's but was issued by one: give that one's (ca.crt of "
                       "berth-ca)",
                       path);
    return 0;
}

/* All certificates of a file. `first` gets the first of them, to be freed by the caller; NULL: not wanted, and all are to be
 * of authorities. */
static int read_certificates(const char *path, char **out, X509 **first, struct err *e)
{
    BIO *in = open_pem(path, e), *text;
    X509 *one;
    int n = 0, rc = 0;

    if (in == NULL)
        return -1;
    text = new_memory();
    while (rc == 0 && n < CERTIFICATES_MAX && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        rc = check_dates(one, path, e);
        if (rc == 0 && first == NULL)
            rc = check_authority(one, path, e);
        if (PEM_write_bio_X509(text, one) != 1)
            abort(); /* out of memory */
        if (first != NULL && n == 0 && rc == 0)
            *first = one;
        else
            X509_free(one);
        n++;
    }
    ERR_clear_error(); /* the end of the file is one */
    BIO_free(in);
    if (rc == 0 && n == 0)
        rc = err_set(e, ERR_INVALID, "%s: no certificate in it; a PEM file begins with -----BEGIN CERTIFICATE-----",
                     path);
    if (rc == 0)
        *out = text_of(text);
    BIO_free(text);
    return rc;
}

int trust_files_read_ca(struct trust_files *files, const char *path, struct err *e)
{
    return read_certificates(path, &files->ca, NULL, e);
}

/* Called when the key is encrypted: leaves a mark and gives no passphrase. */
// NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL has the type of it
static int refuse_passphrase(char *buffer, int room, int writing, void *asked)
{
    (void)buffer, (void)room, (void)writing;
    *(int *)asked = 1;
    return -1;
}

static EVP_PKEY *read_key(const char *path, struct err *e)
{
    BIO *in = open_pem(path, e);
    EVP_PKEY *key;
    int asked = 0;

    if (in == NULL)
        return NULL;
    key = PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, &asked);
    BIO_free(in);
    ERR_clear_error();
    if (key == NULL && asked)
        err_set(e, ERR_INVALID,
                "%s: the key has a passphrase, which nobody can type on the hosts; make a copy without: "
                "openssl pkey -in KEY -out COPY",
                path);
    else if (key == NULL)
        err_set(e, ERR_INVALID, "%s: no private key in it", path);
    return key;
}

static char *write_key(EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_secmem()); /* wiped when freed */
    char *text;

    if (out == NULL || PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1)
        abort(); /* out of memory */
    text = text_of(out);
    BIO_free(out);
    return text;
}

int trust_files_read_client(struct trust_files *files, const char *certificate, const char *key, struct err *e)
{
    EVP_PKEY *pair = NULL;
    X509 *first = NULL;
    int rc = read_certificates(certificate, &files->certificate, &first, e);

    if (rc == 0) {
        pair = read_key(key, e);
        rc = pair == NULL ? -1 : 0;
    }
    if (rc == 0 && X509_check_private_key(first, pair) != 1) {
        ERR_clear_error();
        rc = err_set(e, ERR_INVALID, "%s: not the key of %s", key, certificate);
    }
    if (rc == 0)
        files->key = write_key(pair);
    EVP_PKEY_free(pair);
    X509_free(first);
    return rc;
}

void trust_files_free(struct trust_files *files)
{
    if (files->key != NULL)
        OPENSSL_cleanse(files->key, strlen(files->key));
    free(files->ca);
    free(files->certificate);
    free(files->key);
    *files = (struct trust_files){0};
}
