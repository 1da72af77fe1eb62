/*
 * Editing a user file that servers read and other programs write.
 *
 * An edit holds a lock on "<file>.lock", which stays there, and replaces the file whole, keeping its mode and owner: a
 * server sees the old or the new content. Lines that are not edited stay byte for byte, comments and entries that the
 * server would refuse included, so that one bad entry does not stand in the way of mending it.
 *
 * Thread: one.
 */
#ifndef BERTH_TOOLS_USER_USERFILE_H
#define BERTH_TOOLS_USER_USERFILE_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct userfile;

enum userfile_access {
    USERFILE_READ,   /* must exist, is not locked */
    USERFILE_EDIT,   /* must exist */
    USERFILE_CREATE, /* need not exist; userfile_save() makes it with mode 0600 */
};

struct userfile_user {
    struct str name;
    struct str hash;
};

/* Waits up to ten seconds for the lock, then ERR_BUSY. A missing file is ERR_NOT_FOUND, and so is a symbolic link to
 * nothing; what is not a file, ERR_INVALID. A symbolic link is followed: what it points to is edited. */
struct userfile *userfile_open(const char *path, enum userfile_access access, struct err *e);
/* Gives up what was not saved, and the lock. */
void userfile_close(struct userfile **file);

/* Step through the users in the file's order: start with 0, ends with false. The strings are valid until the next
 * change. */
bool userfile_next(const struct userfile *file, size_t *cursor, struct str *name, struct str *hash);
/* The hash of a user, valid until the next change. False when there is no such user. */
bool userfile_hash(const struct userfile *file, struct str name, struct str *hash);
/* The first line that is neither blank, nor a comment, nor has a colon, counted from 1; 0 when there is none. */
unsigned userfile_stray_line(const struct userfile *file);

/* Give `name` this hash: in place of all its lines, else on a new line at the end. ERR_INVALID for a name that cannot
 * be one. */
int userfile_set(struct userfile *file, struct str name, struct str hash, struct err *e);
/* Take out all lines of `name`. ERR_NOT_FOUND when there is none. */
int userfile_remove(struct userfile *file, struct str name, struct err *e);
/* The same as userfile_set() for each of `users`, which differ in their names, in one pass over the file. */
int userfile_set_all(struct userfile *file, const struct userfile_user *users, size_t n, struct err *e);
/* Call `from` by another name, in place. ERR_NOT_FOUND without `from`, ERR_EXISTS when there is a `to`, ERR_INVALID
 * when that cannot be a name. */
int userfile_rename(struct userfile *file, struct str from, struct str to, struct err *e);
/* Forget all lines. */
void userfile_clear(struct userfile *file);
/* Replace the file durably. ERR_TOO_LARGE when it is more than a server would read, ERR_DENIED when its owner could not
 * stay what it is. */
int userfile_save(struct userfile *file, struct err *e);

/* What the server would say of the file: -1 with an error as of htpasswd_parse() when it would refuse it. */
int userfile_check(const struct userfile *file, struct err *e);

#endif
