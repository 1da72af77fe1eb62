#include "registry/base/buckets.h"

/* A manifest that is read takes tens of microseconds, a layer that is pushed minutes. */
const struct scale scale_durations = {
    .digits = 6,
    .n = 20,
    .bounds = {100,    500,     1000,    2500,    5000,     10000,    25000,    50000,     100000,    250000,
               500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 120000000, 300000000, 600000000},
};

const struct scale scale_numbers = {.n = 9, .bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256}};

void buckets_note(struct buckets *buckets, const struct scale *scale, uint64_t value)
{
    size_t i = 0;

    while (i < scale->n && value > scale->bounds[i])
        i++;
    count_more(&buckets->counts[i], 1);
    count_more(&buckets->sum, value);
}

void buckets_read(const struct buckets *buckets, struct bucket_counts *sum)
{
    for (size_t i = 0; i <= BUCKETS_MOST; i++) {
        uint64_t count = atomic_load_explicit(&buckets->counts[i], memory_order_relaxed);

        sum->counts[i] += count;
        sum->total += count;
    }
    sum->sum += atomic_load_explicit(&buckets->sum, memory_order_relaxed);
}
