/*
 * What may change while a server serves, beside the files that it follows: the configuration (config/config.h) never
 * does. `berth ctl` changes it (ops/op_ctl.c), and after a restart it is what the configuration says.
 *
 * Whoever asks gets the state of that moment: what has begun may end. A question costs one load without a lock.
 *
 * Thread: any, but for live_init().
 */
#ifndef BERTH_REGISTRY_LIVE_H
#define BERTH_REGISTRY_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "registry/config/config.h"

struct live {
    atomic_bool readonly;
    atomic_bool drained;
    atomic_bool stopping;
};

/* As the configuration says. Before others know of it. */
void live_init(struct live *live, const struct config *config);

/* Nothing changes what is stored: no client, no operation, nor what works by itself (sweeper, scrubber, purging of
 * uploads, notes of pulls), which goes on when it may. */
bool live_is_readonly(const struct live *live);
void live_set_readonly(struct live *live, bool readonly);

/* An administrator wants clients to go elsewhere. The connections are the loops' (loop_hurry()). */
bool live_is_drained(const struct live *live);
void live_set_drained(struct live *live, bool drained);

/* The server is on its way down, for good. */
bool live_is_stopping(const struct live *live);
void live_set_stopping(struct live *live);

#endif
