/*
 * The background scrubber: a thread of its own, of low priority, that reads everything again once per
 * storage.maintenance.scrub.interval, at most `rate` bytes a second (storage/upkeep/scrub.h), and checks the metadata
 * (storage/meta/meta_check.h). Its place outlives the server (storage/upkeep/scrub_state.h). A thread of its own, because a pass
 * takes hours or days and the sweeper's steps must not wait for it.
 *
 * What it finds is logged with who needs it, and counted. Metadata is not repaired while serving: that is `berth fsck`.
 *
 * Thread: scrubber_start() and scrubber_stop() are for the thread that starts and stops the server.
 */
#ifndef BERTH_BACKGROUND_SCRUBBER_H
#define BERTH_BACKGROUND_SCRUBBER_H

#include "registry/base/err.h"
#include "registry/config/config.h"
#include "registry/live.h"
#include "storage/store.h"

struct scrubber;

/* All outlive the scrubber, which waits while the server is read-only, in the middle of a pass, too. Not for a server
 * that has scrubbing switched off. */
struct scrubber *scrubber_start(const struct config *config, const struct live *live, const struct store *store,
                                struct err *e);
/* Is it in the middle of a pass? Any thread. */
bool scrubber_is_at_work(const struct scrubber *scrubber);
/* Ends in the middle of a pass, after the step under way; waits for that. */
void scrubber_stop(struct scrubber **scrubber);

#endif
