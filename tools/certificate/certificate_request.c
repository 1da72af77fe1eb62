/*
 * Signing requests for an authority elsewhere.
 */
#include "tools/certificate/certificate_internal.h"

#include <string.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/pem.h>

int subject_check(const struct subject *subject, struct err *e)
{
    const char *country = subject->country;
    const struct {
        const char *what, *value;
    } parts[] = {{"state", subject->state},
                 {"locality", subject->locality},
                 {"organisation", subject->organisation},
                 {"unit", subject->unit},
                 {"e-mail address", subject->email}};

    if (country != NULL && (strlen(country) != 2 || strspn(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2))
        return err_set(e, ERR_INVALID, "a country is its code of two capital letters (ISO 3166), as in DE");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = parts[i].value == NULL ? 1 : strlen(parts[i].value);

        if (n < 1 || n > SUBJECT_PART_MAX / 2)
            return err_set(e, ERR_INVALID, "the %s has 1 to %d bytes", parts[i].what, SUBJECT_PART_MAX / 2);
        if (parts[i].value != NULL && !text_is_plain(str_of(parts[i].value)))
            return err_set(e, ERR_INVALID, "the %s has control characters, or is not UTF-8", parts[i].what);
    }
    return 0;
}

static bool add_subject(X509_REQ *req, const struct subject *subject)
{
    X509_NAME *name = X509_REQ_get_subject_name(req);
    const struct {
        const char *part, *value;
    } parts[] = {{"C", subject->country},         {"ST", subject->state}, {"L", subject->locality},
                 {"O", subject->organisation},    {"OU", subject->unit},  {"CN", subject->common_name},
                 {"emailAddress", subject->email}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].value != NULL && !subject_add(name, parts[i].part, parts[i].value))
            return false;
    return true;
}

static bool push_extension(STACK_OF(X509_EXTENSION) * all, X509_EXTENSION *made)
{
    if (made != NULL && sk_X509_EXTENSION_push(all, made) > 0)
        return true;
    X509_EXTENSION_free(made);
    return false;
}

static bool add_extensions(X509_REQ *req, const struct hosts *hosts)
{
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    GENERAL_NAMES *names = names_make(hosts);
    bool done = all != NULL && names != NULL &&
                push_extension(all, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE")) &&
                push_extension(all, X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,digitalSignature")) &&
                push_extension(all, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "serverAuth")) &&
                push_extension(all, X509V3_EXT_i2d(NID_subject_alt_name, 0, names)) &&
                X509_REQ_add_extensions(req, all) == 1;

    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return done;
}

int request_put(const struct certificate *key, const struct subject *subject, const struct hosts *hosts,
                struct sbuf *out, struct err *e)
{
    X509_REQ *req;
    BIO *bio;
    int rc = -1;

    if (subject_check(subject, e) != 0)
        return -1;
    req = X509_REQ_new();
    if (req == NULL || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 || !add_subject(req, subject) ||
        !add_extensions(req, hosts) || X509_REQ_set_pubkey(req, key->key) != 1 ||
        X509_REQ_sign(req, key->key, EVP_sha256()) <= 0) {
        openssl_fail(e, "make a signing request");
    } else {
        bio = BIO_new(BIO_s_mem());
        rc = drain(bio, bio != NULL && PEM_write_bio_X509_REQ(bio, req) == 1, out, e);
    }
    X509_REQ_free(req);
    return rc;
}

static GENERAL_NAMES *names_asked(X509_REQ *req)
{
    STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(req);
    GENERAL_NAMES *names = X509V3_get_d2i(all, NID_subject_alt_name, NULL, NULL);

    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return names;
}

int request_hosts(const char *path, struct hosts *hosts, struct err *e)
{
    struct sbuf text = {0}, host = {0};
    GENERAL_NAMES *names = NULL;
    X509_REQ *req;
    enum host_kind kind;
    int rc = 0;
    BIO *bio = open_text(path, &text, e);

    if (bio == NULL)
        return -1;
    req = PEM_read_bio_X509_REQ(bio, NULL, no_passphrase, NULL);
    if (req == NULL)
        rc = err_set(e, ERR_INVALID, "%s: no signing request in PEM form", path);
    else
        names = names_asked(req);
    for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(names); i++) {
        host.n = 0;
        if (name_text(sk_GENERAL_NAME_value(names, i), &kind, &host) && (kind == HOST_NAME || kind == HOST_ADDRESS) &&
            hosts_add(hosts, sbuf_text(&host), e) != 0)
            rc = err_wrap(e, "%s", path);
    }
    ERR_clear_error();
    sbuf_free(&host);
    GENERAL_NAMES_free(names);
    X509_REQ_free(req);
    close_text(bio, &text);
    return rc;
}
