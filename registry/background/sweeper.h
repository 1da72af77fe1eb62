/*
 * The background sweeper: a thread of its own, of low priority, that looks after what is stored: it applies rules of
 * retention and forgets old history (upkeep.h), and walks over the storage every
 * storage.maintenance.garbagecollection.interval and removes what nobody needs (storage/upkeep/sweep.h), slowly enough not to
 * be felt: at most `rate` blobs a second, and never working for longer than it rests.
 *
 * What a walk costs is what it finds. Files that a crash left without a record are looked for in the first walk after a
 * start and then once a day, because that looks at every file.
 *
 * Leases are in wall-clock time. When that clock is set forward they would all be over at once; so nothing is swept,
 * expired or forgotten for a whole grace after a jump.
 *
 * Thread: sweeper_start() and sweeper_stop() are for the thread that starts and stops the server.
 */
#ifndef BERTH_BACKGROUND_SWEEPER_H
#define BERTH_BACKGROUND_SWEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/config/config.h"
#include "registry/live.h"
#include "storage/store.h"

struct sweeper;

/* All outlive the sweeper, which does nothing while the server is read-only. */
struct sweeper *sweeper_start(const struct config *config, const struct live *live, const struct store *store,
                              struct err *e);
/* Is it working just now? Any thread. */
bool sweeper_is_at_work(const struct sweeper *sweeper);
/* Ends in the middle of a walk, after the step under way; waits for that. */
void sweeper_stop(struct sweeper **sweeper);

#endif
