#include "registry/net/server_certificate.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "registry/base/str.h"
#include "registry/net/pem.h"

struct server_certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* what stands behind the leaf in the file */
    EVP_PKEY *key;
};

/* A server has nobody to ask: an encrypted key is an error, not a prompt. */
static int no_passphrase(char *buf, int size, int writing, void *argument)
{
    (void)writing;
    if (size > 0)
        buf[0] = '\0';
    *(bool *)argument = true;
    return -1;
}

static EVP_PKEY *parse_key(const struct file_of_set *file, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(file->text.n == 0 ? "" : file->text.p, (int)file->text.n);
    bool encrypted = false;
    EVP_PKEY *key;

    ERR_clear_error();
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
    BIO_free(bio);
    if (key != NULL)
        return key;
    if (encrypted)
        err_set(e, ERR_INVALID, "%s %s: is encrypted; write a copy without passphrase with `openssl pkey`", file->key,
                file->path);
    else
        pem_error(file, e);
    ERR_clear_error();
    return NULL;
}

struct server_certificate *server_certificate_parse(const struct file_of_set *certificate,
                                                    const struct file_of_set *key, struct err *e)
{
    struct server_certificate *c = xcalloc(1, sizeof(*c));

    c->chain = pem_certificates(certificate, e);
    if (c->chain == NULL)
        goto fail;
    c->leaf = sk_X509_shift(c->chain);
    c->key = parse_key(key, e);
    if (c->key == NULL)
        goto fail;
    if (X509_check_private_key(c->leaf, c->key) != 1) {
        pem_error(key, e);
        err_wrap(e, "not the key of the certificate in %s", certificate->path);
        goto fail;
    }
    return c;
fail:
    server_certificate_free(&c);
    return NULL;
}

void server_certificate_free(struct server_certificate **certificate)
{
    struct server_certificate *c = *certificate;

    if (c == NULL)
        return;
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    free(c);
    *certificate = NULL;
}

int server_certificate_use(const struct server_certificate *certificate, SSL_CTX *context, struct err *e)
{
    unsigned long code;

    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(context, certificate->leaf, certificate->key, certificate->chain, 1) == 1)
        return 0;
    code = ERR_peek_error();
    ERR_clear_error();
    return err_set(e, ERR_INVALID, "http.tls.certificate: %s; choose a stronger key",
                   code == 0 ? "refused by OpenSSL" : ERR_reason_error_string(code));
}

uint64_t server_certificate_end_s(const struct server_certificate *certificate)
{
    return pem_time_s(X509_get0_notAfter(certificate->leaf));
}

enum expiry expiry_of(uint64_t now_s, uint64_t end_s)
{
    static const struct {
        uint64_t days;
        enum expiry expiry;
    } steps[] = {{1, EXPIRY_1_DAY}, {7, EXPIRY_7_DAYS}, {14, EXPIRY_14_DAYS}, {30, EXPIRY_30_DAYS}};

    if (now_s >= end_s)
        return EXPIRY_OVER;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (end_s - now_s <= steps[i].days * 24 * 3600)
            return steps[i].expiry;
    return EXPIRY_FAR;
}

bool expiry_crossed(enum expiry *told, uint64_t now_s, uint64_t end_s)
{
    enum expiry now = expiry_of(now_s, end_s);
    bool nearer = now > *told;

    *told = now;
    return nearer;
}
