/*
 * How often values of which size came: counts in classes ("buckets") with fixed bounds, from which Prometheus works out
 * shares such as "95 of 100 requests took less than". Noting one costs a few comparisons and two additions, and no
 * instruction that locks the bus.
 *
 * Thread: one writes at a time, the owner or whoever holds the lock that the owner names. Any reads at any time; what it
 * reads may lack a value whose other half it has.
 */
#ifndef BERTH_BASE_BUCKETS_H
#define BERTH_BASE_BUCKETS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { BUCKETS_MOST = 20 }; /* bounds of a scale */

/* Values are whole numbers; divided by ten to the power of `digits` they are in the unit that people read. */
struct scale {
    unsigned digits;
    size_t n;
    uint64_t bounds[BUCKETS_MOST]; /* ascending; each is the largest value of its class */
};

/* Microseconds, shown as seconds: from a tenth of a millisecond to ten minutes. */
extern const struct scale scale_durations;
/* Plain numbers up to 256. */
extern const struct scale scale_numbers;

/* Zeros: nothing came yet. */
struct buckets {
    _Atomic uint64_t counts[BUCKETS_MOST + 1]; /* by class; the last one in use has no bound */
    _Atomic uint64_t sum;
};

/* What buckets held at one time, or several of them together. */
struct bucket_counts {
    uint64_t counts[BUCKETS_MOST + 1];
    uint64_t sum;
    uint64_t total; /* of all counts */
};

/* One more of this size. */
void buckets_note(struct buckets *buckets, const struct scale *scale, uint64_t value);
/* Add what they hold now to `sum`. */
void buckets_read(const struct buckets *buckets, struct bucket_counts *sum);

/* `n` more in a number that has one writer at a time. */
static inline void count_more(_Atomic uint64_t *number, uint64_t n)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + n, memory_order_relaxed);
}

#endif
