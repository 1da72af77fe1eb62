#include "registry/net/trust.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/net/crl_scope.h"
#include "registry/net/pem.h"

enum {
    NAMES_BYTES_MAX = 32 * 1024, /* of a CertificateRequest, which holds 64 KiB in all (RFC 8446 §4.2.4) */
    SECURITY_LEVEL = 2,          /* of keys and signatures: 112 bits, OpenSSL's own default in Debian */
};

struct trust {
    atomic_uint references;
    X509_STORE *store;
    STACK_OF(X509) * authorities;
    STACK_OF(X509_CRL) * crls;
};

/* ---- what OpenSSL is asked ---- */

/* Is there a list of that very authority? Of another one of the same name does not count. */
static bool has_crl(const struct trust *trust, const X509 *authority)
{
    EVP_PKEY *key = X509_get0_pubkey(authority);
    bool found = false;

    for (int i = 0; key != NULL && !found && i < sk_X509_CRL_num(trust->crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(trust->crls, i);

        found = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(authority)) == 0 &&
                X509_CRL_verify(crl, key) == 1;
    }
    ERR_clear_error();
    return found;
}

/* Is there really no list of who issued the certificate in question? OpenSSL does not find one that it cannot use,
 * either. Who issued the authority that the chain ends with is itself, or not known and of no account. */
static bool lacks_crl(X509_STORE_CTX *verification)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(verification);
    int depth = X509_STORE_CTX_get_error_depth(verification), last = sk_X509_num(chain) - 1;
    const X509 *issuer = sk_X509_value(chain, depth < last ? depth + 1 : last);

    return X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain, depth)), X509_get_subject_name(issuer)) != 0 ||
           !has_crl(X509_STORE_CTX_get_app_data(verification), issuer);
}

/* Missing and late lists are forgiven: trust.h says why. */
static int forgive(int ok, X509_STORE_CTX *verification)
{
    switch (X509_STORE_CTX_get_error(verification)) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        if (!lacks_crl(verification))
            return ok;
        X509_STORE_CTX_set_error(verification, X509_V_OK);
        return 1;
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
        X509_STORE_CTX_set_error(verification, X509_V_OK);
        return 1;
    default:
        return ok;
    }
}

static const char *reason_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_REVOKED:
        return "revoked";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return "not to be looked up in the revocation list of its authority";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "not valid yet";
    case X509_V_ERR_INVALID_PURPOSE:
        return "not for client authentication";
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "bound to other addresses";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return "of an unknown authority";
    default:
        return X509_verify_cert_error_string(error);
    }
}

/* OpenSSL takes a certificate without extended key usage as good for everything; here it is good for nothing. */
static int check_usage(X509 *leaf)
{
    bool stated = (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0;

    return stated && (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) != 0 ? X509_V_OK : X509_V_ERR_INVALID_PURPOSE;
}

static void address_of(const ASN1_OCTET_STRING *bytes, struct network_address *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    *out = (struct network_address){0};
    if (ASN1_STRING_length(bytes) == sizeof(v4.sin_addr)) {
        memcpy(&v4.sin_addr, ASN1_STRING_get0_data(bytes), sizeof(v4.sin_addr));
        network_address_of((const struct sockaddr *)&v4, out);
    } else if (ASN1_STRING_length(bytes) == sizeof(v6.sin6_addr)) {
        memcpy(&v6.sin6_addr, ASN1_STRING_get0_data(bytes), sizeof(v6.sin6_addr));
        network_address_of((const struct sockaddr *)&v6, out);
    }
}

/* A certificate with addresses is good from those; a client whose address is not known comes from none of them. */
static int check_address(X509 *leaf, const struct network_address *from)
{
    int found = 0; /* -1: there are no alternative names; -2: several extensions */
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &found, NULL);
    bool bound = names == NULL && found != -1; /* unreadable: to what, nobody knows */
    bool matches = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct network_address address;

        if (name->type != GEN_IPADD)
            continue;
        bound = true;
        address_of(name->d.iPAddress, &address);
        matches = matches || network_address_equal(&address, from);
    }
    GENERAL_NAMES_free(names);
    return bound && !matches ? X509_V_ERR_IP_ADDRESS_MISMATCH : X509_V_OK;
}

/* ---- verifying ---- */

