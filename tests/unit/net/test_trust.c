#include "registry/net/trust.h"

#include "registry/net/pem.h"
#include "tests/unit/net/certificate_fixture.h"

static struct network_address address(const char *text)
{
    struct network_address a = {0};

    if (text != NULL)
        must(network_address_parse(str_of(text), &a));
    return a;
}

/* Why not, or "good". */
static const char *verify_at(const struct trust *trust, X509 *leaf, X509 *above, const char *from, int64_t in)
{
    STACK_OF(X509) *sent = sk_X509_new_null();
    struct network_address client = address(from);
    struct verdict_of_trust verdict;

    if (above != NULL)
        sk_X509_push(sent, above);
    trust_verify(trust, leaf, sent, &client, (uint64_t)(time(NULL) + in), &verdict);
    sk_X509_free(sent);
    sbuf_free(&verdict.chain);
    return verdict.error == X509_V_OK ? "good" : verdict.reason;
}

static const char *verify(const struct trust *trust, const struct identity *leaf)
{
    return verify_at(trust, leaf->certificate, NULL, "192.0.2.1", 0);
}

TEST(usage, "only a certificate that says that it is for clients is good")
{
    static const struct {
        const char *extension;
        const char *wanted;
    } cases[] = {
        {"extendedKeyUsage=clientAuth", "good"},
        {"extendedKeyUsage=serverAuth,clientAuth", "good"},
        {"extendedKeyUsage=serverAuth", "not for client authentication"},
        {"extendedKeyUsage=anyExtendedKeyUsage", "not for client authentication"},
        {"keyUsage=digitalSignature", "not for client authentication"},
        {NULL, "not for client authentication"},
    };
    struct identity root = make_authority("root", NULL);
    struct trust *trust = trust_in(&root);

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const char *const extensions[] = {cases[k].extension, NULL};
        struct identity client = issue("client", extensions, &root);

        CHECK_TEXT(verify(trust, &client), cases[k].wanted);
        identity_free(&client);
    }
    trust_release(&trust);
    identity_free(&root);
}

TEST(addresses, "a certificate with addresses is good from those only")
{
    static const struct {
        const char *names;
        const char *from; /* NULL: a Unix socket */
        bool good;
    } cases[] = {
        {"subjectAltName=IP:192.0.2.1", "192.0.2.1", true},
        {"subjectAltName=IP:192.0.2.1", "192.0.2.2", false},
        {"subjectAltName=IP:192.0.2.1", "::ffff:192.0.2.1", true},
        {"subjectAltName=IP:192.0.2.1", NULL, false},
        {"subjectAltName=DNS:host,IP:192.0.2.1,IP:2001:db8::5", "2001:db8::5", true},
        {"subjectAltName=DNS:host,IP:192.0.2.1,IP:2001:db8::5", "2001:db8::6", false},
        {"subjectAltName=DNS:host", "192.0.2.2", true},
        {"subjectAltName=DNS:host", NULL, true},
        {"subjectAltName=DER:30:07:87:05:01:02:03:04:05", "1.2.3.4", false}, /* five bytes are no address */
        {"subjectAltName=DER:30:06:87:04:01:02:03:04", "1.2.3.4", true},
        {"subjectAltName=DER:30:ff", "1.2.3.4", false}, /* not to be read */
    };
    struct identity root = make_authority("root", NULL);
    struct trust *trust = trust_in(&root);

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const char *const extensions[] = {"extendedKeyUsage=clientAuth", cases[k].names, NULL};
        struct identity client = issue("client", extensions, &root);
        const char *result = verify_at(trust, client.certificate, NULL, cases[k].from, 0);

        if ((strcmp(result, "good") == 0) != cases[k].good)
            test_fail(__FILE__, __LINE__, "%s from %s: %s", cases[k].names, cases[k].from, result);
        identity_free(&client);
    }
    trust_release(&trust);
    identity_free(&root);
}

TEST(chains, "a chain must end at an authority, which may be an intermediate one")
{
    struct identity root = make_authority("root", NULL), middle = make_authority("middle", &root);
    struct identity other = make_authority("root", NULL); /* of the same name */
    struct identity client = make_client("client", &middle), stranger = make_client("stranger", &other);
    struct trust *by_root = trust_in(&root), *by_middle = trust_in(&middle);

    CHECK_TEXT(verify_at(by_root, client.certificate, middle.certificate, "192.0.2.1", 0), "good");
    CHECK_TEXT(verify(by_root, &client), "of an unknown authority");
    CHECK_TEXT(verify(by_middle, &client), "good");
    CHECK(strcmp(verify(by_root, &stranger), "good") != 0);
    CHECK(strcmp(verify_at(by_root, stranger.certificate, other.certificate, "192.0.2.1", 0), "good") != 0);
    trust_release(&by_root);
    trust_release(&by_middle);
    identity_free(&client);
    identity_free(&stranger);
    identity_free(&other);
    identity_free(&middle);
    identity_free(&root);
}

