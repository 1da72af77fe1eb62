/*
 * X.509 certificates and their keys: made, read, written, checked and described. Only the files certificate_*.c (and
 * probe.c, which talks TLS) know OpenSSL's X509.
 *
 * What is made pleases strict verifiers (RFC 5280): version 3, serial numbers of 128 random bits, key usage and basic
 * constraints critical, key identifiers of subject and issuer, UTF8String names, SHA-256. Validity starts five minutes
 * ago, for clients whose clock is behind. What is read is hostile: a regular file of at most 1 MiB, at most CERTIFICATES_MAX in it.
 *
 * Thread: any; a struct certificate belongs to one.
 */
#ifndef BERTH_TOOLS_CERTIFICATE_CERTIFICATE_H
#define BERTH_TOOLS_CERTIFICATE_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "tools/facts.h"
#include "tools/hosts.h"

enum { CERTIFICATES_MAX = 20, SERIAL_TEXT_ROOM = 64, COMMON_NAME_MAX = 64 /* bytes: RFC 5280, appendix A */ };

/* A certificate, its private key unless it was read without, and the certificates that followed it in its file. One
 * that was made by key_make() or key_read() is a key alone. */
struct certificate;

void certificate_free(struct certificate **certificate);

/* --- keys (certificate_key.c) --- */

enum key_kind { KEY_EC_P256, KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096 };

/* "ec", "rsa" (3072 bits), "rsa-2048", "rsa-3072", "rsa-4096". */
int key_kind_parse(const char *text, enum key_kind *out, struct err *e);

/* Where the passphrase of an encrypted key comes from. `get` fills `out` (`room` bytes) and `*n`; it is called only
 * when the key in `path` is encrypted. */
struct passphrase {
    int (*get)(void *context, const char *path, char *out, size_t room, size_t *n, struct err *e);
    void *context;
};

struct certificate *key_make(enum key_kind kind, struct err *e);
/* Read a private key in PEM form. An encrypted one is refused when `passphrase` is NULL: ERR_DENIED. */
struct certificate *key_read(const char *path, const struct passphrase *passphrase, struct err *e);
/* Append the private key as PEM: PKCS #8, encrypted (PBES2, PBKDF2 of 600,000 rounds, AES-256) when `passphrase` is not
 * NULL. The caller wipes the buffer. */
int certificate_put_key(const struct certificate *certificate, const char *passphrase, struct sbuf *out, struct err *e);
/* Append key, certificate and the authority's certificate as PKCS #12, for browsers and key stores. */
int certificate_put_pkcs12(const struct certificate *certificate, const struct certificate *authority,
                           const char *password, struct sbuf *out, struct err *e);

/* --- made (certificate_make.c) --- */

/* A self-signed authority that may sign servers and clients but no further authorities. */
struct certificate *certificate_make_authority(const char *common_name, enum key_kind kind, unsigned days,
                                               struct err *e);
/* A server's certificate for all of `hosts`, signed by `authority`; it ends no later than the authority does.
 * ERR_INVALID when the authority has expired. */
struct certificate *certificate_make_server(const struct certificate *authority, const struct hosts *hosts,
                                            enum key_kind kind, unsigned days, struct err *e);
/* A client's, for the user (its common name) and further `names`, which may be none. */
struct certificate *certificate_make_client(const struct certificate *authority, const char *user,
                                            const struct hosts *names, enum key_kind kind, unsigned days,
                                            struct err *e);
/* `old` once more, with the same subject, names and uses and a new validity: `days`, or as long as before if 0. The key
 * is the old one, or a new one of its kind if `new_key`. */
struct certificate *certificate_make_again(const struct certificate *authority, const struct certificate *old,
                                           unsigned days, bool new_key, struct err *e);

/* --- read and written (certificate_read.c) --- */

/* Read the certificates of a PEM (or DER) file and, unless `key_path` is NULL, the private key that belongs to the
 * first. Errors name the file. ERR_DENIED when the key is encrypted and `passphrase` NULL. */
struct certificate *certificate_read_with(const char *path, const char *key_path, const struct passphrase *passphrase,
                                          struct err *e);
/* The same without a passphrase. */
struct certificate *certificate_read(const char *path, const char *key_path, struct err *e);
/* What an authority sent for `key`: the certificate that belongs to it, found among all in the files, then its issuers
 * in order as far as they are there. ERR_INVALID when none belongs to the key. `*strangers` counts those that were left
 * out. Certificates may come as PEM, DER or PKCS #7. */
struct certificate *certificate_read_answer(const struct certificate *key, char *const *paths, size_t n,
                                            size_t *strangers, struct err *e);
/* Append the certificate as PEM. */
int certificate_put(const struct certificate *certificate, struct sbuf *out, struct err *e);
/* Append those that follow it. */
int certificate_put_chain(const struct certificate *certificate, struct sbuf *out, struct err *e);
bool certificate_has_chain(const struct certificate *certificate);

/* --- requests (certificate_request.c) --- */

/* Who asks: NULL or "" leaves a part out. */
struct subject {
    const char *common_name, *country, *state, *locality, *organisation, *unit, *email;
};

