/*
 * BERTH_USER: whom root of a container becomes before it serves. The image sets it to "berth".
 *
 * People mount what belongs to root: keys with mode 0600, an empty directory for the data, a directory where a user file
 * is to be made. So this is --user with two additions. A data directory of root's is given to the user (adopt.h). And of
 * root's capabilities the least stays with which he can use what is configured, tried in this order:
 *
 *   none                  where he may read it all by himself
 *   CAP_DAC_READ_SEARCH   to read files of others
 *   CAP_DAC_OVERRIDE      the same where the first is not to be had, which container runtimes leave out by default
 *
 * While a tree of distribution's is taken over (inherit.h) the right to read it stays anyhow, and CAP_FOWNER: only an owner
 * may make hard links to files (Linux, fs.protected_hardlinks).
 *
 * Thread: as run_as.h.
 */
#ifndef BERTH_PROCESS_IMAGE_USER_H
#define BERTH_PROCESS_IMAGE_USER_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/config/config.h"
#include "registry/process/run_as.h"

/* Whom BERTH_USER names, into `user`; *out points to it. NULL when it names nobody, or we are not root: then the
 * container was started as somebody already. Errors as of run_as_find(). */
int image_user_find(struct run_as *user, const struct run_as **out, struct err *e);
/* Become him for good; `inherits`: something is going to be taken over. The error says what the container lacks. */
int image_user_become(const struct run_as *user, const struct config *config, bool inherits, struct err *e);
/* After that, nothing is left to take over. */
int image_user_settle(const struct run_as *user, const struct config *config, struct err *e);

#endif