static X509_STORE_CTX *begin(const struct trust *trust, X509 *leaf, STACK_OF(X509) * sent, uint64_t now_s)
{
    X509_STORE_CTX *verification = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *how;
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN; /* an intermediate authority may be all that is trusted */

    if (verification == NULL || X509_STORE_CTX_init(verification, trust->store, leaf, sent) != 1 ||
        X509_STORE_CTX_set_purpose(verification, X509_PURPOSE_SSL_CLIENT) != 1)
        abort();
    if (sk_X509_CRL_num(trust->crls) > 0)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    how = X509_STORE_CTX_get0_param(verification);
    X509_VERIFY_PARAM_set_flags(how, flags);
    X509_VERIFY_PARAM_set_auth_level(how, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_time(how, (time_t)now_s);
    X509_STORE_CTX_set_verify_cb(verification, forgive);
    if (X509_STORE_CTX_set_app_data(verification, (void *)(uintptr_t)trust) != 1)
        abort();
    return verification;
}

static void put_der(struct sbuf *out, const X509 *certificate)
{
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);

    if (n < 0)
        abort();
    sbuf_put(out, der, (size_t)n);
    OPENSSL_free(der);
}

static uint64_t earlier(uint64_t seconds, const ASN1_TIME *other)
{
    uint64_t other_s = pem_time_s(other);

    return other_s < seconds ? other_s : seconds;
}

/* A chain stops at the first certificate that is trusted: all before that came from the client. */
static void keep_chain(STACK_OF(X509) * chain, struct verdict_of_trust *out)
{
    int n = sk_X509_num(chain);

    out->end_s = UINT64_MAX;
    for (int i = 0; i < n; i++) {
        out->end_s = earlier(out->end_s, X509_get0_notAfter(sk_X509_value(chain, i)));
        if (i == 0 || i + 1 < n)
            put_der(&out->chain, sk_X509_value(chain, i));
        if (i == 0)
            out->leaf_bytes = out->chain.n;
    }
}

void trust_verify(const struct trust *trust, X509 *leaf, STACK_OF(X509) * sent, const struct network_address *from,
                  uint64_t now_s, struct verdict_of_trust *out)
{
    X509_STORE_CTX *verification = begin(trust, leaf, sent, now_s);

    *out = (struct verdict_of_trust){.error = X509_V_OK};
    if (X509_verify_cert(verification) != 1) {
        out->error = X509_STORE_CTX_get_error(verification);
        out->error = out->error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : out->error;
    }
    if (out->error == X509_V_OK)
        out->error = check_usage(leaf);
    if (out->error == X509_V_OK)
        out->error = check_address(leaf, from);
    if (out->error == X509_V_OK)
        keep_chain(X509_STORE_CTX_get0_chain(verification), out);
    out->reason = reason_of(out->error);
    X509_STORE_CTX_free(verification);
    ERR_clear_error();
}

/* ---- reading the files ---- */

static void name_text(const X509_NAME *name, char text[128])
{
    X509_NAME_oneline(name, text, 128);
}

static int add_authorities(struct trust *trust, const struct file_of_set *file, struct err *e)
{
    STACK_OF(X509) *found = pem_certificates(file, e);
    X509 *one;

    if (found == NULL)
        return -1;
    while ((one = sk_X509_shift(found)) != NULL) {
        if (X509_STORE_add_cert(trust->store, one) != 1 || sk_X509_push(trust->authorities, one) == 0)
            abort();
    }
    sk_X509_free(found);
    return 0;
}

/* A list of an authority that we know must be signed by it; one of an intermediate that clients send is checked when
 * one does. */
static int check_signature(const struct trust *trust, X509_CRL *crl, const struct file_of_set *file, struct err *e)
{
    bool known = false;
    char issuer[128];

    for (int i = 0; i < sk_X509_num(trust->authorities); i++) {
        X509 *authority = sk_X509_value(trust->authorities, i);
        EVP_PKEY *key = X509_get0_pubkey(authority);

        if (X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(crl)) != 0)
            continue;
        if (key != NULL && X509_CRL_verify(crl, key) == 1)
            return 0;
        known = true;
    }
    ERR_clear_error();
    name_text(X509_CRL_get_issuer(crl), issuer);
    if (known)
        return err_set(e, ERR_INVALID, "%s %s: the revocation list of %s is not signed by that authority", file->key,
                       file->path, issuer);
    return 0;
}

