/*
 * Private keys: made, read, written.
 */
#include "tools/certificate/certificate_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libraries */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

/* base */
#include "registry/base/file.h"

enum {
    PBKDF2_ROUNDS = 600 * 1000, /* OWASP's figure for HMAC-SHA-256 */
    STRENGTH_MIN = 112,         /* bits: RSA of 2048, and what OpenSSL's security level 2 lets pass */
};

static const struct {
    const char *name;
    enum key_kind kind;
} kinds[] = {
    {"ec", KEY_EC_P256},        {"rsa", KEY_RSA_3072},      {"rsa-2048", KEY_RSA_2048},
    {"rsa-3072", KEY_RSA_3072}, {"rsa-4096", KEY_RSA_4096},
};

static const unsigned rsa_bits[] = {[KEY_RSA_2048] = 2048, [KEY_RSA_3072] = 3072, [KEY_RSA_4096] = 4096};

int key_kind_parse(const char *text, enum key_kind *out, struct err *e)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, text) == 0) {
            *out = kinds[i].kind;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "no kind of key: %s; there are ec, rsa (3072 bits), rsa-2048, rsa-3072, rsa-4096",
                   text);
}

int openssl_fail(struct err *e, const char *doing)
{
    char reason[200] = "unknown error";
    unsigned long code = ERR_get_error();

    if (code != 0)
        ERR_error_string_n(code, reason, sizeof(reason));
    ERR_clear_error();
    return err_set(e, ERR_IO, "%s: %s", doing, reason);
}

void certificate_free(struct certificate **certificate)
{
    if (*certificate == NULL)
        return;
    X509_free((*certificate)->x509);
    EVP_PKEY_free((*certificate)->key);
    sk_X509_pop_free((*certificate)->chain, X509_free);
    free(*certificate);
    *certificate = NULL;
}

struct certificate *key_make(enum key_kind kind, struct err *e)
{
    struct certificate *made = xcalloc(1, sizeof(*made));

    made->key = kind == KEY_EC_P256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits[kind]);
    if (made->key == NULL) {
        openssl_fail(e, "make a key");
        certificate_free(&made);
    }
    return made;
}

EVP_PKEY *key_make_like(const EVP_PKEY *like)
{
    char group[80];
    size_t n;

    if (EVP_PKEY_is_a(like, "RSA"))
        return EVP_RSA_gen(EVP_PKEY_get_bits(like) < (int)rsa_bits[KEY_RSA_2048] ? rsa_bits[KEY_RSA_2048]
                                                                                 : (unsigned)EVP_PKEY_get_bits(like));
    if (EVP_PKEY_is_a(like, "EC") && EVP_PKEY_get_group_name(like, group, sizeof(group), &n) == 1)
        return EVP_EC_gen(group);
    return EVP_PKEY_Q_keygen(NULL, NULL, EVP_PKEY_get0_type_name(like));
}

int certificate_check_strength(const struct certificate *certificate, struct err *e)
{
    const EVP_PKEY *key = certificate->x509 == NULL ? certificate->key : X509_get0_pubkey(certificate->x509);
    char text[80];

    if (key != NULL && EVP_PKEY_get_security_bits(key) >= STRENGTH_MIN)
        return 0;
    key_text(key, text, sizeof(text));
    return err_set(e, ERR_INVALID, "its key (%s) is weaker than clients accept", text);
}

void key_text(const EVP_PKEY *key, char *out, size_t room)
{
    char group[80];
    size_t n;

    if (key == NULL)
        snprintf(out, room, "of a kind that is not known here");
    else if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1)
        snprintf(out, room, "ec %s", strcmp(group, "prime256v1") == 0 ? "P-256" : group);
    else
        snprintf(out, room, "%s %d", EVP_PKEY_is_a(key, "RSA") ? "rsa" : EVP_PKEY_get0_type_name(key),
                 EVP_PKEY_get_bits(key));
}

/* --- read --- */

BIO *open_text(const char *path, struct sbuf *text, struct err *e)
{
    BIO *bio;

    if (file_read_regular(path, PEM_FILE_MAX, text, e) != 0) {
        close_text(NULL, text);
        return NULL;
    }
    bio = BIO_new_mem_buf(text->n == 0 ? "" : text->p, (int)text->n);
    if (bio == NULL) {
        openssl_fail(e, path);
        close_text(NULL, text);
    }
    return bio;
}

