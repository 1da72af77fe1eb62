#include "registry/net/certificate_name.h"

#include "tests/unit/net/certificate_fixture.h"

static const char *name_of(const struct identity *i, enum config_certificate_name kind, struct sbuf *name)
{
    static struct err e;

    sbuf_put(name, "old", 3);
    if (certificate_name(i->certificate, kind, name, &e) == 0)
        return sbuf_text(name);
    CHECK_INT(name->n, 0);
    return e.text;
}

/* A CN of any bytes and kind. */
static struct identity named(const char *bytes, size_t n, int type)
{
    struct identity i = issue_begin(NULL, NULL, NULL);

    must(X509_NAME_add_entry_by_NID(X509_get_subject_name(i.certificate), NID_commonName, type,
                                    (const unsigned char *)bytes, (int)n, -1, 0));
    issue_end(&i, NULL);
    return i;
}

TEST(kinds, "each kind of name is found where it belongs")
{
    static const char *const extensions[] = {
        "subjectAltName=IP:192.0.2.1,email:a@example.com,email:b@example.com,DNS:first.example,DNS:second.example,"
        "URI:spiffe://example/a",
        NULL};
    static const struct {
        enum config_certificate_name kind;
        const char *name;
    } cases[] = {
        {CONFIG_CERTIFICATE_CN, "alice"},
        {CONFIG_CERTIFICATE_DNS, "first.example"},
        {CONFIG_CERTIFICATE_EMAIL, "a@example.com"},
        {CONFIG_CERTIFICATE_URI, "spiffe://example/a"},
    };
    struct identity i = issue("alice", extensions, NULL);

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct sbuf name = {0};

        CHECK_TEXT(name_of(&i, cases[k].kind, &name), cases[k].name);
        sbuf_free(&name);
    }
    identity_free(&i);
}

TEST(absent, "a certificate without the kind of name that is asked for names nobody")
{
    static const struct {
        enum config_certificate_name kind;
        const char *text;
    } cases[] = {
        {CONFIG_CERTIFICATE_CN, "the certificate has no common name (CN)"},
        {CONFIG_CERTIFICATE_DNS, "the certificate has no alternative name (SAN) of kind DNS"},
        {CONFIG_CERTIFICATE_EMAIL, "the certificate has no alternative name (SAN) of kind e-mail"},
        {CONFIG_CERTIFICATE_URI, "the certificate has no alternative name (SAN) of kind URI"},
    };
    static const char *const extensions[] = {"subjectAltName=IP:192.0.2.1", NULL};

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct identity i = issue(NULL, extensions, NULL);
        struct sbuf name = {0};

        CHECK_TEXT(name_of(&i, cases[k].kind, &name), cases[k].text);
        sbuf_free(&name);
        identity_free(&i);
    }
}

TEST(two, "a certificate with two common names names nobody")
{
    struct identity i = issue_begin("alice", NULL, NULL);
    struct sbuf name = {0};

    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(i.certificate), "CN", MBSTRING_ASC,
                                    (const unsigned char *)"bob", -1, -1, 0));
    issue_end(&i, NULL);
    CHECK_TEXT(name_of(&i, CONFIG_CERTIFICATE_CN, &name), "the certificate has several common names (CN)");
    sbuf_free(&name);
    identity_free(&i);
}

TEST(strings, "names that are no user's, or that could be read in two ways, are refused")
{
    static const char control[] = "the certificate's name: the user name has a colon or a control character in it";
    static const char ambiguous[] = "the certificate's name is not written in characters that have one meaning";
    static const struct {
        const char *bytes;
        size_t n;
        int type;
        const char *wanted;
    } cases[] = {
        {"J\xc3\xbcrgen", 7, V_ASN1_UTF8STRING, "J\xc3\xbcrgen"},
        {"\0J\0\xfc\0r", 6, V_ASN1_BMPSTRING, "J\xc3\xbcr"},
        {"alice", 5, V_ASN1_PRINTABLESTRING, "alice"},
        {"alice\0.example", 14, V_ASN1_UTF8STRING, control},
        {"\0a\0\0\0b", 6, V_ASN1_BMPSTRING, control},
        {"alice:x", 7, V_ASN1_UTF8STRING, control},
        {"alice\n", 6, V_ASN1_UTF8STRING, control},
        {" alice", 6, V_ASN1_UTF8STRING,
         "the certificate's name: the user name starts with \"#\" or has a blank at an end"},
        {"J\xfcrgen", 6, V_ASN1_T61STRING, ambiguous},
        {"J\xfcrgen", 6, V_ASN1_IA5STRING, ambiguous},
    };

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct identity i = named(cases[k].bytes, cases[k].n, cases[k].type);
        struct sbuf name = {0};

        CHECK_TEXT(name_of(&i, CONFIG_CERTIFICATE_CN, &name), cases[k].wanted);
        sbuf_free(&name);
        identity_free(&i);
    }
}

TEST(too_long, "a name of more than 255 bytes is refused")
{
    static char extension[400] = "subjectAltName=email:";
    static const char *const extensions[] = {extension, NULL};
    struct identity i;
    struct sbuf name = {0};

    memset(extension + strlen(extension), 'a', 256);
    i = issue("x", extensions, NULL);
    CHECK_TEXT(name_of(&i, CONFIG_CERTIFICATE_EMAIL, &name),
               "the certificate's name: the user name has 256 bytes; 255 are allowed");
    sbuf_free(&name);
    identity_free(&i);
}