TEST(no_authority, "a client's certificate does not certify others")
{
    struct identity root = make_authority("root", NULL), client = make_client("client", &root);
    struct identity forged = make_client("forged", &client);
    struct trust *trust = trust_in(&root);

    CHECK(strcmp(verify_at(trust, forged.certificate, client.certificate, "192.0.2.1", 0), "good") != 0);
    trust_release(&trust);
    identity_free(&forged);
    identity_free(&client);
    identity_free(&root);
}

TEST(times, "a certificate is good within its time, and the verdict says when the chain ends")
{
    struct identity root = make_authority("root", NULL), client = make_client("client", &root);
    struct identity brief = issue_begin("middle", (const char *const[]){"basicConstraints=CA:TRUE", NULL}, &root);
    struct identity below;
    struct trust *trust = trust_in(&root);
    struct network_address from = address("192.0.2.1");
    struct verdict_of_trust verdict;
    STACK_OF(X509) *sent = sk_X509_new_null();
    uint64_t now_s = (uint64_t)time(NULL);

    CHECK_TEXT(verify_at(trust, client.certificate, NULL, "192.0.2.1", -2 * HOUR), "not valid yet");
    CHECK_TEXT(verify_at(trust, client.certificate, NULL, "192.0.2.1", 2 * DAY), "expired");
    must(X509_gmtime_adj(X509_getm_notAfter(brief.certificate), HOUR) != NULL);
    issue_end(&brief, &root);
    below = make_client("below", &brief);
    sk_X509_push(sent, brief.certificate);
    trust_verify(trust, below.certificate, sent, &from, now_s, &verdict);
    CHECK_INT(verdict.error, X509_V_OK);
    CHECK(verdict.end_s >= now_s + HOUR - 60 && verdict.end_s <= now_s + HOUR + 60);
    CHECK_INT(verdict.leaf_bytes, i2d_X509(below.certificate, NULL));
    CHECK_INT(verdict.chain.n - verdict.leaf_bytes, i2d_X509(brief.certificate, NULL)); /* without the authority */
    sbuf_free(&verdict.chain);
    sk_X509_free(sent);
    trust_release(&trust);
    identity_free(&below);
    identity_free(&brief);
    identity_free(&client);
    identity_free(&root);
}

/* Trusting `root`, with a list of each authority that is not NULL. */
static struct trust *with_lists(const struct identity *root, X509_CRL *one, X509_CRL *two, struct err *e)
{
    struct sbuf pem = {0}, crls = {0};

    put_certificate(&pem, root->certificate);
    put_crl(&crls, one);
    if (two != NULL)
        put_crl(&crls, two);
    return make_trust(&pem, &crls, e);
}

TEST(revoked, "a revoked certificate is refused wherever it stands in the chain")
{
    struct identity root = make_authority("root", NULL), middle = make_authority("middle", &root);
    struct identity client = make_client("client", &middle), direct = make_client("direct", &root);
    struct err e;
    struct trust *trust = with_lists(&root, make_crl(&root, direct.certificate, DAY), NULL, &e);

    CHECK_TEXT(verify(trust, &direct), "revoked");
    CHECK_TEXT(verify_at(trust, client.certificate, middle.certificate, "192.0.2.1", 0),
               "good"); /* no list: not revoked */
    trust_release(&trust);
    trust = with_lists(&root, make_crl(&root, NULL, DAY), make_crl(&middle, client.certificate, DAY), &e);
    CHECK_TEXT(verify(trust, &direct), "good");
    CHECK_TEXT(verify_at(trust, client.certificate, middle.certificate, "192.0.2.1", 0), "revoked");
    trust_release(&trust);
    trust = with_lists(&root, make_crl(&root, middle.certificate, DAY), make_crl(&middle, NULL, DAY), &e);
    CHECK_TEXT(verify_at(trust, client.certificate, middle.certificate, "192.0.2.1", 0), "revoked");
    trust_release(&trust);
    identity_free(&direct);
    identity_free(&client);
    identity_free(&middle);
    identity_free(&root);
}

