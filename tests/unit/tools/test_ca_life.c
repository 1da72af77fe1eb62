/* What becomes of certificates after they were issued: written down, renewed, revoked; and those from elsewhere. */
#include "tests/unit/tools/ca_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry/base/file.h"

static int issue(const char *host, unsigned days)
{
    const struct ca_order order = {.days = days, .force = true};
    struct hosts hosts = {.n = 0};

    hosts_add(&hosts, host, NULL);
    return ca_issue_server(&authority, &hosts, &order, &pair, &e);
}

static void make(unsigned days)
{
    const struct ca_order order = {.days = 3650};

    snprintf(directory, sizeof(directory), "%s", test_dir());
    if (ca_init(&authority, "Test CA", &order, NULL, &e) != 0 || issue("registry.example.org", days) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static int client(const char *user)
{
    const struct ca_order order = {.days = 20, .force = true};
    const struct hosts none = {.n = 0};

    return ca_issue_client(&authority, user, &none, &order, NULL, &pair, &e);
}

static void check_text(const char *text)
{
    CHECK_TEXT(e.text, text);
}

TEST(written_down, "what is issued is written down with its name, its kind and its days, in order")
{
    struct ca_index *index;

    make(825);
    CHECK_INT(client("alice"), 0);
    index = ca_index_open(directory, INDEX_READ, &e);
    CHECK(index != NULL);
    CHECK_INT(index->n, 2);
    CHECK_TEXT(index->items[0].name, "registry.example.org");
    CHECK_TEXT(index->items[0].kind, "server");
    CHECK_TEXT(index->items[1].name, "alice");
    CHECK_TEXT(index->items[1].kind, "client");
    CHECK_INT(index->items[1].until - index->items[1].from, 20 * 86400);
    CHECK(ca_index_find(index, index->items[1].serial) == &index->items[1]);
    CHECK(ca_index_find(index, "00") == NULL);
    ca_index_close(&index);
    CHECK(index == NULL);
}

TEST(damaged_index, "a damaged index is refused with its line, and nothing is issued past it")
{
    char wanted[500];

    make(825);
    CHECK_INT(shell("printf 'zz\\tserver\\n' >>issued; mv server.key before.key"), 0);
    CHECK_INT(issue("registry.example.org", 10), -1);
    snprintf(wanted, sizeof(wanted), "%s:3: the line is damaged; restore the file from a backup", in("issued"));
    check_text(wanted);
    CHECK(access(in("server.key"), F_OK) != 0);
    CHECK_INT(shell("echo something else >issued"), 0);
    CHECK_INT(issue("registry.example.org", 10), -1);
    snprintf(wanted, sizeof(wanted), "%s:1: not a list of issued certificates", in("issued"));
    check_text(wanted);
}

TEST(together, "eight at a time issue without forgetting each other")
{
    struct ca_index *index;
    int failed = 0, status;
    pid_t pids[8];

    make(825);
    for (int i = 0; i < 8; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char user[20];

            snprintf(user, sizeof(user), "user%d", i);
            _exit(client(user) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < 8; i++)
        failed += waitpid(pids[i], &status, 0) != pids[i] || status != 0;
    CHECK_INT(failed, 0);
    index = ca_index_open(directory, INDEX_READ, &e);
    CHECK(index != NULL);
    CHECK_INT(index->n, 9);
    ca_index_close(&index);
}

TEST(not_yet, "a certificate with enough days left is not renewed")
{
    const struct ca_renewal how = {.days_left = 30};
    struct ca_renewed renewed;

    make(31 + 1);
    CHECK_INT(shell("cp server.crt before.crt"), 0);
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), 0);
    CHECK(!renewed.done);
    CHECK_INT(renewed.days_left, 31);
    CHECK_INT(shell("cmp server.crt before.crt && ! ls server.crt.20*"), 0);
}

TEST(same_key, "a renewed certificate keeps key, subject, names, uses and length, and the one from before is kept")
{
    const struct ca_renewal how = {.days_left = 30};
    struct ca_renewed renewed;
    struct stat st;

    make(20);
    CHECK_INT(shell("cp server.crt before.crt; cp server.key before.key"), 0);
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), 0);
    CHECK(renewed.done);
    CHECK_INT(renewed.days_left, 19);
    CHECK_INT(stat(renewed.kept.key, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(stat(renewed.kept.certificate, &st), 0);
    CHECK_INT(shell("cmp server.key before.key && cmp before.key server.key.20* && cmp before.crt server.crt.20* && ! "
                    "cmp -s before.crt server.crt"),
              0);
    CHECK_INT(shell("for f in before.crt server.crt; do openssl x509 -in $f -noout -subject -pubkey -ext "
                    "subjectAltName,extendedKeyUsage,keyUsage,basicConstraints,authorityKeyIdentifier >$f.txt; done; "
                    "cmp before.crt.txt server.crt.txt"),
              0);
    CHECK_INT(shell("openssl verify -x509_strict -purpose sslserver -CAfile ca.crt server.crt"), 0);
    CHECK_INT(shell("[ $(grep -c BEGIN server.crt) = 2 ]"), 0);
}

TEST(new_key, "with a new key it is of the same kind, and both old files are kept, the key for its owner only")
{
    const struct ca_order order = {.days = 20, .key = KEY_RSA_2048, .force = true};
    const struct ca_renewal how = {.days_left = 30, .days = 90, .new_key = true};
    const struct hosts none = {.n = 0};
    struct ca_renewed renewed;
    struct stat st;

    make(825);
    CHECK_INT(ca_issue_client(&authority, "alice", &none, &order, "password", &pair, &e), 0);
    CHECK_INT(shell("cp clients/alice/client.key before.key"), 0);
    CHECK_INT(ca_renew(&authority, in("clients/alice/client.cert"), &how, &renewed, &e), 0);
    CHECK(renewed.done);
    CHECK(renewed.stale_p12);
    CHECK_INT(renewed.days_left, 89);
    CHECK_INT(stat(renewed.kept.key, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(
        shell("cd clients/alice && cmp ../../before.key client.key.20* && ! cmp -s ../../before.key client.key && "
              "openssl rsa -in client.key -noout -text | grep -q '2048 bit' && openssl x509 -in client.cert -noout "
              "-pubkey >a && openssl pkey -in client.key -pubout >b && cmp a b && [ $(grep -c BEGIN client.cert) = "
              "1 ]"),
        0);
}

TEST(not_renewable,
     "what is foreign, revoked, an authority's, without its key or not there is not renewed, and the text says why")
{
    const struct ca_renewal how = {.days_left = 30};
    struct ca_renewed renewed;
    char wanted[600];
    size_t count;

    make(20);
    CHECK_INT(ca_renew(&authority, "nobody", &how, &renewed, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "nobody: neither a file, nor a server or client of %s", directory);
    check_text(wanted);
    CHECK_INT(
        shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -out x.crt -days 3 "
              "-subj /CN=x -addext basicConstraints=critical,CA:FALSE"),
        0);
    CHECK_INT(ca_renew(&authority, in("x.crt"), &how, &renewed, &e), -1);
    CHECK(strstr(e.text, "it was issued elsewhere; \"berth-ca csr\" makes a request for that authority") != NULL);
    CHECK_INT(shell("cp server.crt alone.crt"), 0);
    CHECK_INT(ca_renew(&authority, in("alone.crt"), &how, &renewed, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_INT(ca_revoke(&authority, "registry.example.org", "superseded", 0, &count, &e), 0);
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), -1);
    CHECK(strstr(e.text, "it is revoked (superseded); issue a new one, if registry.example.org may have it") != NULL);
}

TEST(no_gain, "near the end of the authority a renewal that would gain nothing is refused, and nothing changes")
{
    const struct ca_order order = {.days = 20, .force = true};
    struct ca_renewal how = {.days_left = 30};
    struct ca_renewed renewed;
    char wanted[600];

    make(20);
    CHECK_INT(ca_init(&authority, "Test CA", &order, NULL, &e), 0);
    CHECK_INT(issue("registry.example.org", 825), 0);
    CHECK_INT(shell("cp server.crt before.crt; cp issued before.txt"), 0);
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), -1);
    snprintf(wanted, sizeof(wanted),
             "%s: the authority ends no later; make a new one in another directory, have clients "
             "trust both, then issue from it",
             in("server.crt"));
    check_text(wanted);
    CHECK_INT(shell("cmp server.crt before.crt && cmp issued before.txt && ! ls server.crt.20*"), 0);
    how.days = 826;
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), -1);
    CHECK(strstr(e.text, ": a server's certificate is valid for at most 825 days") != NULL);
}

