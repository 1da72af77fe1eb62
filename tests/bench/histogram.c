#include "tests/bench/histogram.h"

#include <stddef.h>

enum { PER_DOUBLING = 1 << HISTOGRAM_BITS };

/*
 * Times below 64 have a slot each. A longer one is shifted right until it is below 128: the shift says which doubling,
 * and what is left, 64 to 127, which of its 64 slots.
 */
static size_t slot_of(uint64_t ns)
{
    unsigned shift;

    if (ns >> HISTOGRAM_MAX_BITS != 0)
        return HISTOGRAM_SLOTS - 1;
    if (ns < PER_DOUBLING)
        return (size_t)ns;
    shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_BITS;
    return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(ns >> shift);
}

/* The longest time that is counted there. */
static uint64_t end_of(size_t slot)
{
    size_t doubling = slot >> HISTOGRAM_BITS;
    unsigned shift = doubling == 0 ? 0 : (unsigned)doubling - 1;

    return ((uint64_t)(slot - ((size_t)shift << HISTOGRAM_BITS)) + 1) * (1ULL << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t nanoseconds)
{
    h->count++;
    h->slots[slot_of(nanoseconds)]++;
    if (nanoseconds > h->max)
        h->max = nanoseconds;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    if (from->max > into->max)
        into->max = from->max;
    for (size_t i = 0; i < HISTOGRAM_SLOTS; i++)
        into->slots[i] += from->slots[i];
}

uint64_t histogram_within(const struct histogram *h, double share)
{
    double wanted = share * (double)h->count;
    uint64_t seen = 0;

    if (h->count == 0)
        return 0;
    for (size_t i = 0; i < HISTOGRAM_SLOTS - 1; i++) {
        seen += h->slots[i];
        if ((double)seen >= wanted)
            return end_of(i) < h->max ? end_of(i) : h->max;
    }
    return h->max;
}