/* Does it keep to the limits of RFC 5280, appendix A? ERR_INVALID says which part does not. */
int subject_check(const struct subject *subject, struct err *e);
/* Append a signing request (PKCS #10, RFC 2986) for a server, signed by its key, as PEM. */
int request_put(const struct certificate *key, const struct subject *subject, const struct hosts *hosts,
                struct sbuf *out, struct err *e);
/* What the request in `path` asks for, into `hosts`. */
int request_hosts(const char *path, struct hosts *hosts, struct err *e);

/* --- revocation lists (certificate_crl.c) --- */

struct revocation {
    char serial[SERIAL_TEXT_ROOM]; /* hexadecimal */
    int64_t when;                  /* seconds since the epoch */
    const char *reason;            /* one that crl_reason() knows, or "" */
};

/* The number of the list in `path` (§5.2.3), 0 when it has none. ERR_NOT_FOUND, ERR_INVALID. */
int crl_number(const char *path, uint64_t *number, struct err *e);
/* The name of a reason as RFC 5280 §5.3.1 spells it, whatever the case it came in. ERR_INVALID lists them. */
int crl_reason(const char *text, const char **out, struct err *e);
/* Append a list (version 2) as PEM. It is due for replacement after `days`; 0: when the authority ends. */
int crl_put(const struct certificate *authority, const struct revocation *items, size_t n, uint64_t number,
            unsigned days, struct sbuf *out, struct err *e);

/* --- checked (certificate_check.c) --- */

/* Is it good for `host` for another `days` days? ERR_INVALID says why not. */
int certificate_covers(const struct certificate *certificate, const struct host *host, unsigned days, struct err *e);
/* May a TLS server use it? */
int certificate_serves(const struct certificate *certificate, struct err *e);
/* May it sign others: basic constraints and key usage of an authority (RFC 5280 §4.2.1.9)? */
int certificate_signs(const struct certificate *certificate, struct err *e);
/* Is its key one that clients accept: 112 bits of strength, which RSA has from 2048 bits on? */
int certificate_check_strength(const struct certificate *certificate, struct err *e);
/* Was it signed by `authority`? */
int certificate_signed_by(const struct certificate *certificate, const struct certificate *authority, struct err *e);
/* Whole days until its end; negative when it has expired. */
int certificate_days_left(const struct certificate *certificate);

/* --- examined (certificate_examine.c) --- */

/* What its holder should know before his clients tell him. */
struct examination {
    int64_t from, until; /* seconds since the epoch */
    bool authority;      /* it may sign others */
    bool serves;         /* its key usages allow TLS servers */
    bool self_signed;
    bool named;             /* for any host: names of the subject count no more (RFC 9525) */
    bool weak_signature;    /* it, or one that follows it, is signed over MD5 or SHA-1 */
    unsigned misplaced;     /* the first, from 1, of those that follow it that did not sign the one before; 0: none */
    bool incomplete;        /* the last in the file was issued by one that clients do not have */
    char issuer[HOST_ROOM]; /* of that one, printable */
};

/* Clients are taken to have what this system trusts, and self-signed authorities in the files of `neighbours`, which
 * need not exist. Blocks. */
void certificate_examine(const struct certificate *certificate, char *const *neighbours, size_t n,
                         struct examination *out);
/* Does this system trust who issued the last in the file? */
bool certificate_is_known(const struct certificate *certificate);
/* One of those that follow, from 1, alone and without a key; 0 is the first itself. NULL past the last. The caller frees
 * it. */
struct certificate *certificate_at(const struct certificate *certificate, unsigned i);

/* What is wrong with the revocation lists in the PEM file `path`, of which each is to be of one of the authorities in
 * `authority` and those that follow it: `*until` is the earliest next update (INT64_MAX: none says), `*strangers` how
 * many are of nobody there. ERR_INVALID when there is no list, ERR_NOT_FOUND, ERR_DENIED. */
int crl_examine(const char *path, const struct certificate *authority, int64_t *until, unsigned *strangers,
                unsigned *lists, struct err *e);

/* What a list of certificates says of one. */
struct summary {
    char serial[SERIAL_TEXT_ROOM]; /* lower-case hexadecimal without leading zeros */
    const char *kind;              /* "authority", "server", "client", "other" */
    int64_t from, until;           /* seconds since the epoch */
    char name[HOST_ROOM];          /* common name, else the first host; printable */
};

/* ERR_INVALID when its serial number is none: not positive, or too long (RFC 5280 §4.1.2.2). */
int certificate_summarize(const struct certificate *certificate, struct summary *out, struct err *e);

/* --- described (certificate_describe.c) --- */

/* Subject, issuer, validity, names, fingerprint and so on; those that follow it as "chain". */
int certificate_describe(const struct certificate *certificate, struct facts *facts, struct err *e);
/* Whatever is in the file: certificates, a key (described without its secret parts), a request or a revocation list. */
int certificate_describe_file(const char *path, const struct passphrase *passphrase, struct facts *facts,
                              struct err *e);

#endif