TEST(late, "a list past its next update goes on revoking, and locks nobody else out")
{
    struct identity root = make_authority("root", NULL);
    struct identity good = make_client("good", &root), bad = make_client("bad", &root);
    struct err e;
    struct trust *trust = with_lists(&root, make_crl(&root, bad.certificate, -HOUR), NULL, &e);

    CHECK(trust_crls_due_s(trust) < (uint64_t)time(NULL));
    CHECK_TEXT(verify(trust, &good), "good");
    CHECK_TEXT(verify(trust, &bad), "revoked");
    trust_release(&trust);
    identity_free(&good);
    identity_free(&bad);
    identity_free(&root);
}

TEST(forged, "a list that its authority did not sign is an error")
{
    struct identity root = make_authority("root", NULL), other = make_authority("root", NULL);
    struct err e;

    CHECK(with_lists(&root, make_crl(&other, NULL, DAY), NULL, &e) == NULL);
    CHECK(strstr(e.text, "crls.pem: the revocation list of /CN=root is not signed by that authority") != NULL);
    CHECK(str_starts(str_of(e.text), STR("http.tls.clientcrls ")));
    CHECK_INT(e.code, ERR_INVALID);
    identity_free(&other);
    identity_free(&root);
}

TEST(partial, "a list that does not hold all that its authority has revoked is an error")
{
    static const struct {
        struct crl_extensions extensions;
        const char *why;
    } cases[] = {
        {{"issuingDistributionPoint=critical,indirectCRL:TRUE", NULL},
         "holds certificates of other issuers (indirectCRL)"},
        {{"issuingDistributionPoint=critical,onlysomereasons:keyCompromise", NULL},
         "holds what was revoked for some reasons only (onlySomeReasons)"},
        {{"issuingDistributionPoint=indirectCRL:TRUE", NULL}, "holds certificates of other issuers (indirectCRL)"},
        {{"issuingDistributionPoint=critical,onlyuser:TRUE", NULL}, "holds no authorities (onlyContainsUserCerts)"},
        {{"issuingDistributionPoint=critical,onlyCA:TRUE", NULL}, "holds authorities only (onlyContainsCACerts)"},
        {{"issuingDistributionPoint=critical,onlyAA:TRUE", NULL},
         "holds attribute certificates only (onlyContainsAttributeCerts)"},
        {{"issuingDistributionPoint=critical,DER:05:00", NULL},
         "says in a way that cannot be read what it holds (issuingDistributionPoint)"},
        {{"deltaCRL=critical,DER:02:01:01", NULL}, "holds changes to another list only (delta CRL)"},
        {{"deltaCRL=DER:02:01:01", NULL}, "holds changes to another list only (delta CRL)"},
        {{"1.2.3.4=critical,DER:05:00", NULL}, "has a critical extension that is not known here"},
        {{NULL, "certificateIssuer=critical,DER:30:05:82:03:61:2e:62"},
         "holds certificates of other issuers (certificateIssuer)"},
        {{NULL, "1.2.3.4=critical,DER:05:00"}, "has an entry with a critical extension that is not known here"},
    };
    struct identity root = make_authority("root", NULL), bad = make_client("bad", &root);

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct sbuf wanted = {0};
        struct err e = {0};

        CHECK(with_lists(&root, make_crl_with(&root, bad.certificate, DAY, cases[k].extensions), NULL, &e) == NULL);
        sbuf_printf(&wanted,
                    "crls.pem: the revocation list of /CN=root %s; have the authority write one with all that it has "
                    "revoked",
                    cases[k].why);
        if (strstr(e.text, sbuf_text(&wanted)) == NULL)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[k].why, e.text);
        CHECK(str_starts(str_of(e.text), STR("http.tls.clientcrls ")));
        CHECK_INT(e.code, ERR_INVALID);
        sbuf_free(&wanted);
    }
    identity_free(&bad);
    identity_free(&root);
}

TEST(whole, "a list with extensions that change nothing of what it holds revokes")
{
    static const struct crl_extensions cases[] = {
        {"1.2.3.4=DER:05:00", NULL},
        {NULL, "1.2.3.4=DER:05:00"},
        {NULL, "CRLReason=DER:0a:01:01"},
        {"crlNumber=DER:02:01:07", NULL},
    };
    struct identity root = make_authority("root", NULL);
    struct identity good = make_client("good", &root), bad = make_client("bad", &root);

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct err e;
        struct trust *trust = with_lists(&root, make_crl_with(&root, bad.certificate, DAY, cases[k]), NULL, &e);

        if (trust == NULL)
            test_fail(__FILE__, __LINE__, "%zu: %s", k, e.text);
        CHECK_TEXT(verify(trust, &good), "good");
        CHECK_TEXT(verify(trust, &bad), "revoked");
        trust_release(&trust);
    }
    identity_free(&bad);
    identity_free(&good);
    identity_free(&root);
}

