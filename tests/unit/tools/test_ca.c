#include "tools/ca/ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"
#include "tools/certificate/certificate.h"

static char directory[300];
static char path[400];

static const char *in(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static struct hosts hosts_from(const char *const *texts, size_t n)
{
    struct hosts hosts = {.n = 0};

    for (size_t i = 0; i < n; i++)
        if (hosts_add(&hosts, texts[i], NULL) != 0)
            test_fail(__FILE__, __LINE__, "host %s", texts[i]);
    return hosts;
}

static struct ca authority = {directory, NULL};
static struct ca_pair pair;

static int init(const char *name, unsigned days, bool force, struct err *e)
{
    const struct ca_order order = {.days = days, .force = force};

    return ca_init(&authority, name, &order, NULL, e);
}

static int issue(const struct hosts *hosts, unsigned days, bool force, struct err *e)
{
    const struct ca_order order = {.days = days, .force = force};

    return ca_issue_server(&authority, hosts, &order, &pair, e);
}

static void make(const char *const *texts, size_t n, unsigned ca_days, unsigned days)
{
    struct hosts hosts = hosts_from(texts, n);
    struct err e;

    snprintf(directory, sizeof(directory), "%s/ca", test_dir());
    if (init("Test CA", ca_days, false, &e) != 0 || issue(&hosts, days, false, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static const char *const usual[] = {"registry.example.org", "*.lab.example.org", "192.0.2.7", "2001:db8::5"};

/* All certificates of a PEM file, at most two. */
static int read_chain(const char *name, X509 *chain[2])
{
    FILE *stream = fopen(in(name), "r");
    int n = 0;

    if (stream == NULL)
        test_fail(__FILE__, __LINE__, "cannot open %s", path);
    while (n < 2 && (chain[n] = PEM_read_X509(stream, NULL, NULL, NULL)) != NULL)
        n++;
    fclose(stream);
    return n;
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    return stat(in(name), &st) == 0 ? st.st_mode & 07777 : 0;
}

TEST(files, "keys are for their owner only, and the server's file holds the authority's certificate, too")
{
    X509 *chain[2];
    struct stat st;

    make(usual, 4, 3650, 825);
    CHECK(stat(directory, &st) == 0 && (st.st_mode & 07777) == 0700);
    CHECK_INT(mode_of("ca.key"), 0600);
    CHECK_INT(mode_of("server.key"), 0600);
    CHECK_INT(mode_of("ca.crt") & 0400, 0400);
    CHECK_INT(read_chain("server.crt", chain), 2);
    CHECK(X509_check_ca(chain[0]) == 0);
    CHECK(X509_check_ca(chain[1]) == 1);
    CHECK_INT(X509_get_extension_flags(chain[1]) & EXFLAG_SS, EXFLAG_SS);
    CHECK_INT(X509_get_pathlen(chain[1]), 0);
    CHECK_INT(X509_get_key_usage(chain[1]), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    CHECK_INT(X509_get_extended_key_usage(chain[0]), XKU_SSL_SERVER);
    CHECK_INT(ASN1_STRING_length(X509_get0_serialNumber(chain[0])) <= 16, 1);
    CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(chain[0]), X509_get0_serialNumber(chain[1])) != 0);
    X509_free(chain[0]);
    X509_free(chain[1]);
}

TEST(strict, "a strict client that trusts the authority accepts the server")
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *chain[2];

    make(usual, 4, 3650, 825);
    CHECK_INT(read_chain("server.crt", chain), 2);
    CHECK_INT(X509_STORE_add_cert(store, chain[1]), 1);
    CHECK_INT(X509_STORE_CTX_init(context, store, chain[0], NULL), 1);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    CHECK_INT(X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER), 1);
    CHECK_INT(X509_verify_cert(context), 1);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(chain[0]);
    X509_free(chain[1]);
}

static int check(const char *host, unsigned days, struct err *e)
{
    struct hosts hosts = hosts_from(&host, 1);
    char certificate[400];

    snprintf(certificate, sizeof(certificate), "%s", in("server.crt"));
    return ca_check(certificate, directory, &hosts, days, e);
}

static void check_refused(const char *host, unsigned days, const char *reason)
{
    char wanted[700];
    struct err e;

    CHECK_INT(check(host, days, &e), -1);
    snprintf(wanted, sizeof(wanted), "%s: %s", in("server.crt"), reason);
    CHECK_TEXT(e.text, wanted);
}

TEST(coverage, "a certificate covers its names, what its wildcards match and its addresses, and nothing else")
{
    static const char *const covered[] = {"registry.example.org", "a.lab.example.org", "192.0.2.7", "2001:db8:0::5"};
    struct err e;

    make(usual, 4, 3650, 90);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(check(covered[i], 89, &e), 0);
    check_refused("example.org", 0, "it does not cover example.org");
    check_refused("a.b.lab.example.org", 0, "it does not cover a.b.lab.example.org");
    check_refused("192.0.2.8", 0, "it does not cover 192.0.2.8");
    check_refused("registry.example.org", 90, "it expires in 89 days");
}

TEST(clamped, "a server's certificate does not outlive its authority")
{
    make(usual, 4, 10, 825);
    check_refused("registry.example.org", 10, "it expires in 9 days");
}

TEST(long_host, "a first host that is too long for a subject leaves it empty and makes the list of hosts critical")
{
    static const char *const hosts[] = {"a-name-of-more-than-sixty-four-bytes.in-a-domain-that-is-long.example.org"};
    struct err e;
    X509 *chain[2];
    int critical = -1;

    make(hosts, 1, 3650, 825);
    CHECK_INT(check(hosts[0], 0, &e), 0);
    CHECK_INT(read_chain("server.crt", chain), 2);
    CHECK_INT(X509_NAME_entry_count(X509_get_subject_name(chain[0])), 0);
    GENERAL_NAMES_free(X509_get_ext_d2i(chain[0], NID_subject_alt_name, &critical, NULL));
    CHECK_INT(critical, 1);
    X509_free(chain[0]);
    X509_free(chain[1]);
}

TEST(no_overwriting, "nothing is replaced without being told to")
{
    struct hosts hosts = hosts_from(usual, 4);
    struct err e;
    char wanted[500];

    make(usual, 4, 3650, 825);
    CHECK_INT(init("Test CA", 1, false, &e), -1);
    CHECK_INT(e.code, ERR_EXISTS);
    snprintf(wanted, sizeof(wanted), "%s is there already; --force replaces it", in("ca.crt"));
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(issue(&hosts, 1, false, &e), -1);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK_INT(issue(&hosts, 30, true, &e), 0);
    check_refused("192.0.2.7", 30, "it expires in 29 days");
    CHECK_INT(init("Test CA", 3650, true, &e), 0);
    check_refused("192.0.2.7", 0, "it was not signed by that authority");
}

TEST(missing_authority, "without an authority no server is certified, and the text says how to make one")
{
    struct hosts hosts = hosts_from(usual, 4);
    struct err e;

    snprintf(directory, sizeof(directory), "%s", test_dir());
    CHECK_INT(issue(&hosts, 30, false, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(strstr(e.text, "no usable authority (\"berth-ca init\" makes one, or name it with --dir): ") == e.text);
    CHECK_INT(mode_of("server.key"), 0);
    hosts.n = 0;
    CHECK_INT(issue(&hosts, 30, false, &e), -1);
    CHECK_TEXT(e.text, "a server certificate needs at least one host");
}

TEST(wrong_key, "a damaged or foreign key is named")
{
    struct hosts hosts = hosts_from(usual, 4);
    struct sbuf key = {0};
    char wanted[600];
    struct err e;

    make(usual, 4, 3650, 825);
    CHECK_INT(file_read(in("server.key"), 65536, &key, &e), 0);
    CHECK_INT(file_replace(in("ca.key"), key.p, key.n, 0600, &e), 0);
    CHECK_INT(issue(&hosts, 30, true, &e), -1);
    snprintf(wanted, sizeof(wanted),
             "no usable authority (\"berth-ca init\" makes one, or name it with --dir): %s: not the key of the "
             "certificate beside it",
             in("ca.key"));
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(file_replace(in("ca.key"), key.p, key.n / 2, 0600, &e), 0);
    sbuf_free(&key);
    CHECK_INT(issue(&hosts, 30, true, &e), -1);
    CHECK(strstr(e.text, ": no private key in PEM form") != NULL);
    CHECK(certificate_read(in("ca.key"), NULL, &e) == NULL);
    CHECK(strstr(e.text, ": no certificate in PEM form") != NULL);
}

TEST(bad_name, "an authority has a name of 1 to 64 bytes")
{
    char name[66];
    struct err e;

    memset(name, 'n', sizeof(name));
    name[65] = '\0';
    snprintf(directory, sizeof(directory), "%s", test_dir());
    CHECK_INT(init(name, 1, false, &e), -1);
    CHECK_TEXT(e.text, "the name of an authority has 1 to 64 bytes");
    CHECK_INT(init("", 1, false, &e), -1);
    CHECK_INT(init(name + 1, 1, false, &e), 0);
}

TEST(several, "one authority issues for several servers, under names of their own, but never over its own files")
{
    struct hosts hosts = hosts_from(usual, 4);
    struct ca_order order = {.days = 30, .out = "second"};
    struct err e;
    char other[400];

    make(usual, 4, 3650, 825);
    CHECK_INT(ca_issue_server(&authority, &hosts, &order, &pair, &e), 0);
    CHECK_TEXT(pair.certificate, in("second.crt"));
    CHECK_INT(mode_of("second.key"), 0600);
    snprintf(other, sizeof(other), "%s/elsewhere", directory);
    order.out = other;
    CHECK_INT(ca_issue_server(&authority, &hosts, &order, &pair, &e), 0);
    CHECK_TEXT(pair.key, in("elsewhere.key"));
    order.out = "ca";
    order.force = true;
    CHECK_INT(ca_issue_server(&authority, &hosts, &order, &pair, &e), -1);
    CHECK(strstr(e.text, "/ca.crt: this is the authority's own file; --out gives another name") != NULL);
    order.out = "name/";
    CHECK_INT(ca_issue_server(&authority, &hosts, &order, &pair, &e), -1);
    CHECK_TEXT(e.text, "\"name/\" does not name a file");
}

TEST(kinds, "keys are of the kind that was asked for")
{
    static const struct {
        const char *text;
        int type, bits;
    } kinds[] = {{"ec", EVP_PKEY_EC, 256}, {"rsa-2048", EVP_PKEY_RSA, 2048}, {"rsa", EVP_PKEY_RSA, 3072}};
    struct hosts hosts = hosts_from(usual, 4);
    struct err e;
    X509 *chain[2];

    make(usual, 4, 3650, 825);
    for (size_t i = 0; i < 3; i++) {
        struct ca_order order = {.days = 30, .force = true};

        CHECK_INT(key_kind_parse(kinds[i].text, &order.key, &e), 0);
        CHECK_INT(ca_issue_server(&authority, &hosts, &order, &pair, &e), 0);
        CHECK_INT(read_chain("server.crt", chain), 2);
        CHECK_INT(EVP_PKEY_get_base_id(X509_get0_pubkey(chain[0])), kinds[i].type);
        CHECK_INT(EVP_PKEY_get_bits(X509_get0_pubkey(chain[0])), kinds[i].bits);
        X509_free(chain[0]);
        X509_free(chain[1]);
    }
    CHECK_INT(key_kind_parse("dsa", &(enum key_kind){0}, &e), -1);
    CHECK_TEXT(e.text, "no kind of key: dsa; there are ec, rsa (3072 bits), rsa-2048, rsa-3072, rsa-4096");
}

TEST(fresh_start, "a new authority in place of an old one begins a list of its own, and the old one is kept")
{
    struct ca_index *index;
    struct err e;

    make(usual, 4, 3650, 825);
    index = ca_index_open(directory, INDEX_READ, &e);
    CHECK(index != NULL && index->n == 1);
    ca_index_close(&index);
    CHECK_INT(init("Test CA", 3650, true, &e), 0);
    index = ca_index_open(directory, INDEX_READ, &e);
    CHECK(index != NULL && index->n == 0);
    ca_index_close(&index);
    snprintf(path, sizeof(path), "ls '%s' | grep -q '^issued.20..-..-..T......Z$'", directory);
    CHECK_INT(system(path), 0);
}
