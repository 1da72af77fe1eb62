/*
 * A start in the place of another registry: the configured directory holds what the CNCF distribution registry has
 * stored, and nothing of ours yet. Then it is taken over (storage/distribution/inplace.h) before anybody listens, by hard
 * links and without reading all blobs: they are the same files, and the scrubber reads them in time. Killed, it is taken
 * up again by the next start.
 *
 * Thread: main, before any other is started. The store is opened for it and closed again: what runs with the rights that
 * it takes (CAP_FOWNER for files of others) ends before the server begins.
 */
#ifndef BERTH_PROCESS_INHERIT_H
#define BERTH_PROCESS_INHERIT_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/config/config.h"
#include "registry/process/run_as.h"

/* Is there something to take over? Says in the log what is there besides. ERR_DENIED: there is, and the registry is
 * read-only. */
int inherit_look(const struct config *config, bool *wanted, struct err *e);
/* The rights that it takes, of those that we have: to read and link files of others. harden_capabilities() follows. */
int inherit_rights(struct err *e);
/* As run_as_become() and run_as_check(), but the directory itself, not what is in it, is given to `user` when it is root's
 * (adopt.h), and he has inherit_rights(). */
int inherit_become(const struct run_as *user, const struct config *config, struct err *e);
/* Do it. *stopped: SIGTERM or SIGINT came first; it goes on at the next start. Signals are blocked. */
int inherit_run(const struct config *config, bool *stopped, struct err *e);

#endif
