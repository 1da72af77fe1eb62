/*
 * How long the turns of an event loop take: as long as one lasts, no other connection of the loop is looked at. What
 * makes a turn long is either ours (work that should have been cut or given away) or the machine's (the thread was not
 * let run); the kernel tells of the second how much there was.
 *
 * Lengths are differences of milliseconds, right within one and on average exact.
 *
 * Thread: loop_lag_init() and loop_lag_note() on the loop, once a turn and for the price of two additions; the text on
 * any.
 */
#ifndef BERTH_NET_LOOP_LAG_H
#define BERTH_NET_LOOP_LAG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "registry/base/buckets.h"
#include "registry/base/str.h"

struct loop_lag {
    struct buckets turns; /* by milliseconds; written by the loop alone */
    _Atomic pid_t thread; /* 0: not yet known */
};

/* Remember whose turns these are. */
void loop_lag_init(struct loop_lag *lag);
/* A turn of so many milliseconds ended. */
void loop_lag_note(struct loop_lag *lag, uint64_t ms);
/* How many turns ended. A loop that does not hang ends one a second at least. */
uint64_t loop_lag_turns(const struct loop_lag *lag);
/* Append the metrics of `n` loops, numbered as they come, as Prometheus reads them. */
void loop_lag_text(const struct loop_lag *const *lags, size_t n, struct sbuf *out);

#endif
