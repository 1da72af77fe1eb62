/*
 * Which user a certificate names (access.certificates.name).
 *
 * Thread: any; no state.
 */
#ifndef BERTH_NET_CERTIFICATE_NAME_H
#define BERTH_NET_CERTIFICATE_NAME_H

#include <openssl/x509.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "registry/config/config.h"

/* The name as UTF-8: the subject's CN when it has exactly one, or the first subject alternative name (RFC 5280
 * §4.2.1.6) of the kind asked for. ERR_NOT_FOUND when there is none; ERR_INVALID when there are several CNs, or when it
 * cannot be a user's name (htpasswd_check_name; a URI may have colons), so that no name can pass for another. `out` is
 * replaced. */
int certificate_name(const X509 *certificate, enum config_certificate_name kind, struct sbuf *out, struct err *e);

#endif
