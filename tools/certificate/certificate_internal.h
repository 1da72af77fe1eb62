/*
 * What certificate_*.c and probe.c share, in OpenSSL's types.
 */
#ifndef BERTH_TOOLS_CERTIFICATE_CERTIFICATE_INTERNAL_H
#define BERTH_TOOLS_CERTIFICATE_CERTIFICATE_INTERNAL_H

/* libraries */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* tools */
#include "tools/certificate/certificate.h"

enum { PEM_FILE_MAX = 1 << 20 /* bytes */, DAY_S = 24 * 60 * 60, SUBJECT_PART_MAX = 128 /* bytes */ };

struct certificate {
    X509 *x509;             /* NULL: a key alone */
    EVP_PKEY *key;          /* or NULL */
    STACK_OF(X509) * chain; /* what followed in the file; or NULL */
};

/* What OpenSSL says went wrong, behind what we were doing. Empties its queue of errors. Returns -1. */
int openssl_fail(struct err *e, const char *doing);

/* A file of at most PEM_FILE_MAX bytes as a BIO over `text`; both end in close_text(). NULL on failure: then `text` is
 * empty. */
BIO *open_text(const char *path, struct sbuf *text, struct err *e);
/* Free both. The text is wiped. */
void close_text(BIO *bio, struct sbuf *text);
/* Move what was written to `bio` to `out`, and free it. */
int drain(BIO *bio, bool written, struct sbuf *out, struct err *e);
/* A passphrase callback that gives none: a prompt from inside a library would surprise. */
int no_passphrase(char *buffer, int size, int writing, void *context);

/* Seconds since the epoch; INT64_MIN when it is malformed. */
int64_t time_of(const ASN1_TIME *time);
/* Whole days from now until `end`; negative when it is past. */
int days_until(const ASN1_TIME *end);

/* The names as GeneralNames; NULL when out of memory. */
GENERAL_NAMES *names_make(const struct hosts *names);
/* One of them as `struct host` writes it. False for kinds that do not concern us. `*kind` gets its kind. */
bool name_text(const GENERAL_NAME *name, enum host_kind *kind, struct sbuf *out);
/* Add "<label>: <value>" per name; `label` follows its kind: host, email, uri. */
void names_describe(const GENERAL_NAMES *names, struct facts *facts);
/* A subject or issuer on one line. */
int subject_text(const X509_NAME *name, struct sbuf *out, struct err *e);
bool subject_add(X509_NAME *name, const char *part, const char *value);

/* "ec P-256", "rsa 3072". */
void key_text(const EVP_PKEY *key, char *out, size_t room);
/* A key of the same kind as `like`, but RSA of 2048 bits at least; NULL when OpenSSL cannot. */
EVP_PKEY *key_make_like(const EVP_PKEY *like);

/* In lower-case hexadecimal, behind a "-" if it is negative; false when it is longer than any serial number may be. */
bool serial_text(const ASN1_INTEGER *serial, char out[SERIAL_TEXT_ROOM]);
/* Which use is it for? As in struct summary. */
const char *kind_of(X509 *x509);

#endif
