/*
 * Who is this? User names and passwords against an htpasswd file that may change at any time.
 *
 * The file is looked at again when its identity, size or time changes; a malformed or vanished one keeps the entries
 * known before and is logged (never fail open). A verified pair is remembered under a keyed digest until it expires or
 * the user's entry changes, so that a password costs one hash, not one per request. An unknown user costs the same time
 * as a wrong password.
 *
 * Thread: users_recall() is cheap and never blocks: event loops. users_verify() hashes for tens of milliseconds:
 * workers only. users_refresh() reads the file: housekeeping thread only. All may run at once.
 */
#ifndef BERTH_AUTH_USERS_H
#define BERTH_AUTH_USERS_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct users;

enum verdict {
    VERDICT_YES,
    VERDICT_NO,
    VERDICT_UNKNOWN, /* not remembered: ask users_verify() on a worker */
};

/* Reads the file at `path`. Missing: created (directory 0700, file 0600) with user `docker` and a random password,
 * logged once. ERR_INVALID names file, line and remedy for a malformed entry or a weak scheme (DES crypt, MD5, apr1,
 * SHA-1, plain text). Blocks. */
struct users *users_open(const char *path, struct err *e);
void users_close(struct users **users);

/* Read the file again if it changed, or anyway when `force` is set (SIGHUP). Returns whether new entries are in force.
 */
bool users_refresh(struct users *users, bool force);

enum verdict users_recall(struct users *users, struct str name, struct str password);
enum verdict users_verify(struct users *users, struct str name, struct str password);

#endif