TEST(intermediate, "an authority that is trusted itself needs no list of the one above it, and its own list revokes")
{
    struct identity root = make_authority("root", NULL), middle = make_authority("middle", &root);
    struct identity good = make_client("good", &middle), bad = make_client("bad", &middle);
    struct err e;
    struct trust *trust = with_lists(&middle, make_crl(&middle, bad.certificate, DAY), NULL, &e);

    CHECK_TEXT(verify(trust, &good), "good");
    CHECK_TEXT(verify(trust, &bad), "revoked");
    trust_release(&trust);
    identity_free(&bad);
    identity_free(&good);
    identity_free(&middle);
    identity_free(&root);
}

TEST(point, "a list of one distribution point revokes who names that point, and whoever does not is refused")
{
#define POINT "URI:http://ca.example/1.crl"
    static const struct crl_extensions of_point = {"issuingDistributionPoint=critical,fullname:" POINT, NULL};
    static const char *const extensions[] = {"extendedKeyUsage=clientAuth", "crlDistributionPoints=" POINT, NULL};
    struct identity root = make_authority("root", NULL), middle = make_authority("middle", &root);
    struct identity good = issue("good", extensions, &middle), bad = issue("bad", extensions, &middle);
    struct identity elsewhere = make_client("elsewhere", &middle);
    struct err e;
    struct trust *trust = with_lists(&middle, make_crl_with(&middle, bad.certificate, DAY, of_point), NULL, &e);

    CHECK(trust != NULL);
    CHECK_TEXT(verify(trust, &good), "good");
    CHECK_TEXT(verify(trust, &bad), "revoked");
    CHECK(strcmp(verify(trust, &elsewhere), "good") != 0);
    trust_release(&trust);
    identity_free(&elsewhere);
    identity_free(&bad);
    identity_free(&good);
    identity_free(&middle);
    identity_free(&root);
}

TEST(passed_over, "whoever cannot be looked up in the list of his authority is refused, and another's list is not it")
{
    static const struct crl_extensions of_other_key = {"authorityKeyIdentifier=DER:30:04:82:02:7f:ff", NULL};
    struct identity root = make_authority("root", NULL), other = make_authority("root", NULL); /* of the same name */
    struct identity client = make_client("client", &root);
    struct sbuf pem = {0}, crls = {0};
    struct err e;
    struct trust *trust = with_lists(&root, make_crl_with(&root, client.certificate, DAY, of_other_key), NULL, &e);

    CHECK(trust != NULL);
    CHECK_TEXT(verify(trust, &client), "not to be looked up in the revocation list of its authority");
    trust_release(&trust);
    put_certificate(&pem, root.certificate);
    put_certificate(&pem, other.certificate);
    put_crl(&crls, make_crl_with(&other, NULL, DAY, of_other_key));
    trust = make_trust(&pem, &crls, &e);
    CHECK(trust != NULL);
    CHECK_TEXT(verify(trust, &client), "good");
    trust_release(&trust);
    identity_free(&client);
    identity_free(&other);
    identity_free(&root);
}

TEST(names, "the names of all authorities are there for clients to choose by, and when the first of them ends")
{
    struct identity a = make_authority("first", NULL), b = make_authority("second", NULL);
    struct sbuf pem = {0}, none = {0};
    struct trust *trust;
    struct err e;
    STACK_OF(X509_NAME) * all;
    uint64_t first_s;

    put_certificate(&pem, a.certificate);
    put_certificate(&pem, b.certificate);
    trust = make_trust(&pem, &none, &e);
    all = trust_names(trust);
    CHECK_INT(sk_X509_NAME_num(all), 2);
    CHECK_INT(X509_NAME_cmp(sk_X509_NAME_value(all, 1), X509_get_subject_name(b.certificate)), 0);
    CHECK(trust_crls_due_s(trust) == UINT64_MAX);
    first_s = pem_time_s(X509_get0_notAfter(a.certificate));
    if (pem_time_s(X509_get0_notAfter(b.certificate)) < first_s)
        first_s = pem_time_s(X509_get0_notAfter(b.certificate));
    CHECK(trust_authorities_end_s(trust) == first_s);
    sk_X509_NAME_pop_free(all, X509_NAME_free);
    trust_release(&trust);
    identity_free(&a);
    identity_free(&b);
}
