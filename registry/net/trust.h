/*
 * What client certificates are verified against: authorities and revocation lists, as the files held them once.
 *
 * A certificate is good when its chain ends at one of the authorities (which may be an intermediate one), everything in
 * it is within its time and not revoked, it says itself that it is for client authentication (extended key usage, RFC
 * 5280 §4.2.1.12), and, when it carries IP addresses as alternative names, the client comes from one of them.
 *
 * Revocation: a certificate is looked up in the list of its issuer, for the whole chain. An issuer without a list
 * revokes nothing, and a list past its next update stays in force: either is said in the log, for a late list must not
 * lock everybody out. A list that its authority did not sign, or that does not hold all that it has revoked, is an error.
 * A certificate whose authority has a list that cannot be used for it is refused.
 *
 * Thread: any; a trust never changes and is counted, the last trust_release() frees it.
 */
#ifndef BERTH_NET_TRUST_H
#define BERTH_NET_TRUST_H

#include <stdint.h>

#include <openssl/x509.h>

#include "auth/network.h"
#include "registry/base/err.h"
#include "registry/base/str.h"
#include "registry/net/file_set.h"

struct trust;

/* The keys of the files. */
#define TRUST_AUTHORITIES "http.tls.clientcas"
#define TRUST_CRLS        "http.tls.clientcrls"

/* What became of one certificate. */
struct verdict_of_trust {
    int error;          /* X509_V_OK, or why not, as OpenSSL numbers it: it chooses the alert from that */
    const char *reason; /* for people, "revoked"; constant text */
    uint64_t end_s;     /* good: when the first certificate of the chain ends */
    struct sbuf chain;  /* good: DER of the leaf and what the client sent above it, leaf first, without the authority */
    size_t leaf_bytes;  /* of `chain` */
};

/* From the texts of the files, which are told apart by their keys. Errors name file and remedy. Warnings about
 * authorities and lists are logged. The first reference is the caller's. */
struct trust *trust_new(const struct file_set *files, struct err *e);
struct trust *trust_hold(struct trust *trust);
void trust_release(struct trust **trust);

/* Verify `leaf` with the certificates `sent` along with it (may be NULL), presented by a client at `from` at the time
 * `now_s`. Fills `out`, whose chain is the caller's to free. */
void trust_verify(const struct trust *trust, X509 *leaf, STACK_OF(X509) * sent, const struct network_address *from,
                  uint64_t now_s, struct verdict_of_trust *out);

/* Names of the authorities, for clients to choose a certificate by; the caller's. NULL when there are too many to send.
 */
STACK_OF(X509_NAME) * trust_names(const struct trust *trust);
/* When the first authority ends; UINT64_MAX without one. */
uint64_t trust_authorities_end_s(const struct trust *trust);
/* When the first revocation list is due for renewal; UINT64_MAX when none is. */
uint64_t trust_crls_due_s(const struct trust *trust);

#endif
