/*
 * How often something may be said: for log lines that a crowd of clients can cause.
 *
 * Thread: any; the state is two atomics.
 */
#ifndef BERTH_BASE_PACE_H
#define BERTH_BASE_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PACE_MINUTE_MS = 60 * 1000 };

/* Zeroed it is ready: the first time counts. */
struct pace {
    _Atomic uint64_t due_ms;
    _Atomic uint64_t held; /* times that it was not said since */
};

/* May it be said now, `every_ms` after the last time at the earliest? Then *held gets how often it could not be. */
bool pace_take(struct pace *pace, uint64_t now_ms, uint64_t every_ms, uint64_t *held);

#endif