TEST(revoked, "a certificate is revoked by file, by serial number as openssl prints it, and by name; others stay good")
{
    struct ca_index *index;
    char serial[2 * SERIAL_TEXT_ROOM] = "";
    size_t count, n = 0;

    make(825);
    CHECK_INT(client("alice"), 0);
    CHECK_INT(client("bob"), 0);
    CHECK_INT(client("carol"), 0);
    index = ca_index_open(directory, INDEX_READ, &e);
    CHECK(index != NULL);
    for (const char *p = index->items[2].serial; *p != '\0'; p++) /* 0A:1B:… */
        n += (size_t)snprintf(serial + n, sizeof(serial) - n, "%s%c", n > 0 && (n + 1) % 3 == 0 ? ":" : "",
                              *p >= 'a' ? *p - 'a' + 'A' : *p);
    ca_index_close(&index);
    CHECK_INT(ca_revoke(&authority, in("clients/alice/client.cert"), "keyCompromise", 0, &count, &e), 0);
    CHECK_INT(count, 1);
    CHECK_INT(ca_revoke(&authority, serial, "superseded", 0, &count, &e), 0);
    CHECK_INT(count, 1);
    CHECK_INT(ca_revoke(&authority, "carol", "unspecified", 0, &count, &e), 0);
    CHECK_INT(count, 1);
    CHECK_INT(ca_revoke(&authority, "carol", "unspecified", 0, &count, &e), 0);
    CHECK_INT(count, 0);
    CHECK_INT(shell("for u in alice bob carol; do openssl verify -crl_check -CRLfile crl.pem -CAfile ca.crt "
                    "clients/$u/client.cert && exit 1; done; true"),
              0);
    CHECK_INT(shell("openssl verify -x509_strict -crl_check -CRLfile crl.pem -CAfile ca.crt server.crt"), 0);
    CHECK_INT(shell("openssl crl -in crl.pem -noout -crlnumber | grep -q '=0x0*5$'"), 0);
    CHECK_INT(
        shell("[ \"$(openssl crl -in crl.pem -noout -nextupdate | cut -d= -f2)\" = \"$(openssl x509 -in ca.crt -noout "
              "-enddate | cut -d= -f2)\" ]"),
        0);
    CHECK_INT(ca_write_crl(&authority, 7, &e), 0);
    CHECK_INT(shell("openssl crl -in crl.pem -noout -crlnumber | grep -q '=0x0*6$'"), 0);
    CHECK_INT(ca_revoke(&authority, "dave", "unspecified", 0, &count, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    check_text("dave: neither a certificate's file, nor the name or serial number of a valid one that was issued here "
               "(\"berth-ca list\" shows them)");
}

TEST(not_revocable, "a foreign certificate and the authority itself are not revoked; one from before the index is")
{
    size_t count;
    struct ca_index *index;

    make(825);
    CHECK_INT(ca_revoke(&authority, in("ca.crt"), "unspecified", 0, &count, &e), -1);
    CHECK(strstr(e.text, ": an authority cannot revoke itself; have its clients trust another") != NULL);
    CHECK_INT(
        shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -out x.crt -subj "
              "/CN=x"),
        0);
    CHECK_INT(ca_revoke(&authority, in("x.crt"), "unspecified", 0, &count, &e), -1);
    CHECK(strstr(e.text, ": it was not signed by that authority") != NULL);
    CHECK_INT(shell("openssl crl -in crl.pem -noout -crlnumber | grep -q '=0x0*1$' && rm issued crl.pem"), 0);
    CHECK_INT(ca_revoke(&authority, in("server.crt"), "superseded", 0, &count, &e), 0);
    CHECK_INT(count, 1);
    index = ca_index_open(directory, INDEX_READ, &e);
    CHECK(index != NULL && index->n == 1);
    CHECK_TEXT(index->items[0].reason, "superseded");
    ca_index_close(&index);
}

/* An authority elsewhere, made of openssl: a root, one below it, and what that signs. */
static void sign_elsewhere(const char *names)
{
    char command[900];

    snprintf(
        command, sizeof(command),
        "o='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' && $o -keyout r.key -out r.crt -subj "
        "/CN=Root && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout i.key -out i.csr "
        "-subj "
        "/CN=Middle && printf 'basicConstraints=critical,CA:TRUE\\n' >i.ext && openssl x509 -req -in i.csr -CA r.crt "
        "-CAkey r.key -CAcreateserial -extfile i.ext -out i.crt && printf "
        "'subjectAltName=%s\\nextendedKeyUsage=serverAuth\\n' >s.ext && openssl x509 -req -in outside.csr -CA i.crt "
        "-CAkey i.key -CAcreateserial -extfile s.ext -days 90 -out answer.crt",
        names);
    if (shell(command) != 0)
        test_fail(__FILE__, __LINE__, "openssl cannot sign");
}

static int import(const char *file, size_t *strangers)
{
    const struct ca_order order = {.out = "outside"};
    char *files[] = {path};

    in(file);
    return ca_import(&authority, &order, files, 1, &pair, strangers, &e);
}

static void request(bool *made_key)
{
    const struct ca_order order = {.out = "outside"};
    const struct subject subject = {.common_name = "a.example.org"};
    struct hosts hosts = {.n = 0};

    hosts_add(&hosts, "a.example.org", NULL);
    hosts_add(&hosts, "192.0.2.1", NULL);
    if (ca_request(&authority, &subject, &hosts, &order, &pair, made_key, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

TEST(imported, "an answer in any order is written leaf first, issuers behind it; strangers are left out and counted")
{
    struct stat st;
    size_t strangers;
    bool made_key;

    make(825);
    request(&made_key);
    CHECK(made_key);
    CHECK_INT(stat(in("outside.key"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    sign_elsewhere("DNS:a.example.org,IP:192.0.2.1");
    CHECK_INT(shell("cat r.crt server.crt i.crt answer.crt answer.crt >all.pem"), 0);
    CHECK_INT(import("all.pem", &strangers), 0);
    CHECK_INT(strangers, 2);
    CHECK_TEXT(pair.certificate, in("outside.crt"));
    CHECK_INT(shell("cat answer.crt i.crt r.crt | grep -v '^$' | cmp - outside.crt"), 0);
    CHECK_INT(shell("openssl x509 -in answer.crt -outform DER -out answer.der"), 0);
    CHECK_INT(import("answer.der", &strangers), 0);
    CHECK_INT(shell("cmp answer.crt outside.crt && ls outside.crt.20*"), 0);
    request(&made_key);
    CHECK(!made_key);
}

TEST(not_imported, "an answer to something else is refused, and what is there stays")
{
    size_t strangers;
    bool made_key;

    make(825);
    CHECK_INT(import("server.crt", &strangers), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(strstr(e.text, "no usable request (\"berth-ca csr\" makes one): ") == e.text);
    request(&made_key);
    CHECK_INT(import("server.crt", &strangers), -1);
    check_text("none of the certificates belongs to the key; they answer another request than the one made here");
    sign_elsewhere("DNS:a.example.org");
    CHECK_INT(import("answer.crt", &strangers), -1);
    CHECK(strstr(e.text, "outside.csr: it does not cover 192.0.2.1") != NULL);
    CHECK_INT(
        shell("sed -i 's/serverAuth/clientAuth/;s/$/\\n/' s.ext; sed -i 's/^subjectAltName.*/&,IP:192.0.2.1/' s.ext; "
              "openssl x509 -req -in outside.csr -CA i.crt -CAkey i.key -extfile s.ext -out answer.crt"),
        0);
    CHECK_INT(import("answer.crt", &strangers), -1);
    CHECK(strstr(e.text, "outside.csr: its key usage or extended key usage does not allow TLS servers") != NULL);
    CHECK(access(in("outside.crt"), F_OK) != 0);
}
