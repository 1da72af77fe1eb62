#include "registry/net/crl_scope.h"

#include <stdbool.h>
#include <stddef.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

static const char *refuse_point(const ISSUING_DIST_POINT *point)
{
    if (point->indirectCRL > 0)
        return "holds certificates of other issuers (indirectCRL)";
    if (point->onlysomereasons != NULL)
        return "holds what was revoked for some reasons only (onlySomeReasons)";
    if (point->onlyuser > 0)
        return "holds no authorities (onlyContainsUserCerts)";
    if (point->onlyCA > 0)
        return "holds authorities only (onlyContainsCACerts)";
    if (point->onlyattr > 0)
        return "holds attribute certificates only (onlyContainsAttributeCerts)";
    return NULL;
}

static const char *refuse_distribution(X509_CRL *crl)
{
    int found = 0; /* -1: there is no such extension; -2: several */
    ISSUING_DIST_POINT *point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &found, NULL);
    const char *why = NULL;

    if (point != NULL)
        why = refuse_point(point);
    else if (found != -1)
        why = "says in a way that cannot be read what it holds (issuingDistributionPoint)";
    ISSUING_DIST_POINT_free(point);
    ERR_clear_error();
    return why;
}

/* RFC 5280 §5.2: a list with a critical extension that is not understood must not be used. */
static bool has_unknown(const X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

        if (X509_EXTENSION_get_critical(extension) && nid != NID_issuing_distribution_point &&
            nid != NID_authority_key_identifier)
            return true;
    }
    return false;
}

/* §5.3: the same of one entry. An entry that names its issuer (§5.3.3) names that of all entries behind it as well. */
static const char *refuse_entry(const X509_REVOKED *entry)
{
    if (X509_REVOKED_get_ext_by_NID(entry, NID_certificate_issuer, -1) >= 0)
        return "holds certificates of other issuers (certificateIssuer)";
    if (X509_REVOKED_get_ext_by_critical(entry, 1, -1) >= 0)
        return "has an entry with a critical extension that is not known here";
    return NULL;
}

const char *crl_scope_refuse(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    const char *why = refuse_distribution(crl);

    if (why == NULL && X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
        why = "holds changes to another list only (delta CRL)";
    if (why == NULL && has_unknown(crl))
        why = "has a critical extension that is not known here";
    for (int i = 0; why == NULL && i < sk_X509_REVOKED_num(entries); i++)
        why = refuse_entry(sk_X509_REVOKED_value(entries, i));
    return why;
}
