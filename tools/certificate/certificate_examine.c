/*
 * What is wrong with a server's certificate that no handshake of its own host would show.
 */
#include "tools/certificate/certificate_internal.h"

#include <stdio.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

/* ---- one certificate ---- */

static bool has_weak_signature(X509 *x509)
{
    int digest = NID_undef;

    if (X509_self_signed(x509, 0) == 1) /* nobody verifies the signature of what he trusts */
        return false;
    return X509_get_signature_info(x509, &digest, NULL, NULL, NULL) == 1 &&
           (digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1);
}

static bool has_names(const X509 *x509)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;

        found = found || type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return found;
}

static bool issued(X509 *issuer, X509 *x509)
{
    return X509_check_issued(issuer, x509) == X509_V_OK && X509_verify(x509, X509_get0_pubkey(issuer)) == 1;
}

/* ---- the chain ---- */

/* Does this system trust the issuer? */
static bool is_known_here(X509 *x509)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *issuer = NULL;
    bool found = store != NULL && context != NULL && X509_STORE_set_default_paths(store) == 1 &&
                 X509_STORE_CTX_init(context, store, x509, NULL) == 1 &&
                 X509_STORE_CTX_get1_issuer(&issuer, context, x509) == 1;

    X509_free(issuer);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return found;
}

/* 1: the issuer is among them and signed by itself, -1: it is and was signed by another, 0: it is not there. */
static int find_nearby(X509 *x509, char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct certificate *file = certificate_read(paths[i], NULL, NULL), *one;
        int found = 0;

        for (unsigned k = 0; file != NULL && found == 0 && (one = certificate_at(file, k)) != NULL; k++) {
            if (issued(one->x509, x509))
                found = X509_self_signed(one->x509, 0) == 1 ? 1 : -1;
            certificate_free(&one);
        }
        certificate_free(&file);
        if (found != 0)
            return found;
    }
    return 0;
}

/* Authorities for everybody say where the issuer's certificate is to be had, because it is seldom a root. */
static bool points_to_issuer(const X509 *x509)
{
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++)
        found = found || OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access, i)->method) == NID_ad_ca_issuers;
    AUTHORITY_INFO_ACCESS_free(access);
    return found;
}

static void examine_chain(const struct certificate *certificate, char *const *neighbours, size_t n,
                          struct examination *out)
{
    X509 *last = certificate->x509;
    struct sbuf issuer = {0};
    int nearby;

    for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
        X509 *next = sk_X509_value(certificate->chain, i);

        out->weak_signature = out->weak_signature || has_weak_signature(next);
        if (out->misplaced == 0 && !issued(next, last))
            out->misplaced = (unsigned)i + 1;
        last = next;
    }
    if (X509_self_signed(last, 0) == 1 || out->misplaced != 0 || is_known_here(last))
        return;
    nearby = find_nearby(last, neighbours, n);
    out->incomplete = nearby < 0 || (nearby == 0 && points_to_issuer(last));
    if (subject_text(X509_get_issuer_name(last), &issuer, NULL) == 0)
        snprintf(out->issuer, sizeof(out->issuer), "%s", sbuf_text(&issuer));
    sbuf_free(&issuer);
}

void certificate_examine(const struct certificate *certificate, char *const *neighbours, size_t n,
                         struct examination *out)
{
    X509 *x509 = certificate->x509;

    *out = (struct examination){
        .from = time_of(X509_get0_notBefore(x509)),
        .until = time_of(X509_get0_notAfter(x509)),
        .authority = X509_check_ca(x509) == 1,
        .serves = X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0) == 1,
        .self_signed = X509_self_signed(x509, 0) == 1,
        .named = has_names(x509),
        .weak_signature = has_weak_signature(x509),
    };
    examine_chain(certificate, neighbours, n, out);
    ERR_clear_error();
}

bool certificate_is_known(const struct certificate *certificate)
{
    int following = sk_X509_num(certificate->chain);

    return is_known_here(following > 0 ? sk_X509_value(certificate->chain, following - 1) : certificate->x509);
}

struct certificate *certificate_at(const struct certificate *certificate, unsigned i)
{
    X509 *x509 = i == 0 ? certificate->x509 : sk_X509_value(certificate->chain, (int)i - 1);
    struct certificate *one;

    if (x509 == NULL || X509_up_ref(x509) != 1)
        return NULL;
    one = xcalloc(1, sizeof(*one));
    one->x509 = x509;
    return one;
}

/* ---- revocation lists ---- */

static bool is_of(X509_CRL *crl, const struct certificate *authority)
{
    struct certificate *one;
    bool found = false;

    for (unsigned i = 0; !found && (one = certificate_at(authority, i)) != NULL; i++) {
        found = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(one->x509)) == 0 &&
                X509_CRL_verify(crl, X509_get0_pubkey(one->x509)) == 1;
        certificate_free(&one);
    }
    return found;
}

int crl_examine(const char *path, const struct certificate *authority, int64_t *until, unsigned *strangers,
                unsigned *lists, struct err *e)
{
    struct sbuf text = {0};
    X509_CRL *crl;
    BIO *bio = open_text(path, &text, e);

    *until = INT64_MAX;
    *strangers = *lists = 0;
    if (bio == NULL)
        return -1;
    while ((crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL)) != NULL) {
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

        if (next != NULL && time_of(next) < *until)
            *until = time_of(next);
        *strangers += !is_of(crl, authority);
        (*lists)++;
        X509_CRL_free(crl);
    }
    ERR_clear_error();
    close_text(bio, &text);
    return *lists > 0 ? 0 : err_set(e, ERR_INVALID, "%s: no revocation list in PEM form", path);
}
