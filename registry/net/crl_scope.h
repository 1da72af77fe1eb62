/*
 * Which revocation lists can be used: those that list every certificate that their issuer has revoked.
 *
 * RFC 5280 §5.2 lets a list hold a part only: those revoked since another list, or for some reasons, or those of other
 * issuers. OpenSSL passes such lists over as if they were not there, and then revokes nothing; so they are refused when
 * they are read. A list with a distribution point only (§5.2.5) is used for the certificates that name that point.
 *
 * Thread: any; no state.
 */
#ifndef BERTH_NET_CRL_SCOPE_H
#define BERTH_NET_CRL_SCOPE_H

#include <openssl/x509.h>

/* Why the list cannot be used, as in "the list …"; NULL when it can. Constant text. */
const char *crl_scope_refuse(X509_CRL *crl);

#endif
