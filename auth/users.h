/*
 * Who is this? User names and passwords against an htpasswd file that may change at any time.
 *
 * The file is looked at again when its identity, size or time changes; a malformed or vanished one keeps the entries
 * known before and is logged (never fail open). A verified pair is remembered under a keyed digest until it expires or
 * the user's entry changes, so that a password costs one hash, not one per request. An unknown user costs what
 * a wrong password of a known one costs: which one is drawn by the unknown name, and stays the same while the file
 * does.
 *
 * A user who has shown his password can be given a pass (auth/bearer.h) that stands for it for a few minutes, or until
 * his entry changes.
 *
 * Thread: users_recall(), users_issue() and users_admit() are cheap and never block: event loops. users_verify() hashes
 * for tens of milliseconds: workers only. users_refresh() reads the file: one at a time, and not on a loop. All may run at
 * once.
 */
#ifndef BERTH_AUTH_USERS_H
#define BERTH_AUTH_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/htpasswd.h"
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

/* Counts up with every version of the file that is put in force: what was true of a password at one number is true of
 * it while that number stays. To be asked before the password is. Any thread, without a lock. */
uint64_t users_generation(const struct users *users);

enum verdict users_recall(struct users *users, struct str name, struct str password);
enum verdict users_verify(struct users *users, struct str name, struct str password);

/* Append a pass for `name`, verified a moment ago, to `out`; an empty name makes an anonymous pass. ERR_NOT_FOUND when
 * the user is gone, ERR_INVALID for a lifetime of 0 or over BEARER_LIFETIME_MAX. `now_s` is clock_wall_s(). */
int users_issue(struct users *users, struct str name, uint64_t now_s, uint32_t lifetime_s, struct sbuf *out,
                struct err *e);
/* Is `pass` one that users_issue() gave out, not expired, and its user's entry unchanged since? Then `name` is the
 * user's, terminated, or empty for an anonymous pass; otherwise it is empty, too. */
bool users_admit(struct users *users, struct str pass, uint64_t now_s, char name[HTPASSWD_NAME_MAX + 1]);

#endif
