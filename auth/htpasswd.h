/*
 * The user file: "name:hash" lines, read strictly into a table that never changes afterwards.
 *
 * Blank lines and lines that start with "#" are allowed, as are blanks around a line and CR LF. Everything else must be
 * a well-formed name, one colon and a hash that auth/password.h accepts; a name may occur once.
 *
 * Thread: a table may be read by any number of threads; whoever shares it decides when it is freed.
 */
#ifndef BERTH_AUTH_HTPASSWD_H
#define BERTH_AUTH_HTPASSWD_H

#include <stddef.h>

#include "auth/siphash.h"
#include "registry/base/err.h"
#include "registry/base/str.h"

enum {
    HTPASSWD_NAME_MAX = 255,      /* bytes */
    HTPASSWD_FILE_MAX = 16 << 20, /* bytes of a user file: a quarter of a million users */
};

struct htpasswd;

/* Both strings belong to the table. */
struct htpasswd_entry {
    struct str name;
    struct str hash;
    unsigned line; /* counted from 1 */
};

/* Read `text`, which is copied. Errors read "SOURCE:LINE: what is wrong; what to do", or "SOURCE:LINE: user NAME: …".
 * The caller frees the table. */
struct htpasswd *htpasswd_parse(const char *source, struct str text, struct err *e);
void htpasswd_free(struct htpasswd **table);

/* NULL when there is no such user. */
const struct htpasswd_entry *htpasswd_find(const struct htpasswd *table, struct str name);
/* An entry to stand in for a user who does not exist: any of them, each as likely, and in one table the same one for
 * a name every time. So names that do not exist cost what those that do cost, also where the costs differ. NULL in an empty table. */
const struct htpasswd_entry *htpasswd_stand_in(const struct htpasswd *table, const uint8_t key[SIPHASH_KEY_SIZE],
                                               struct str name);

/* Can this be a user's name? 1 to 255 bytes, no colon (RFC 7617 §2), no control characters, no blank at either end, and
 * no "#" in front, which would make the line a comment. */
int htpasswd_check_name(struct str name, struct err *e);

/* One line of a user file: its name and its hash, trimmed, neither of them checked. False for blank lines, comments,
 * and lines without a colon. */
bool htpasswd_split(struct str line, struct str *name, struct str *hash);

#endif
