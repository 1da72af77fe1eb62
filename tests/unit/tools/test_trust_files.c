#include "tools/trust/trust_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\n"

/* One folder for all tests here. */
static const char *folder(void)
{
    static const char *dir;

    if (dir == NULL)
        dir = test_dir();
    return dir;
}

/* Runs openssl in the tests' folder. */
static void make(const char *arguments)
{
    char command[1024];

    snprintf(command, sizeof(command), "cd '%s' && openssl %s 2>/dev/null", folder(), arguments);
    CHECK_INT(system(command), 0); /* NOLINT(cert-env33-c): a constant but for our own folder */
}

static void make_all(void)
{
    static bool made;

    if (made)
        return;
    made = true;
    make("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -out a.crt -days 2 -subj /CN=a");
    make("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -out b.crt -days 2 -subj /CN=b");
    make("req -new -key a.key -subj /CN=old -out old.csr");
    make("x509 -req -in old.csr -signkey a.key -days -1 -out old.crt");
    make("req -new -key b.key -subj /CN=leaf -out leaf.csr");
    make("x509 -req -in leaf.csr -CA a.crt -CAkey a.key -CAcreateserial -days 2 -out leaf.crt");
    make("req -x509 -key b.key -out alone.crt -days 2 -subj /CN=alone -addext basicConstraints=critical,CA:FALSE");
    make("pkey -in a.key -aes128 -passout pass:x -out locked.key");
}

static const char *at(const char *name)
{
    static char paths[2][512];
    static int turn;

    turn = !turn;
    snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", folder(), name);
    return paths[turn];
}

static void join(const char *out, const char *first, const char *second)
{
    struct sbuf text = {0}, more = {0};
    struct err e;

    CHECK_INT(file_read(at(first), 1 << 16, &text, &e), 0);
    CHECK_INT(file_read(at(second), 1 << 16, &more, &e), 0);
    sbuf_put(&text, more.p, more.n);
    CHECK_INT(file_replace(at(out), text.p, text.n, 0600, &e), 0);
    sbuf_free(&text);
    sbuf_free(&more);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

TEST(ca, "all certificates of a file are taken, and nothing else: a key in it stays here")
{
    struct trust_files files = {0};
    struct err e;

    make_all();
    join("two.crt", "a.crt", "b.crt");
    join("with-key.crt", "a.key", "two.crt");
    CHECK_INT(trust_files_read_ca(&files, at("with-key.crt"), &e), 0);
    CHECK_INT(count(files.ca, CERTIFICATE), 2);
    CHECK_INT(count(files.ca, "PRIVATE"), 0);
    CHECK(strncmp(files.ca, CERTIFICATE, strlen(CERTIFICATE)) == 0);
    trust_files_free(&files);
}

TEST(leaf, "a certificate that an authority issued to a server is no authority; one that signed itself is all there is")
{
    struct trust_files files = {0};
    struct err e;

    make_all();
    CHECK_INT(trust_files_read_ca(&files, at("leaf.crt"), &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK(strstr(e.text, "leaf.crt: a certificate in it is no authority's but was issued by one: give that one's") !=
          NULL);
    join("chain.crt", "a.crt", "leaf.crt");
    CHECK_INT(trust_files_read_ca(&files, at("chain.crt"), &e), -1);
    CHECK(files.ca == NULL);
    CHECK_INT(trust_files_read_ca(&files, at("alone.crt"), &e), 0);
    trust_files_free(&files);
    CHECK_INT(trust_files_read_client(&files, at("leaf.crt"), at("b.key"), &e), 0);
    trust_files_free(&files);
}

TEST(client, "a client's certificate goes with its key, which is written as PKCS #8")
{
    struct trust_files files = {0};
    struct err e;

    make_all();
    CHECK_INT(trust_files_read_client(&files, at("a.crt"), at("a.key"), &e), 0);
    CHECK_INT(count(files.certificate, CERTIFICATE), 1);
    CHECK(strncmp(files.key, "-----BEGIN PRIVATE KEY-----\n", 28) == 0);
    trust_files_free(&files);
    CHECK(files.key == NULL);
}

static void refuse_client(const char *certificate, const char *key, const char *wanted)
{
    struct trust_files files = {0};
    struct err e;

    CHECK_INT(trust_files_read_client(&files, at(certificate), at(key), &e), -1);
    CHECK(strstr(e.text, wanted) != NULL);
    CHECK(files.key == NULL);
    trust_files_free(&files);
}

TEST(bad, "what hosts could not use is refused here")
{
    struct trust_files files = {0};
    struct err e;

    make_all();
    CHECK_INT(trust_files_read_ca(&files, at("a.key"), &e), -1);
    CHECK(strstr(e.text, "a.key: no certificate in it; a PEM file begins with -----BEGIN CERTIFICATE-----") != NULL);
    CHECK_INT(trust_files_read_ca(&files, at("old.crt"), &e), -1);
    CHECK(strstr(e.text, "old.crt: the certificate is over: no client would trust it") != NULL);
    CHECK_INT(trust_files_read_ca(&files, at("none"), &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    refuse_client("a.crt", "b.key", "b.key: not the key of ");
    refuse_client("a.crt", "a.crt", "a.crt: no private key in it");
    refuse_client("a.crt", "locked.key", "locked.key: the key has a passphrase, which nobody can type on the hosts");
    refuse_client("a.crt", "none", "none: No such file or directory");
}
