#include "registry/net/certificate_name.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "auth/htpasswd.h"

/* T61 has no agreed meaning beyond ASCII, and an IA5 string none at all: two readers could see two users. */
static bool is_ambiguous(const ASN1_STRING *text)
{
    int type = ASN1_STRING_type(text);
    const unsigned char *bytes = ASN1_STRING_get0_data(text);

    if (type == V_ASN1_T61STRING)
        return true;
    for (int i = 0; type == V_ASN1_IA5STRING && i < ASN1_STRING_length(text); i++)
        if (bytes[i] >= 0x80)
            return true;
    return false;
}

/* A user's name, but that a URI has colons: no password goes with such a name, and no user of a file has it. */
static int check_name(struct str name, bool is_uri, struct err *e)
{
    char *copy = str_dup(name);
    int rc;

    for (size_t i = 0; is_uri && i < name.n; i++)
        if (copy[i] == ':')
            copy[i] = '/';
    rc = htpasswd_check_name((struct str){copy, name.n}, e);
    free(copy);
    return rc == 0 ? 0 : err_wrap(e, "the certificate's name");
}

static int take_text(const ASN1_STRING *text, bool is_uri, struct sbuf *out, struct err *e)
{
    unsigned char *utf8 = NULL;
    int n = is_ambiguous(text) ? -1 : ASN1_STRING_to_UTF8(&utf8, text);

    ERR_clear_error();
    if (n < 0)
        return err_set(e, ERR_INVALID, "the certificate's name is not written in characters that have one meaning");
    sbuf_put(out, utf8, (size_t)n);
    OPENSSL_free(utf8);
    if (check_name((struct str){out->p, out->n}, is_uri, e) == 0)
        return 0;
    out->n = 0;
    return -1;
}

static int take_common_name(const X509 *certificate, struct sbuf *out, struct err *e)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    if (at < 0)
        return err_set(e, ERR_NOT_FOUND, "the certificate has no common name (CN)");
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return err_set(e, ERR_INVALID, "the certificate has several common names (CN)");
    return take_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), false, out, e);
}

static int take_alternative_name(const X509 *certificate, int type, const char *label, struct sbuf *out, struct err *e)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int rc = err_set(e, ERR_NOT_FOUND, "the certificate has no alternative name (SAN) of kind %s", label);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != type)
            continue;
        rc = take_text(name->d.ia5, type == GEN_URI, out, e);
        break;
    }
    GENERAL_NAMES_free(names);
    return rc;
}

int certificate_name(const X509 *certificate, enum config_certificate_name kind, struct sbuf *out, struct err *e)
{
    out->n = 0;
    switch (kind) {
    case CONFIG_CERTIFICATE_DNS:
        return take_alternative_name(certificate, GEN_DNS, "DNS", out, e);
    case CONFIG_CERTIFICATE_EMAIL:
        return take_alternative_name(certificate, GEN_EMAIL, "e-mail", out, e);
    case CONFIG_CERTIFICATE_URI:
        return take_alternative_name(certificate, GEN_URI, "URI", out, e);
    default:
        return take_common_name(certificate, out, e);
    }
}
