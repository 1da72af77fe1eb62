/*
 * The files of an authority's directory: a certificate and its key, how they are named, written and kept.
 *
 * The server reads both files when one of them changes and keeps what it has when they do not match. So a pair may be
 * replaced one file after the other while it runs; the key comes first, because who finds a new certificate finds its
 * key, too.
 */
#ifndef BERTH_TOOLS_CA_CA_FILES_H
#define BERTH_TOOLS_CA_CA_FILES_H

#include <limits.h>
#include <stdbool.h>

#include "registry/base/err.h"
#include "tools/certificate/certificate.h"

struct ca_pair {
    char certificate[PATH_MAX];
    char key[PATH_MAX];
};

/* DIR/NAME.crt and DIR/NAME.key; a `name` with a slash in it stands for itself, without the directory. */
int ca_pair_name(struct ca_pair *pair, const char *directory, const char *name, struct err *e);
/* The same for a client, as Docker wants them: client.cert and client.key in a directory of its own. */
int ca_pair_name_client(struct ca_pair *pair, const char *directory, struct err *e);
/* The pair that a certificate's file belongs to: its name with the last suffix changed to ".key". ERR_NOT_FOUND when
 * there is no such file. */
int ca_pair_find(struct ca_pair *pair, const char *certificate, struct err *e);

/* The file beside them that has another suffix, as in ".csr". */
int ca_pair_sibling(const struct ca_pair *pair, const char *suffix, char out[PATH_MAX], struct err *e);

/* ERR_INVALID when one of the files is, or would become, the authority's certificate or key, by whatever name. */
int ca_pair_refuse_own(const struct ca_pair *pair, const char *directory, struct err *e);
/* ERR_EXISTS when one of the files is there. */
int ca_pair_refuse_present(const struct ca_pair *pair, struct err *e);
/* Write the key (file_replace_secret(), with a word if its mode was too wide), encrypted if `passphrase` is not NULL, then the certificate (0644), followed by `chain` (or
 * NULL) and what it brought along. */
int ca_pair_write(const struct ca_pair *pair, const struct certificate *made, const struct certificate *chain,
                  const char *passphrase, struct err *e);
/* The certificate only. */
int ca_pair_write_certificate(const struct ca_pair *pair, const struct certificate *made,
                              const struct certificate *chain, struct err *e);
/* The key only. */
int ca_pair_write_key(const struct ca_pair *pair, const struct certificate *made, const char *passphrase,
                      struct err *e);

/* Is it a file's path that somebody gave, not a name? With a slash it is, whatever is there. */
bool ca_is_path(const char *text);

/* Write what only its owner should read, and say so on stderr if others could read it before. */
int ca_file_put_secret(const char *path, const struct sbuf *bytes, struct err *e);
/* Say on stderr what deserves a look, but stops nothing. */
void ca_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Copy a file to "PATH.2026-11-22T101530Z", with its mode; `kept` (may be NULL) gets the name. A file that is not there
 * is no error and leaves `kept` empty. */
int ca_file_keep(const char *path, char kept[PATH_MAX], struct err *e);
/* The same for both files; the copy of the key gets mode 0600. */
int ca_pair_keep(const struct ca_pair *pair, struct ca_pair *kept, struct err *e);

#endif
