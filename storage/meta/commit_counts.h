/*
 * What the metadata's writer counts of its commits. Times are in microseconds (scale_durations).
 *
 * Thread: the writer counts; any reads.
 */
#ifndef BERTH_STORAGE_COMMIT_COUNTS_H
#define BERTH_STORAGE_COMMIT_COUNTS_H

#include "registry/base/buckets.h"

struct commit_counts {
    struct buckets waits;      /* of each change, from its submission until the writer took it */
    struct buckets changes;    /* of each batch (scale_numbers) */
    struct buckets durations;  /* of each batch: applying its changes, and making them durable */
    struct buckets syncs;      /* of each transaction: making it durable, which is mostly waiting for the disk */
    _Atomic uint64_t failures; /* transactions that could not be made durable */
};

#endif