void close_text(BIO *bio, struct sbuf *text)
{
    BIO_free(bio);
    if (text->p != NULL)
        explicit_bzero(text->p, text->capacity);
    sbuf_free(text);
}

// NOLINTNEXTLINE(readability-non-const-parameter): pem_password_cb says so
int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

/* One reading of a key, for the callback. */
struct asking {
    const char *path;
    const struct passphrase *passphrase;
    bool asked;
    int failed; /* no passphrase was to be had; `e` says why */
    struct err *e;
};

static int ask_passphrase(char *buffer, int size, int writing, void *context)
{
    struct asking *asking = context;
    size_t n = 0;

    (void)writing;
    asking->asked = true;
    if (asking->passphrase == NULL)
        asking->failed = err_set(asking->e, ERR_DENIED, "the key is encrypted, and no passphrase was given");
    else
        asking->failed = asking->passphrase->get(asking->passphrase->context, asking->path, buffer, (size_t)size, &n,
                                                 asking->e);
    return asking->failed != 0 ? -1 : (int)n;
}

struct certificate *key_read(const char *path, const struct passphrase *passphrase, struct err *e)
{
    struct certificate *read = xcalloc(1, sizeof(*read));
    struct sbuf text = {0};
    struct err why = {0};
    struct asking asking = {.path = path, .passphrase = passphrase, .e = &why};
    BIO *bio = open_text(path, &text, e);

    if (bio == NULL) {
        certificate_free(&read);
        goto done;
    }
    read->key = PEM_read_bio_PrivateKey(bio, NULL, ask_passphrase, &asking);
    ERR_clear_error();
    if (read->key != NULL)
        goto done;
    certificate_free(&read);
    if (asking.failed != 0)
        err_set(e, why.code, "%s: %s", path, why.text);
    else if (asking.asked)
        err_set(e, ERR_DENIED, "%s: the passphrase is not the key's", path);
    else
        err_set(e, ERR_INVALID, "%s: no private key in PEM form", path);
done:
    close_text(bio, &text);
    return read;
}

/* --- written --- */

int drain(BIO *bio, bool written, struct sbuf *out, struct err *e)
{
    char *bytes;
    long n = bio == NULL ? 0 : BIO_get_mem_data(bio, &bytes);

    if (written && n > 0)
        sbuf_put(out, bytes, (size_t)n);
    if (n > 0)
        explicit_bzero(bytes, (size_t)n);
    BIO_free(bio);
    return written ? 0 : openssl_fail(e, "write in PEM form");
}

/* OpenSSL's own writer of encrypted keys stops at 2048 rounds. */
static bool write_encrypted(BIO *bio, EVP_PKEY *key, const char *passphrase)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_SIG *encrypted = plain == NULL ? NULL
                                        : PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase, (int)strlen(passphrase),
                                                        NULL, 0, PBKDF2_ROUNDS, plain);
    bool written = encrypted != NULL && PEM_write_bio_PKCS8(bio, encrypted) == 1;

    X509_SIG_free(encrypted);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return written;
}

int certificate_put_key(const struct certificate *certificate, const char *passphrase, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool written = bio != NULL && (passphrase == NULL ? PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, NULL, NULL,
                                                                                      0, NULL, NULL) == 1
                                                      : write_encrypted(bio, certificate->key, passphrase));

    return drain(bio, written, out, e);
}

int certificate_put_pkcs12(const struct certificate *certificate, const struct certificate *authority,
                           const char *password, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    STACK_OF(X509) *others = sk_X509_new_null();
    struct summary summary;
    PKCS12 *made = NULL;
    bool written;

    if (certificate_summarize(certificate, &summary, e) == 0 && bio != NULL && others != NULL &&
        sk_X509_push(others, authority->x509) > 0)
        made = PKCS12_create(password, summary.name, certificate->key, certificate->x509, others, 0, 0, PBKDF2_ROUNDS,
                             PBKDF2_ROUNDS, 0);
    written = made != NULL && i2d_PKCS12_bio(bio, made) == 1;
    PKCS12_free(made);
    sk_X509_free(others); /* what is in it belongs to `authority` */
    return drain(bio, written, out, e);
}
