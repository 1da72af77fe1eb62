/*
 * PEM texts (RFC 7468) with any number of certificates or revocation lists, and times of certificates.
 *
 * Thread: any; no state but OpenSSL's error queue of the thread, which is left empty.
 */
#ifndef BERTH_NET_PEM_H
#define BERTH_NET_PEM_H

#include <stdint.h>

#include <openssl/x509.h>

#include "registry/base/err.h"
#include "registry/net/file_set.h"

/* All certificates of the file, in its order; the caller frees them with the stack. NULL when there is none, or one
 * that is broken or cut: a file that is being written must not pass for a shorter one. */
STACK_OF(X509) * pem_certificates(const struct file_of_set *file, struct err *e);
/* Likewise for revocation lists (RFC 5280 §5). */
STACK_OF(X509_CRL) * pem_crls(const struct file_of_set *file, struct err *e);

/* "<what> <path>: <OpenSSL's reason>" from the first error in the queue, which is emptied. Returns -1. */
int pem_error(const struct file_of_set *file, struct err *e);

/* Seconds since the Unix epoch; 0 for times before it and times that cannot be read, UINT64_MAX for no time at all. */
uint64_t pem_time_s(const ASN1_TIME *time);

#endif
