/*
 * Latencies in fixed memory: a counter for each slot of time, the slots growing with the time, so that any figure read
 * from it is at most 1/64 too high. Recording is a few instructions and never allocates.
 *
 * Thread: one owner; merge when the owners are done.
 */
#ifndef BERTH_TESTS_BENCH_HISTOGRAM_H
#define BERTH_TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 6,     /* 64 slots for each doubling */
    HISTOGRAM_MAX_BITS = 43 /* nanoseconds: two hours; what takes longer is counted in the last slot */
};
enum { HISTOGRAM_SLOTS = (HISTOGRAM_MAX_BITS - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS };

/* Zeroed it is empty. */
struct histogram {
    uint64_t count;
    uint64_t max; /* nanoseconds, exact */
    uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_add(struct histogram *h, uint64_t nanoseconds);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The time within which this share of all was done, 0 < `share` <= 1: nanoseconds, at least the true figure, at most
 * the longest. 0 when nothing was recorded. */
uint64_t histogram_within(const struct histogram *h, double share);

#endif
