/*
 * X.509 certificates and their keys: made, read, checked and described. The one file of the tools that knows OpenSSL's
 * X509.
 *
 * Keys are ECDSA P-256. Serial numbers are 128 random bits. Validity starts five minutes ago, for clients whose clock
 * is behind.
 *
 * Thread: any; a struct certificate belongs to one.
 */
#ifndef BERTH_TOOLS_CERTIFICATE_H
#define BERTH_TOOLS_CERTIFICATE_H

#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "tools/hosts.h"

struct certificate; /* a certificate, and its private key unless it was read without */

void certificate_free(struct certificate **certificate);

/* A self-signed authority that may sign servers and clients but no further authorities. */
struct certificate *certificate_make_authority(const char *common_name, unsigned days, struct err *e);
/* A server's certificate for all of `hosts`, signed by `authority`; it ends no later than the authority does.
 * ERR_INVALID when the authority has expired. */
struct certificate *certificate_make_server(const struct certificate *authority, const struct hosts *hosts,
                                            unsigned days, struct err *e);

/* Read the first certificate of a PEM file and, unless `key_path` is NULL, the private key that belongs to it. Errors
 * name the file. */
struct certificate *certificate_read(const char *path, const char *key_path, struct err *e);

/* Append the certificate as PEM. */
int certificate_put(const struct certificate *certificate, struct sbuf *out, struct err *e);
/* Append the private key as PEM (PKCS #8, not encrypted). The caller wipes the buffer. */
int certificate_put_key(const struct certificate *certificate, struct sbuf *out, struct err *e);

/* Append "name: value" lines for people: subject, issuer, validity, hosts, fingerprint. */
int certificate_describe(const struct certificate *certificate, struct sbuf *out, struct err *e);

/* Is it good for `host` for another `days` days? ERR_INVALID says why not. */
int certificate_covers(const struct certificate *certificate, const struct host *host, unsigned days, struct err *e);
/* Was it signed by `authority`? */
int certificate_signed_by(const struct certificate *certificate, const struct certificate *authority, struct err *e);

#endif
