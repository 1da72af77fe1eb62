/*
 * TLS cipher suites: the names of Go's crypto/tls, which configuration files hold, and OpenSSL's.
 * The names are the IANA registry's; TLS 1.3 suites have the same name in both.
 *
 * Thread: any; the tables are constant.
 */
#ifndef BERTH_CONFIG_CIPHERS_H
#define BERTH_CONFIG_CIPHERS_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* OpenSSL's name of a suite, a string that lives for ever. NULL with ERR_INVALID for an unknown name (the text lists
 * what to use instead) and for RC4 and 3DES, which are broken and which OpenSSL 3 no longer builds. */
const char *cipher_from_go(struct str name, struct err *e);

/* Does this OpenSSL name belong in SSL_CTX_set_ciphersuites() (TLS 1.3) rather than in SSL_CTX_set_cipher_list()? */
bool cipher_is_tls13(const char *openssl_name);

#endif
