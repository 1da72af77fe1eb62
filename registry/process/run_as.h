/*
 * `berth serve --user NAME[:GROUP]`: from root to a user of its own, for good.
 *
 * Likewise for root's commands in the data directory of another user.
 *
 * Thread: main, before any other is started, after ports are bound and before any file is made.
 */
#ifndef BERTH_PROCESS_RUN_AS_H
#define BERTH_PROCESS_RUN_AS_H

#include <stdbool.h>
#include <sys/types.h>

#include "registry/base/err.h"
#include "registry/config/config.h"

struct run_as {
    char name[64];
    char group[64];
    uid_t uid;
    gid_t gid;
    bool of_image; /* named by BERTH_USER, not by --user (image_user.h) */
};

/* Look up "NAME", "NAME:GROUP", or numbers in their place. ERR_NOT_FOUND for one that is not there, ERR_INVALID for
 * root: the texts say what to do. */
int run_as_find(const char *text, struct run_as *out, struct err *e);
/* Become that user, with his groups and no capabilities. ERR_DENIED unless we are root, or he already. */
int run_as_become(const struct run_as *user, struct err *e);
/* The same for root, with his capabilities: they are permitted, and none is in use (harden.h). */
int run_as_become_keeping(const struct run_as *user, struct err *e);
/* For commands of root in what belongs to somebody else: become that user, with his groups, and keep of root's rights
 * only that of reading (CAP_DAC_READ_SEARCH, where root has it): his own directory may lie below one that is closed to
 * him; and, if it `takes_files`, that of linking files of others (CAP_FOWNER). Who that is comes into `owner`, also with an error. Call it as root, who is not him. */
int run_as_owner(uid_t uid, gid_t gid, bool takes_files, struct run_as *owner, struct err *e);
/* Can the user we are now work with what is configured? ERR_DENIED names the first file or directory that he cannot use
 * and the line that lets him. What does not exist is no business of this. */
int run_as_check(const struct run_as *user, const struct config *config, struct err *e);
/* The two halves of it: the data directory, and the other files. */
int run_as_check_data(const struct run_as *user, const char *root, struct err *e);
int run_as_check_files(const struct run_as *user, const struct config *config, struct err *e);

#endif
