#include "tools/certificate/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

static char directory[256];
static char path[320];

static const char *in(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void begin(void)
{
    snprintf(directory, sizeof(directory), "%s", test_dir());
}

static void save(const char *name, const struct sbuf *text)
{
    struct err e;

    if (file_replace(in(name), text->p, text->n, 0600, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

/* openssl(1) and the shell as judges that share no code with what is tried. */
static int shell(const char *command)
{
    char line[700];

    snprintf(line, sizeof(line), "cd '%s' && exec >/dev/null 2>&1; %s", directory, command);
    return system(line);
}

static struct certificate *make_authority(void)
{
    struct err e;
    struct certificate *made = certificate_make_authority("Test CA", KEY_EC_P256, 3650, &e);
    struct sbuf text = {0};

    if (made == NULL || certificate_put(made, &text, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    save("ca.crt", &text);
    sbuf_free(&text);
    return made;
}

static struct certificate *make_server(const struct certificate *authority)
{
    static const char *const names[] = {"registry.example.org", "*.lab.example.org", "192.0.2.7", "2001:db8::5"};
    struct hosts hosts = {.n = 0};
    struct certificate *made;
    struct sbuf text = {0};
    struct err e;

    for (size_t i = 0; i < 4; i++)
        hosts_add(&hosts, names[i], NULL);
    made = certificate_make_server(authority, &hosts, KEY_EC_P256, 825, &e);
    if (made == NULL || certificate_put(made, &text, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    save("server.crt", &text);
    sbuf_free(&text);
    return made;
}

static void check_described(const struct certificate *certificate, const char *const *wanted, size_t n, bool json)
{
    struct facts facts = {0};
    struct sbuf text = {0};
    struct err e;

    if (certificate_describe(certificate, &facts, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    if (json)
        facts_put_json(&facts, &text);
    else
        facts_put_text(&facts, &text);
    for (size_t i = 0; i < n; i++)
        if (strstr(sbuf_text(&text), wanted[i]) == NULL)
            test_fail(__FILE__, __LINE__, "not there: %s\nin: %s", wanted[i], text.p);
    sbuf_free(&text);
    facts_free(&facts);
}

TEST(description, "a description tells subject, issuer, hosts, validity and fingerprint, to people and to programs")
{
    static const char *const text[] = {
        "subject: CN = registry.example.org\nissuer: CN = Test CA\nauthority: no\nfrom: ",
        "\nuntil: ",
        "\ndays left: 824\n",
        "host: registry.example.org\nhost: *.lab.example.org\nhost: 192.0.2.7\nhost: 2001:db8::5\nsha256: ",
        "\nkind: server\nkey: ec P-256\n",
    };
    static const char *const json[] = {
        "{\"subject\":\"CN = registry.example.org\",\"issuer\":\"CN = Test CA\",\"authority\":false,\"from\":\"20",
        "\"days_left\":824,\"host\":[\"registry.example.org\",\"*.lab.example.org\",\"192.0.2.7\",\"2001:db8::5\"],",
    };
    struct certificate *authority, *server;

    begin();
    authority = make_authority();
    server = make_server(authority);
    check_described(server, text, 5, false);
    check_described(server, json, 2, true);
    certificate_free(&server);
    certificate_free(&authority);
    CHECK(authority == NULL);
}

TEST(revocation_list, "openssl finds a revoked certificate in the list, and another one good")
{
    struct certificate *authority, *server;
    struct revocation revoked = {.when = 1700000000, .reason = "keyCompromise"};
    struct sbuf list = {0};
    struct summary summary;
    struct err e;

    begin();
    authority = make_authority();
    server = make_server(authority);
    CHECK_INT(certificate_summarize(server, &summary, &e), 0);
    CHECK_TEXT(summary.kind, "server");
    CHECK_TEXT(summary.name, "registry.example.org");
    CHECK_INT(crl_put(authority, NULL, 0, 1, 0, &list, &e), 0);
    save("crl.pem", &list);
    CHECK_INT(shell("openssl verify -x509_strict -crl_check -CRLfile crl.pem -CAfile ca.crt server.crt"), 0);
    memcpy(revoked.serial, summary.serial, sizeof(revoked.serial));
    list.n = 0;
    CHECK_INT(crl_put(authority, &revoked, 1, 2, 30, &list, &e), 0);
    save("crl.pem", &list);
    CHECK_INT(shell("openssl verify -crl_check -CRLfile crl.pem -CAfile ca.crt server.crt 2>&1 | grep -q 'error 23 '"),
              0);
    CHECK_INT(shell("openssl crl -in crl.pem -noout -text | grep -q 'Key Compromise'"), 0);
    CHECK_INT(shell("openssl crl -in crl.pem -noout -crlnumber | grep -qi '=0x02'"), 0);
    sbuf_free(&list);
    certificate_free(&server);
    certificate_free(&authority);
}

TEST(reasons, "reasons are known whatever their case, and the text lists them")
{
    const char *reason;
    struct err e;

    CHECK_INT(crl_reason("KEYCOMPROMISE", &reason, &e), 0);
    CHECK_TEXT(reason, "keyCompromise");
    CHECK_INT(crl_reason("boredom", &reason, &e), -1);
    CHECK_TEXT(e.text, "no reason: boredom; there are unspecified, keyCompromise, affiliationChanged, superseded, "
                       "cessationOfOperation, privilegeWithdrawn");
}

TEST(request, "openssl accepts a request and finds subject and names in it; we read the same names back")
{
    const struct subject subject = {.common_name = "registry.example.org",
                                    .country = "DE",
                                    .state = "Bayern",
                                    .locality = "München",
                                    .organisation = "Example GmbH",
                                    .unit = "IT",
                                    .email = "it@example.org"};
    struct hosts hosts = {.n = 0}, read = {.n = 0};
    struct certificate *key;
    struct sbuf text = {0};
    struct err e;

    begin();
    CHECK_INT(hosts_add(&hosts, "registry.example.org", &e), 0);
    CHECK_INT(hosts_add(&hosts, "2001:db8::5", &e), 0);
    key = key_make(KEY_EC_P256, &e);
    CHECK(key != NULL);
    CHECK_INT(request_put(key, &subject, &hosts, &text, &e), 0);
    save("a.csr", &text);
    CHECK_INT(shell("openssl req -in a.csr -noout -verify"), 0);
    CHECK_INT(shell("openssl req -in a.csr -noout -subject -nameopt oneline,utf8,-esc_msb | grep -qF 'C = DE, ST = "
                    "Bayern, L = München, O = Example GmbH, OU = IT, CN = registry.example.org, emailAddress = "
                    "it@example.org'"),
              0);
    CHECK_INT(shell("openssl req -in a.csr -noout -text | grep -qF 'DNS:registry.example.org, IP "
                    "Address:2001:DB8:0:0:0:0:0:5'"),
              0);
    CHECK_INT(request_hosts(in("a.csr"), &read, &e), 0);
    CHECK_INT(read.n, 2);
    CHECK_TEXT(read.items[1].text, "2001:db8::5");
    sbuf_free(&text);
    certificate_free(&key);
}

TEST(subjects, "parts of a subject that break the limits of X.509 are named")
{
    char long_unit[70];
    struct subject subject = {.country = "de"};
    struct err e;

    CHECK_INT(subject_check(&subject, &e), -1);
    CHECK_TEXT(e.text, "a country is its code of two capital letters (ISO 3166), as in DE");
    memset(long_unit, 'u', sizeof(long_unit));
    long_unit[69] = '\0';
    subject = (struct subject){.country = "DE", .unit = long_unit};
    CHECK_INT(subject_check(&subject, &e), -1);
    CHECK_TEXT(e.text, "the unit has 1 to 64 bytes");
    subject.unit = "";
    CHECK_INT(subject_check(&subject, &e), -1);
}

TEST(hostile_names, "names with NUL and control characters are shown escaped, and cover nothing")
{
    static const char *const wanted[] = {"host: good.example.org\\x00.evil\n", "host: \\x1b[31mred\n"};
    struct host good;
    struct certificate *read;
    struct summary summary;
    struct err e;

    begin();
    CHECK_INT(
        shell(
            "printf '%s\\n' '[req]' 'distinguished_name=dn' 'x509_extensions=ext' 'prompt=no' '[dn]' 'CN=x' '[ext]' "
            "'subjectAltName=DER:30:29:82:16:67:6F:6F:64:2E:65:78:61:6D:70:6C:65:2E:6F:72:67:00:2E:65:76:69:6C:"
            "82:08:1B:5B:33:31:6D:72:65:64:82:05:61:2E:6F:72:67' >c.cnf; "
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -config c.cnf -out a.crt"),
        0);
    read = certificate_read(in("a.crt"), NULL, &e);
    CHECK(read != NULL);
    check_described(read, wanted, 2, false);
    CHECK_INT(host_parse("good.example.org", &good, &e), 0);
    CHECK_INT(certificate_covers(read, &good, 0, &e), -1);
    CHECK_TEXT(e.text, "it does not cover good.example.org");
    CHECK_INT(certificate_summarize(read, &summary, &e), 0);
    CHECK_TEXT(summary.name, "x");
    certificate_free(&read);
}

TEST(too_much, "files that are too large, too many, malformed or of another kind are refused with their name")
{
    struct certificate *authority;
    struct sbuf text = {0}, large = {0};
    char wanted[400];
    struct err e;

    begin();
    authority = make_authority();
    for (int i = 0; i <= CERTIFICATES_MAX; i++)
        CHECK_INT(certificate_put(authority, &text, &e), 0);
    save("many.pem", &text);
    CHECK(certificate_read(in("many.pem"), NULL, &e) == NULL);
    snprintf(wanted, sizeof(wanted), "%s: more than 20 certificates", in("many.pem"));
    CHECK_TEXT(e.text, wanted);
    while (large.n <= 1 << 20)
        sbuf_str(&large, STR("# a comment that goes on and on and on\n"));
    save("large.pem", &large);
    CHECK(certificate_read(in("large.pem"), NULL, &e) == NULL);
    CHECK_INT(e.code, ERR_TOO_LARGE);
    large.n = 0;
    sbuf_str(&large, STR("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"));
    save("bad.pem", &large);
    CHECK(certificate_read(in("bad.pem"), NULL, &e) == NULL);
    snprintf(wanted, sizeof(wanted), "%s: a malformed certificate", in("bad.pem"));
    CHECK_TEXT(e.text, wanted);
    CHECK(key_read(in("ca.crt"), NULL, &e) == NULL);
    snprintf(wanted, sizeof(wanted), "%s: no private key in PEM form", in("ca.crt"));
    CHECK_TEXT(e.text, wanted);
    sbuf_free(&large);
    sbuf_free(&text);
    certificate_free(&authority);
}

/* What describes a file starts with this. */
static void check_file(const char *name, const char *wanted)
{
    struct facts facts = {0};
    struct sbuf text = {0};
    struct err e;

    if (certificate_describe_file(in(name), NULL, &facts, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s", name, e.text);
    facts_put_text(&facts, &text);
    if (strstr(sbuf_text(&text), wanted) != text.p)
        test_fail(__FILE__, __LINE__, "%s: %s", name, text.p);
    sbuf_free(&text);
    facts_free(&facts);
}

TEST(files, "whatever openssl makes is told apart: keys, requests, lists, DER certificates, PKCS #7")
{
    struct certificate *authority, *key, *answer;
    struct facts facts = {0};
    struct sbuf text = {0};
    size_t strangers;
    struct err e;
    char *files[] = {path};

    begin();
    authority = make_authority();
    CHECK_INT(certificate_put_key(authority, NULL, &text, &e), 0);
    save("ca.key", &text);
    CHECK_INT(
        shell("openssl ecparam -genkey -name prime256v1 -out ec.key && openssl genrsa -out rsa.key 2048 && "
              "openssl req -new -key rsa.key -subj /CN=x -out x.csr && openssl x509 -in ca.crt -outform DER -out "
              "ca.der && openssl crl2pkcs7 -nocrl -certfile ca.crt -out ca.p7b && openssl pkcs8 -topk8 -in ec.key "
              "-passout pass:abcd -out secret.key"),
        0);
    check_file("ec.key", "kind: private key\nkey: ec P-256\npublic key sha256: ");
    check_file("rsa.key", "kind: private key\nkey: rsa 2048\n");
    check_file("x.csr", "kind: signing request\nsubject: CN = x\nkey: rsa 2048\nsigned by its key: yes\n");
    check_file("ca.der", "subject: CN = Test CA\nissuer: CN = Test CA\nauthority: yes\n");
    CHECK_INT(certificate_describe_file(in("secret.key"), NULL, &facts, &e), -1);
    CHECK_INT(e.code, ERR_DENIED);
    facts_free(&facts);
    key = key_read(in("ca.key"), NULL, &e);
    in("ca.p7b");
    answer = certificate_read_answer(key, files, 1, &strangers, &e);
    CHECK(answer != NULL);
    CHECK_INT(strangers, 0);
    certificate_free(&answer);
    certificate_free(&key);
    certificate_free(&authority);
    sbuf_free(&text);
}
