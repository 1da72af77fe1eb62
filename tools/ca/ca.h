/*
 * A private certificate authority in a directory:
 *
 *   ca.crt, ca.key                     the authority; its key may be encrypted
 *   NAME.crt, NAME.key                 a server's; the certificate is followed by the authority's. NAME is "server" first
 *   NAME.csr                           a request to an authority elsewhere
 *   clients/USER/client.{cert,key,p12} a client's
 *   issued, issued.lock, crl.pem       what was issued (ca_index.h), and what of it is revoked: nothing, at first
 *
 * Keys are made with mode 0600. The authority's own files are replaced by ca_init() only. Functions return -1 and say why: ERR_EXISTS when something would be overwritten,
 * ERR_NOT_FOUND when a file or the authority is missing, ERR_DENIED for a passphrase that is wrong or missing,
 * ERR_INVALID for what breaks a rule.
 *
 * Thread: one; other processes are kept out by the directory's lock.
 */
#ifndef BERTH_TOOLS_CA_CA_H
#define BERTH_TOOLS_CA_CA_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "tools/ca/ca_files.h"
#include "tools/ca/ca_index.h"
#include "tools/hosts.h"

enum {
    CA_DAYS_DEFAULT = 3650,
    CA_DAYS_MAX = 10950,
    CA_SERVER_DAYS_DEFAULT = 825,
    CA_SERVER_DAYS_MAX = 825, /* clients on Apple's systems refuse what is valid longer */
    CA_CLIENT_DAYS_DEFAULT = 397,
    CA_DAYS_LEFT_DEFAULT = 30,
};

struct ca {
    const char *directory;
    const struct passphrase *passphrase; /* asked when the authority's key is encrypted; NULL: it must not be */
};

/* How a certificate is to be made. */
struct ca_order {
    enum key_kind key;
    unsigned days;
    bool force;      /* replace what is there */
    const char *out; /* server: a name or a path without suffix; client: a directory; NULL: the usual place */
};

/* Make the authority, and the directory (0700) if need be, its key encrypted unless `passphrase` is NULL. With
 * `order->force`, what the authority before it issued and revoked is kept under a dated name. */
int ca_init(const struct ca *ca, const char *common_name, const struct ca_order *order, const char *passphrase,
            struct err *e);
/* Read ca.crt, which must be an authority's, and ca.key; says on stderr when others than its owner can read that. NULL
 * on failure. */
struct certificate *ca_authority(const struct ca *ca, struct err *e);

/* Issue a server's certificate; `pair` gets the names of its files. */
int ca_issue_server(const struct ca *ca, const struct hosts *hosts, const struct ca_order *order, struct ca_pair *pair,
                    struct err *e);
/* Can it be a user's name in a certificate, and of a directory? ERR_INVALID says why not. */
int ca_check_user(const char *user, struct err *e);
/* Issue a client's, bound to the addresses among `names` if there are any: the server accepts it only from these. With
 * `p12_password`, client.p12 (0600) is written, too. */
int ca_issue_client(const struct ca *ca, const char *user, const struct hosts *names, const struct ca_order *order,
                    const char *p12_password, struct ca_pair *pair, struct err *e);

/* --- an authority elsewhere (ca_request.c) --- */

/* Write NAME.csr for `hosts`, with NAME.key if that is there already (`*made_key` false), else with a new one. */
int ca_request(const struct ca *ca, const struct subject *subject, const struct hosts *hosts,
               const struct ca_order *order, struct ca_pair *pair, bool *made_key, struct err *e);
/* Take the answer to NAME.csr: check that it belongs to NAME.key and covers the hosts that were asked for, and write
 * NAME.crt, issuers behind it in order. A certificate that was there is kept under a dated name. `*strangers` gets the
 * number of certificates in the files that belong to no chain. */
int ca_import(const struct ca *ca, const struct ca_order *order, char *const *paths, size_t n, struct ca_pair *pair,
              size_t *strangers, struct err *e);

/* --- again (ca_renew.c) --- */

struct ca_renewal {
    unsigned days_left; /* renew when fewer are left */
    unsigned days;      /* 0: as long as before */
    bool new_key;
};

struct ca_renewed {
    bool done;                 /* false: it is good for `days_left` days, and nothing was done */
    int days_left;             /* of the certificate that is there now */
    struct ca_pair pair, kept; /* the files, and where copies of those from before are */
    bool stale_p12;            /* a client.p12 beside it holds the certificate from before */
};

/* Renew a server's or client's certificate by the name that its files have in the directory, else the one in a file of
 * that path. Its subject, names, uses and kind of key
 * stay. The key stays, too, unless `new_key`: then a single file is replaced and no reader can meet half a pair. */
int ca_renew(const struct ca *ca, const char *what, const struct ca_renewal *how, struct ca_renewed *out,
             struct err *e);

/* --- taken back (ca_revoke.c) --- */

/* Revoke all certificates that are valid under a name, else one given by its file or its serial number (hexadecimal,
 * colons allowed). Writes crl.pem. `*count` gets how many were revoked now; 0: they were already. */
int ca_revoke(const struct ca *ca, const char *what, const char *reason, unsigned days, size_t *count, struct err *e);
/* Write crl.pem anew, good for `days`, or until the authority ends if 0. ERR_INVALID when the index is older than the
 * list that is there, and so would bring back what is revoked. */
int ca_write_crl(const struct ca *ca, unsigned days, struct err *e);
/* The same for an index that is open for editing. */
int ca_put_crl(const struct ca *ca, const struct certificate *authority, struct ca_index *index, unsigned days,
               struct err *e);

/* Is the certificate in `path` good for all of `hosts` for another `days` days and, unless `directory` is NULL, from
 * the authority there? ERR_INVALID says why not, ERR_NOT_FOUND that a file is missing. */
int ca_check(const char *path, const char *directory, const struct hosts *hosts, unsigned days, struct err *e);

#endif
