#include "tools/certificate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* libraries */
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* base */
#include "registry/base/file.h"
#include "registry/base/rnd.h"

enum {
    PEM_FILE_MAX = 1 << 20, /* bytes */
    SERIAL_BYTES = 16,
    BACKDATED_S = 300,
    COMMON_NAME_MAX = 64, /* bytes: ub-common-name of RFC 5280, appendix A */
    DAY_S = 24 * 60 * 60,
};

struct certificate {
    X509 *x509;
    EVP_PKEY *key; /* or NULL */
};

/* What OpenSSL says went wrong, behind what we were doing. */
static int fail(struct err *e, const char *doing)
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
    free(*certificate);
    *certificate = NULL;
}

static bool set_serial(X509 *x509)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number;
    bool done;

    rnd_bytes(bytes, sizeof(bytes));
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

static bool set_subject(X509 *x509, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
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

static GENERAL_NAME *make_name(const struct host *host)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = host->kind == HOST_ADDRESS ? a2i_IPADDRESS(host->text) : ASN1_IA5STRING_new();

    if (name == NULL || value == NULL ||
        (host->kind == HOST_NAME && ASN1_STRING_set(value, host->text, (int)strlen(host->text)) != 1)) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, host->kind == HOST_ADDRESS ? GEN_IPADD : GEN_DNS, value);
    return name;
}

/* Critical when the subject is empty (RFC 5280 §4.2.1.6). */
static bool add_hosts(X509 *x509, const struct hosts *hosts)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool done = names != NULL;
    int critical = X509_NAME_entry_count(X509_get_subject_name(x509)) == 0;

    for (size_t i = 0; done && i < hosts->n; i++) {
        GENERAL_NAME *name = make_name(&hosts->items[i]);

        done = name != NULL && sk_GENERAL_NAME_push(names, name) > 0;
        if (!done)
            GENERAL_NAME_free(name);
    }
    done = done && X509_add1_ext_i2d(x509, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return done;
}

/* A certificate with a new key, a serial number and a validity, and nothing else yet. */
static struct certificate *begin(const X509 *issuer, unsigned days, struct err *e)
{
    struct certificate *made = xcalloc(1, sizeof(*made));

    made->key = EVP_EC_gen("P-256");
    made->x509 = X509_new();
    if (made->key != NULL && made->x509 != NULL && X509_set_version(made->x509, X509_VERSION_3) == 1 &&
        set_serial(made->x509) && set_validity(made->x509, issuer, days) && X509_set_pubkey(made->x509, made->key) == 1)
        return made;
    fail(e, "make a certificate");
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
    fail(e, "sign a certificate");
    certificate_free(&made);
    return NULL;
}

struct certificate *certificate_make_authority(const char *common_name, unsigned days, struct err *e)
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
    made = begin(NULL, days, e);
    if (made != NULL && !set_subject(made->x509, common_name)) {
        fail(e, "name the authority");
        certificate_free(&made);
    }
    return made == NULL ? NULL : finish(made, made, extensions, e);
}

struct certificate *certificate_make_server(const struct certificate *authority, const struct hosts *hosts,
                                            unsigned days, struct err *e)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {0, NULL},
    };
    struct certificate *made;

    if (X509_cmp_current_time(X509_get0_notAfter(authority->x509)) <= 0)
        return err_set(e, ERR_INVALID, "the authority has expired; make a new one and hand it out"), NULL;
    made = begin(authority->x509, days, e);
    if (made == NULL)
        return NULL;
    if ((strlen(hosts->items[0].text) <= COMMON_NAME_MAX && !set_subject(made->x509, hosts->items[0].text)) ||
        !add_hosts(made->x509, hosts)) {
        fail(e, "name the server");
        certificate_free(&made);
        return NULL;
    }
    return finish(made, authority, extensions, e);
}

/* Keys of servers are not encrypted, and a prompt from inside a library would surprise. */
// NOLINTNEXTLINE(readability-non-const-parameter): pem_password_cb says so
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static int read_key(struct certificate *c, const char *path, struct err *e)
{
    struct sbuf text = {0};
    BIO *bio = NULL;
    int rc = file_read(path, PEM_FILE_MAX, &text, e);

    if (rc == 0) {
        bio = BIO_new_mem_buf(text.p, (int)text.n);
        c->key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
        if (c->key == NULL)
            rc = err_set(e, ERR_INVALID, "%s: no private key in PEM form, or an encrypted one", path);
        else if (X509_check_private_key(c->x509, c->key) != 1)
            rc = err_set(e, ERR_INVALID, "%s: not the key of the certificate beside it", path);
        ERR_clear_error();
        BIO_free(bio);
    }
    if (text.p != NULL)
        explicit_bzero(text.p, text.n);
    sbuf_free(&text);
    return rc;
}

struct certificate *certificate_read(const char *path, const char *key_path, struct err *e)
{
    struct certificate *c = xcalloc(1, sizeof(*c));
    struct sbuf text = {0};
    int rc = file_read(path, PEM_FILE_MAX, &text, e);

    if (rc == 0) {
        BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);

