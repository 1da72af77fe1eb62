/* Clients of an authority, and its key under a passphrase. */
#include "tools/ca/ca.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

static char directory[300];
static char path[400];
static struct ca authority = {directory, NULL};
static struct ca_pair pair;

static const char *in(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    return stat(in(name), &st) == 0 ? st.st_mode & 07777 : 0;
}

static X509 *read_one(const char *name)
{
    FILE *stream = fopen(in(name), "r");
    X509 *read;

    if (stream == NULL)
        test_fail(__FILE__, __LINE__, "cannot open %s", path);
    read = PEM_read_X509(stream, NULL, NULL, NULL);
    fclose(stream);
    return read;
}

static void make(void)
{
    const struct ca_order order = {.days = 3650};
    struct err e;

    snprintf(directory, sizeof(directory), "%s", test_dir());
    if (ca_init(&authority, "Test CA", &order, NULL, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static int issue_client(const char *user, const struct hosts *names, const char *password, bool force, struct err *e)
{
    const struct ca_order order = {.days = 100, .force = force};

    return ca_issue_client(&authority, user, names, &order, password, &pair, e);
}

TEST(client, "a strict server that trusts the authority accepts the client, and a client's certificate serves nobody")
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    struct hosts names = {.n = 0};
    X509 *issuer, *client;
    struct err e;

    make();
    CHECK_INT(hosts_add_address(&names, "192.0.2.9", &e), 0);
    CHECK_INT(hosts_add_email(&names, "alice@example.org", &e), 0);
    CHECK_INT(hosts_add_uri(&names, "spiffe://example.org/alice", &e), 0);
    CHECK_INT(issue_client("alice", &names, NULL, false, &e), 0);
    CHECK_TEXT(pair.certificate, in("clients/alice/client.cert"));
    CHECK_INT(mode_of("clients/alice/client.key"), 0600);
    CHECK_INT(mode_of("clients/alice/client.p12"), 0);
    issuer = read_one("ca.crt");
    client = read_one("clients/alice/client.cert");
    CHECK_INT(X509_STORE_add_cert(store, issuer), 1);
    CHECK_INT(X509_STORE_CTX_init(context, store, client, NULL), 1);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    CHECK_INT(X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT), 1);
    CHECK_INT(X509_verify_cert(context), 1);
    CHECK_INT(X509_get_extended_key_usage(client), XKU_SSL_CLIENT);
    CHECK_INT(X509_check_purpose(client, X509_PURPOSE_SSL_SERVER, 0), 0);
    CHECK_INT(X509_check_ip_asc(client, "192.0.2.9", 0), 1);
    CHECK_INT(X509_check_email(client, "alice@example.org", 0, 0), 1);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(client);
    X509_free(issuer);
}

TEST(client_names, "a user's name must be fit for a certificate and a directory")
{
    static const struct {
        const char *user, *text;
    } cases[] = {
        {"../x", "../x: a user's name holds no \"/\" and begins with no dot"},
        {".hidden", ".hidden: a user's name holds no \"/\" and begins with no dot"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789",
         "a user's name in a certificate has at most 64 bytes"},
    };
    const struct hosts none = {.n = 0};
    struct err e;

    make();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_INT(issue_client(cases[i].user, &none, NULL, false, &e), -1);
        CHECK_TEXT(e.text, cases[i].text);
    }
    CHECK_INT(issue_client("a:b", &none, NULL, false, &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK_INT(issue_client("alice", &none, NULL, false, &e), 0);
    CHECK_INT(issue_client("alice", &none, NULL, false, &e), -1);
    CHECK_INT(e.code, ERR_EXISTS);
}

TEST(pkcs12, "a PKCS #12 file opens with its password only, and holds key, certificate and authority")
{
    const struct hosts none = {.n = 0};
    STACK_OF(X509) *others = NULL;
    EVP_PKEY *key = NULL;
    X509 *x509 = NULL;
    PKCS12 *p12;
    FILE *stream;
    struct err e;

    make();
    CHECK_INT(issue_client("alice", &none, "correct horse", false, &e), 0);
    CHECK_INT(mode_of("clients/alice/client.p12"), 0600);
    stream = fopen(in("clients/alice/client.p12"), "r");
    CHECK(stream != NULL);
    p12 = d2i_PKCS12_fp(stream, NULL);
    fclose(stream);
    CHECK(p12 != NULL);
    CHECK_INT(PKCS12_verify_mac(p12, "wrong", -1), 0);
    CHECK_INT(PKCS12_parse(p12, "correct horse", &key, &x509, &others), 1);
    CHECK_INT(X509_check_private_key(x509, key), 1);
    CHECK_INT(sk_X509_num(others), 1);
    PKCS12_free(p12);
    EVP_PKEY_free(key);
    X509_free(x509);
    sk_X509_pop_free(others, X509_free);
}

static int give(void *context, const char *file, char *out, size_t room, size_t *n, struct err *e)
{
    (void)file;
    (void)e;
    *n = strlen(context);
    if (*n > room)
        return -1;
    memcpy(out, context, *n);
    return 0;
}

TEST(passphrase, "an authority's key can be encrypted, and then issues with its passphrase only")
{
    const struct ca_order order = {.days = 10};
    struct hosts hosts = {.n = 0};
    struct passphrase source = {give, NULL};
    char right[] = "geheim", wrong[] = "falsch", wanted[500];
    struct ca locked = {directory, NULL};
    struct sbuf key = {0};
    struct err e;

    snprintf(directory, sizeof(directory), "%s", test_dir());
    CHECK_INT(hosts_add(&hosts, "registry.example.org", &e), 0);
    CHECK_INT(ca_init(&locked, "Test CA", &order, right, &e), 0);
    CHECK_INT(file_read(in("ca.key"), 65536, &key, &e), 0);
    CHECK(strstr(sbuf_text(&key), "-----BEGIN ENCRYPTED PRIVATE KEY-----") == key.p);
    sbuf_free(&key);
    CHECK_INT(ca_issue_server(&locked, &hosts, &order, &pair, &e), -1);
    CHECK_INT(e.code, ERR_DENIED);
    snprintf(wanted, sizeof(wanted), "%s: the key is encrypted, and no passphrase was given", in("ca.key"));
    CHECK_TEXT(e.text, wanted);
    locked.passphrase = &source;
    source.context = wrong;
    CHECK_INT(ca_issue_server(&locked, &hosts, &order, &pair, &e), -1);
    snprintf(wanted, sizeof(wanted), "%s: the passphrase is not the key's", in("ca.key"));
    CHECK_TEXT(e.text, wanted);
    source.context = right;
    CHECK_INT(ca_issue_server(&locked, &hosts, &order, &pair, &e), 0);
}