static int check_scope(X509_CRL *crl, const struct file_of_set *file, struct err *e)
{
    const char *why = crl_scope_refuse(crl);
    char issuer[128];

    if (why == NULL)
        return 0;
    name_text(X509_CRL_get_issuer(crl), issuer);
    return err_set(e, ERR_INVALID,
                   "%s %s: the revocation list of %s %s; have the authority write one with all that it has revoked",
                   file->key, file->path, issuer, why);
}

static int add_crls(struct trust *trust, const struct file_of_set *file, struct err *e)
{
    STACK_OF(X509_CRL) *found = pem_crls(file, e);
    X509_CRL *one;
    int rc = 0;

    if (found == NULL)
        return -1;
    while (rc == 0 && (one = sk_X509_CRL_shift(found)) != NULL) {
        if (X509_STORE_add_crl(trust->store, one) != 1 || sk_X509_CRL_push(trust->crls, one) == 0)
            abort();
        rc = check_scope(one, file, e) != 0 ? -1 : check_signature(trust, one, file, e);
    }
    sk_X509_CRL_pop_free(found, X509_CRL_free);
    return rc;
}

/* What is not wrong, and may not be meant. */
static void warn(const struct trust *trust)
{
    uint64_t now_s = clock_wall_s();
    char name[128];

    for (int i = 0; i < sk_X509_num(trust->authorities); i++) {
        const X509 *authority = sk_X509_value(trust->authorities, i);

        name_text(X509_get_subject_name(authority), name);
        if (pem_time_s(X509_get0_notAfter(authority)) <= now_s)
            log_warn("http.tls.clientcas: %s has expired: none of its certificates is accepted", name);
        if (sk_X509_CRL_num(trust->crls) > 0 && !has_crl(trust, authority))
            log_warn("http.tls.clientcrls: no list of %s: none of its certificates can be revoked", name);
    }
}

/* The authorities first: lists are checked against them. */
static int add_files(struct trust *trust, const struct file_set *files, const char *key,
                     int (*add)(struct trust *trust, const struct file_of_set *file, struct err *e), struct err *e)
{
    for (size_t i = 0; i < file_set_count(files); i++)
        if (strcmp(file_set_at(files, i)->key, key) == 0 && add(trust, file_set_at(files, i), e) != 0)
            return -1;
    return 0;
}

struct trust *trust_new(const struct file_set *files, struct err *e)
{
    struct trust *trust = xcalloc(1, sizeof(*trust));

    atomic_init(&trust->references, 1);
    trust->store = X509_STORE_new();
    trust->authorities = sk_X509_new_null();
    trust->crls = sk_X509_CRL_new_null();
    if (trust->store == NULL || trust->authorities == NULL || trust->crls == NULL)
        abort();
    if (add_files(trust, files, TRUST_AUTHORITIES, add_authorities, e) != 0 ||
        add_files(trust, files, TRUST_CRLS, add_crls, e) != 0) {
        trust_release(&trust);
        return NULL;
    }
    warn(trust);
    return trust;
}

struct trust *trust_hold(struct trust *trust)
{
    atomic_fetch_add(&trust->references, 1);
    return trust;
}

void trust_release(struct trust **trust)
{
    struct trust *t = *trust;

    *trust = NULL;
    if (t == NULL || atomic_fetch_sub(&t->references, 1) > 1)
        return;
    X509_STORE_free(t->store);
    sk_X509_pop_free(t->authorities, X509_free);
    sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
    free(t);
}

STACK_OF(X509_NAME) * trust_names(const struct trust *trust)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    size_t bytes = 0;

    for (int i = 0; i < sk_X509_num(trust->authorities); i++) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(trust->authorities, i)));

        if (name == NULL || sk_X509_NAME_push(names, name) == 0)
            abort();
        bytes += (size_t)i2d_X509_NAME(name, NULL) + 2;
    }
    if (bytes <= NAMES_BYTES_MAX)
        return names;
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return NULL;
}

uint64_t trust_authorities_end_s(const struct trust *trust)
{
    uint64_t end_s = UINT64_MAX;

    for (int i = 0; i < sk_X509_num(trust->authorities); i++)
        end_s = earlier(end_s, X509_get0_notAfter(sk_X509_value(trust->authorities, i)));
    return end_s;
}

uint64_t trust_crls_due_s(const struct trust *trust)
{
    uint64_t due_s = UINT64_MAX;

    for (int i = 0; i < sk_X509_CRL_num(trust->crls); i++)
        due_s = earlier(due_s, X509_CRL_get0_nextUpdate(sk_X509_CRL_value(trust->crls, i)));
    return due_s;
}
