/*
 * Was the clock set forward? Leases are in wall-clock time: after a jump they would all be over at once. So whoever
 * removes what nobody has needed for a grace asks here first, and does nothing for a whole grace after a jump.
 *
 * Thread: clock_watch_check() from any; one lock, inside which nothing is waited for.
 */
#ifndef BERTH_STORAGE_CLOCK_WATCH_H
#define BERTH_STORAGE_CLOCK_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"

/* What was seen last. Zeros but for the lock: never looked. */
struct clock_watch {
    pthread_mutex_t lock; /* guards the rest */
    bool begun;
    bool jumped;
    uint64_t wall_s;
    uint64_t monotonic_ms;
    uint64_t jumped_ms; /* monotonic */
};

/* Begins to watch. */
struct clock_watch *clock_watch_new(void);
void clock_watch_free(struct clock_watch **watch);

/* May leases be judged by the wall clock now? ERR_BUSY says for how long not. With a grace of 0 they do not matter. */
int clock_watch_check(struct clock_watch *watch, uint64_t grace_s, struct err *e);

/* The same at the times given, for tests. Seconds until leases may be judged; 0: now. */
uint64_t clock_watch_look(struct clock_watch *watch, uint64_t wall_s, uint64_t monotonic_ms, uint64_t grace_s);

#endif
