/* What must not happen to an authority: its files replaced, its list forgotten, its keys open, its lock held for ever. */
#include "tests/unit/tools/ca_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"

static int issue(const char *out)
{
    const struct ca_order order = {.days = 90, .force = true, .out = out};
    struct hosts hosts = {.n = 0};

    hosts_add(&hosts, "registry.example.org", NULL);
    return ca_issue_server(&authority, &hosts, &order, &pair, &e);
}

static int client(const char *user, const char *out)
{
    const struct ca_order order = {.days = 20, .force = true, .out = out};
    const struct hosts none = {.n = 0};

    return ca_issue_client(&authority, user, &none, &order, NULL, &pair, &e);
}

static void make(void)
{
    const struct ca_order order = {.days = 3650};

    snprintf(directory, sizeof(directory), "%s/ca", test_dir());
    if (ca_init(&authority, "Test CA", &order, NULL, &e) != 0 || issue(NULL) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static bool says(const char *text)
{
    if (strstr(e.text, text) != NULL)
        return true;
    printf("said: %s\n", e.text);
    return false;
}

static int request(const char *out)
{
    const struct subject subject = {.common_name = "registry.example.org"};
    const struct ca_order order = {.days = 1, .out = out};
    struct hosts hosts = {.n = 0};
    bool made_key;

    hosts_add(&hosts, "registry.example.org", NULL);
    return ca_request(&authority, &subject, &hosts, &order, &pair, &made_key, &e);
}

static int import(const char *out)
{
    const struct ca_order order = {.out = out};
    char answer[400];
    char *const paths[] = {answer};
    size_t strangers;

    snprintf(answer, sizeof(answer), "%s", in("server.crt"));
    return ca_import(&authority, &order, paths, 1, &pair, &strangers, &e);
}

TEST(own_files, "the authority's own files are replaced by no command, by whatever name they are called")
{
    static const char *const names[] = {"ca", "%s/ca", "%s/../ca/ca", "%s/./ca", "%s/linked/ca", "%s/alias", "hard"};
    static const char own[] = ": this is the authority's own file; --out gives another name";

    make();
    CHECK_INT(shell("mkdir ../before && cp ca.crt ca.key ../before; ln -s . linked; ln -s ca.key alias.key; ln ca.crt "
                    "hard.crt; mkdir docker; ln ca.key docker/client.key"),
              0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char out[600], *name = out;

        snprintf(out, sizeof(out), strncmp(names[i], "%s", 2) == 0 ? "%s%s" : "%.0s%s", directory,
                 names[i] + (strncmp(names[i], "%s", 2) == 0 ? 2 : 0));
        CHECK_INT(issue(name), -1);
        CHECK(says(own) && e.code == ERR_INVALID);
        CHECK_INT(request(name), -1);
        CHECK(says(own));
        CHECK_INT(import(name), -1);
        CHECK(says(own));
    }
    CHECK_INT(client("alice", in("docker")), -1);
    CHECK(says(own));
    CHECK_INT(shell("cmp ca.crt ../before/ca.crt && cmp ca.key ../before/ca.key"), 0);
    CHECK_INT(issue("cat"), 0);
    CHECK_INT(shell("rm ca.key"), 0);
    CHECK_INT(issue(in("../ca/ca")), -1);
    CHECK(says(own));
}

TEST(no_authority, "what is no authority's certificate signs nothing")
{
    make();
    CHECK_INT(shell("cp server.crt ca.crt; cp server.key ca.key"), 0);
    CHECK_INT(client("alice", NULL), -1);
    CHECK(says("/ca.crt: it is no authority's: its basic constraints or key usage do not let it sign others"));
    CHECK(says("no usable authority (\"berth-ca init\" makes one, or name it with --dir): "));
    CHECK(access(in("clients"), F_OK) != 0);
}

TEST(first_list, "a new authority has a revocation list without entries, which openssl accepts")
{
    make();
    CHECK_INT(
        shell("openssl crl -in crl.pem -CAfile ca.crt -noout && openssl crl -in crl.pem -noout -text | grep -q "
              "'No Revoked Certificates' && openssl verify -crl_check -CRLfile crl.pem -CAfile ca.crt server.crt"),
        0);
}

TEST(forgotten, "an index that was emptied, lost or is older than the list brings back nothing that was revoked")
{
    size_t count;

    make();
    CHECK_INT(client("bob", NULL), 0);
    CHECK_INT(shell("cp issued before"), 0);
    CHECK_INT(ca_revoke(&authority, "bob", "keyCompromise", 0, &count, &e), 0);
    CHECK_INT(shell("cp crl.pem kept.pem; : >issued"), 0);
    CHECK_INT(ca_write_crl(&authority, 0, &e), -1);
    CHECK(says("/issued: it is empty, which it never was; restore the file from a backup"));
    CHECK_INT(shell("rm issued"), 0);
    CHECK_INT(ca_write_crl(&authority, 0, &e), -1);
    CHECK(says("/crl.pem has number 2, but ") && says("/issued ends with 0: it is lost or old") &&
          says("/issued from a backup"));
    CHECK_INT(shell("cp before issued"), 0);
    CHECK_INT(ca_revoke(&authority, "registry.example.org", "superseded", 0, &count, &e), -1);
    CHECK(says("/issued ends with 1: it is lost or old"));
    CHECK_INT(shell("cmp crl.pem kept.pem && cmp issued before"), 0);
    CHECK_INT(shell("echo damaged >crl.pem"), 0);
    CHECK_INT(ca_write_crl(&authority, 0, &e), -1);
    CHECK(says("/crl.pem: no revocation list in PEM form; move it away to have one made"));
}

TEST(odd_serials, "a serial number that no authority may give is refused, and the index stays readable")
{
    static const char *const serials[] = {"-5", "0"};
    char command[400];
    size_t count;

    make();
    for (size_t i = 0; i < 2; i++) {
        snprintf(command, sizeof(command),
                 "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=x | "
                 "openssl x509 -req -CA ca.crt -CAkey ca.key -set_serial %s -out x.crt",
                 serials[i]);
        CHECK_INT(shell(command), 0);
        CHECK_INT(ca_revoke(&authority, in("x.crt"), "unspecified", 0, &count, &e), -1);
        CHECK(says("/x.crt: its serial number is not positive, or longer than RFC 5280 allows"));
    }
    CHECK_INT(client("alice", NULL), 0);
}

TEST(unreadable, "the index takes no line that it could not read again")
{
    struct summary summary = {.serial = "0a", .kind = "client", .from = 1, .until = 2, .name = "a\nb"};
    struct ca_index *index;

    make();
    index = ca_index_open(directory, INDEX_EDIT, &e);
    CHECK(index != NULL);
    CHECK(ca_index_add(index, &summary, &e) == NULL && index->n == 1);
    CHECK(says("the list of issued certificates cannot hold serial number 0a, a"));
    summary.name[1] = '-';
    summary.serial[0] = '-';
    CHECK(ca_index_add(index, &summary, &e) == NULL);
    summary.serial[0] = 'f';
    summary.from = INT64_MIN;
    CHECK(ca_index_add(index, &summary, &e) == NULL);
    summary.from = 1;
    CHECK(ca_index_add(index, &summary, &e) != NULL && index->n == 2);
    ca_index_close(&index);
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    return stat(in(name), &st) == 0 ? st.st_mode & 07777 : 0;
}

TEST(modes, "a key in place of one that everybody could read is for its owner only")
{
    const struct ca_renewal how = {.days_left = 91, .new_key = true};
    struct ca_renewed renewed;

    make();
    CHECK_INT(shell("chmod 644 server.key"), 0);
    CHECK_INT(issue(NULL), 0);
    CHECK_INT(mode_of("server.key"), 0600);
    CHECK_INT(shell("chmod 644 server.key"), 0);
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), 0);
    CHECK_INT(mode_of("server.key"), 0600);
    CHECK_INT(shell("[ \"$(stat -c %a server.key.20*)\" = 600 ]"), 0);
    CHECK_INT(shell("chmod 640 server.key"), 0);
    CHECK_INT(issue(NULL), 0);
    CHECK_INT(mode_of("server.key"), 0640);
}

