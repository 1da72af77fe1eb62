/*
 * Subjects and alternative names, to and from OpenSSL's forms.
 */
#include "tools/certificate/certificate_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* libraries */
#include <openssl/err.h>

static const int general_types[] = {
    [HOST_NAME] = GEN_DNS, [HOST_ADDRESS] = GEN_IPADD, [HOST_EMAIL] = GEN_EMAIL, [HOST_URI] = GEN_URI};

static GENERAL_NAME *make_name(const struct host *host)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = host->kind == HOST_ADDRESS ? a2i_IPADDRESS(host->text) : ASN1_IA5STRING_new();

    if (name == NULL || value == NULL ||
        (host->kind != HOST_ADDRESS && ASN1_STRING_set(value, host->text, (int)strlen(host->text)) != 1)) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, general_types[host->kind], value);
    return name;
}

GENERAL_NAMES *names_make(const struct hosts *names)
{
    GENERAL_NAMES *made = GENERAL_NAMES_new();

    for (size_t i = 0; made != NULL && i < names->n; i++) {
        GENERAL_NAME *name = make_name(&names->items[i]);

        if (name == NULL || sk_GENERAL_NAME_push(made, name) <= 0) {
            GENERAL_NAME_free(name);
            GENERAL_NAMES_free(made);
            made = NULL;
        }
    }
    return made;
}

bool name_text(const GENERAL_NAME *name, enum host_kind *kind, struct sbuf *out)
{
    char address[INET6_ADDRSTRLEN];
    const ASN1_STRING *value;
    int type, n;

    value = GENERAL_NAME_get0_value(name, &type);
    for (*kind = HOST_NAME; general_types[*kind] != type; (*kind)++)
        if (*kind == HOST_URI)
            return false;
    n = ASN1_STRING_length(value);
    if (type != GEN_IPADD)
        sbuf_put(out, ASN1_STRING_get0_data(value), (size_t)n);
    else if ((n != 4 && n != 16) ||
             inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), address, sizeof(address)) == NULL)
        sbuf_str(out, STR("(malformed address)"));
    else
        sbuf_str(out, str_of(address));
    return true;
}

/* One pass per label: in JSON, items of one name stand in a row. */
static void describe_kinds(const GENERAL_NAMES *names, const char *label, unsigned kinds, struct facts *facts)
{
    struct sbuf text = {0};
    enum host_kind kind;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        text.n = 0;
        if (name_text(sk_GENERAL_NAME_value(names, i), &kind, &text) && (kinds & 1U << kind) != 0)
            facts_item(facts, label, (struct str){text.p, text.n});
    }
    sbuf_free(&text);
}

void names_describe(const GENERAL_NAMES *names, struct facts *facts)
{
    describe_kinds(names, "host", 1U << HOST_NAME | 1U << HOST_ADDRESS, facts);
    describe_kinds(names, "email", 1U << HOST_EMAIL, facts);
    describe_kinds(names, "uri", 1U << HOST_URI, facts);
}

int subject_text(const X509_NAME *name, struct sbuf *out, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return drain(bio, bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0,
                 out, e);
}

bool subject_add(X509_NAME *name, const char *part, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}