        c->x509 = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        BIO_free(bio);
        ERR_clear_error();
        if (c->x509 == NULL)
            rc = err_set(e, ERR_INVALID, "%s: no certificate in PEM form", path);
    }
    sbuf_free(&text);
    if (rc == 0 && key_path != NULL)
        rc = read_key(c, key_path, e);
    if (rc != 0)
        certificate_free(&c);
    return c;
}

/* Move what was written to `bio` to `out`, and free it. */
static int drain(BIO *bio, bool written, struct sbuf *out, struct err *e)
{
    char *bytes;
    long n = bio == NULL ? 0 : BIO_get_mem_data(bio, &bytes);

    if (written && n > 0)
        sbuf_put(out, bytes, (size_t)n);
    if (n > 0)
        explicit_bzero(bytes, (size_t)n);
    BIO_free(bio);
    return written ? 0 : fail(e, "write in PEM form");
}

int certificate_put(const struct certificate *certificate, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return drain(bio, bio != NULL && PEM_write_bio_X509(bio, certificate->x509) == 1, out, e);
}

int certificate_put_key(const struct certificate *certificate, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool written = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, NULL, NULL, 0, NULL, NULL) == 1;

    return drain(bio, written, out, e);
}

/* As `struct host` writes them; names of other kinds do not concern a server and are left out. */
static bool print_host(BIO *bio, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN];
    const ASN1_STRING *value;
    int kind, n;

    value = GENERAL_NAME_get0_value(name, &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD)
        return true;
    n = ASN1_STRING_length(value);
    if (kind == GEN_DNS)
        return BIO_printf(bio, "host: %.*s\n", n, (const char *)ASN1_STRING_get0_data(value)) > 0;
    if (n != 4 && n != 16)
        return BIO_puts(bio, "host: (malformed address)\n") > 0;
    return inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), address, sizeof(address)) != NULL &&
           BIO_printf(bio, "host: %s\n", address) > 0;
}

static bool print_hosts(BIO *bio, const X509 *x509)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool done = true;

    for (int i = 0; done && i < sk_GENERAL_NAME_num(names); i++)
        done = print_host(bio, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return done;
}

static bool print_fingerprint(BIO *bio, const X509 *x509)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE];
    unsigned n;

    if (X509_digest(x509, EVP_sha256(), digest, &n) != 1)
        return false;
    hex_encode(digest, n, text);
    return BIO_printf(bio, "sha256: %.*s\n", (int)(2 * n), text) > 0;
}

/* Whole days from now until `end`; negative when it is past. */
static int days_until(const ASN1_TIME *end)
{
    int days = 0, seconds = 0;

    return ASN1_TIME_diff(&days, &seconds, NULL, end) != 1 ? -1 : seconds < 0 && days == 0 ? -1 : days;
}

static bool print_name(BIO *bio, const char *label, const X509_NAME *name)
{
    return BIO_printf(bio, "%s: ", label) > 0 &&
           X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0;
}

static bool print_time(BIO *bio, const char *label, const ASN1_TIME *time)
{
    return BIO_printf(bio, "\n%s: ", label) > 0 && ASN1_TIME_print_ex(bio, time, ASN1_DTFLGS_ISO8601) == 1;
}

int certificate_describe(const struct certificate *certificate, struct sbuf *out, struct err *e)
{
    X509 *x509 = certificate->x509;
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio != NULL && print_name(bio, "subject", X509_get_subject_name(x509)) && BIO_puts(bio, "\n") > 0 &&
                print_name(bio, "issuer", X509_get_issuer_name(x509)) &&
                BIO_printf(bio, "\nauthority: %s", X509_check_ca(x509) == 1 ? "yes" : "no") > 0 &&
                print_time(bio, "from", X509_get0_notBefore(x509)) &&
                print_time(bio, "until", X509_get0_notAfter(x509)) &&
                BIO_printf(bio, "\ndays left: %d\n", days_until(X509_get0_notAfter(x509))) > 0 &&
                print_hosts(bio, x509) && print_fingerprint(bio, x509);

    return drain(bio, done, out, e);
}

int certificate_covers(const struct certificate *certificate, const struct host *host, unsigned days, struct err *e)
{
    X509 *x509 = certificate->x509;
    int left = days_until(X509_get0_notAfter(x509));
    int found;

    if (X509_cmp_current_time(X509_get0_notBefore(x509)) >= 0)
        return err_set(e, ERR_INVALID, "it is not valid yet");
    if (left < 0)
        return err_set(e, ERR_INVALID, "it has expired");
    if ((unsigned)left < days)
        return err_set(e, ERR_INVALID, "it expires in %d days", left);
    if (host->kind == HOST_ADDRESS)
        found = X509_check_ip_asc(x509, host->text, 0);
    else
        found = X509_check_host(x509, host->text, strlen(host->text), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
    return found == 1 ? 0 : err_set(e, ERR_INVALID, "it does not cover %s", host->text);
}

int certificate_signed_by(const struct certificate *certificate, const struct certificate *authority, struct err *e)
{
    int rc = X509_verify(certificate->x509, X509_get0_pubkey(authority->x509)) == 1 ? 0 : -1;

    ERR_clear_error();
    return rc == 0 ? 0 : err_set(e, ERR_INVALID, "it was not signed by that authority");
}