TEST(held_up, "a pipe in place of a certificate stops nobody, nor holds the lock")
{
    size_t count;

    make();
    CHECK(mkfifo(in("pipe"), 0600) == 0);
    CHECK_INT(ca_revoke(&authority, in("pipe"), "unspecified", 0, &count, &e), -1);
    CHECK(says("/pipe: not a regular file"));
}

TEST(names_first, "a name is what was issued under it, whatever lies about in the working directory")
{
    const struct ca_renewal how = {.days_left = 91};
    struct ca_renewed renewed;
    size_t count;

    make();
    CHECK_INT(client("alice", NULL), 0);
    CHECK(chdir(directory) == 0);
    CHECK_INT(shell("echo nothing >server; echo nothing >alice; cp server.crt by-file.crt; cp server.key by-file.key"),
              0);
    CHECK_INT(ca_renew(&authority, "server", &how, &renewed, &e), 0);
    CHECK(renewed.done);
    CHECK_INT(ca_renew(&authority, "by-file.crt", &how, &renewed, &e), 0);
    CHECK_TEXT(renewed.pair.certificate, "by-file.crt");
    CHECK_INT(ca_revoke(&authority, "alice", "unspecified", 0, &count, &e), 0);
    CHECK_INT(count, 1);
    CHECK_INT(ca_revoke(&authority, "server", "unspecified", 0, &count, &e), -1);
    CHECK(says("server: no certificate in PEM form"));
    CHECK_INT(ca_revoke(&authority, "by-file.crt", "unspecified", 0, &count, &e), 0);
    CHECK_INT(count, 1);
    CHECK(chdir("/") == 0);
}

TEST(weak, "a key that clients refuse is neither good nor renewed, but replaced when that is asked for")
{
    struct ca_renewal how = {.days_left = 91};
    struct ca_renewed renewed;
    struct hosts hosts = {.n = 0};

    make();
    CHECK_INT(
        shell("printf 'subjectAltName=DNS:registry.example.org\nextendedKeyUsage=serverAuth\n' >x.ext; openssl req "
              "-new -newkey rsa:1024 -nodes -keyout weak.key -subj /CN=x | openssl x509 -req -CA ca.crt -CAkey "
              "ca.key -set_serial 7 -extfile x.ext -days 20 -out weak.crt"),
        0);
    hosts_add(&hosts, "registry.example.org", NULL);
    CHECK_INT(ca_check(in("weak.crt"), directory, &hosts, 0, &e), -1);
    CHECK(says("/weak.crt: its key (rsa 1024) is weaker than clients accept"));
    CHECK_INT(ca_renew(&authority, "weak", &how, &renewed, &e), -1);
    CHECK(says("its key (rsa 1024) is weaker than clients accept; --new-key makes a stronger one"));
    how.new_key = true;
    CHECK_INT(ca_renew(&authority, "weak", &how, &renewed, &e), 0);
    CHECK_INT(ca_check(in("weak.crt"), directory, &hosts, 0, &e), 0);
    CHECK_INT(shell("openssl rsa -in weak.key -noout -text | grep -q '2048 bit'"), 0);
}

TEST(anew, "an authority made anew begins its lists again, whatever the old ones were")
{
    const struct ca_order order = {.days = 30, .force = true};

    make();
    CHECK_INT(shell("rm ca.key; : >issued; echo damaged >crl.pem"), 0);
    CHECK_INT(ca_init(&authority, "Lab\nCA", &order, NULL, &e), -1);
    CHECK(says("the name of an authority is UTF-8 without control characters"));
    CHECK_INT(ca_init(&authority, "Lab CA", &order, NULL, &e), 0);
    CHECK_INT(issue(NULL), 0);
    CHECK_INT(shell("openssl crl -in crl.pem -CAfile ca.crt -noout && ls issued.20* crl.pem.20*"), 0);
}

TEST(odd_names, "a user whose name is no text gets neither a certificate nor a directory")
{
    make();
    CHECK_INT(client("\377", NULL), -1);
    CHECK(says("a user's name in a certificate is UTF-8 without control characters"));
    CHECK_INT(shell("echo x >issued"), 0);
    CHECK_INT(client("alice", NULL), -1);
    CHECK(access(in("clients"), F_OK) != 0);
}
