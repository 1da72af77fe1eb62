/*
 * Repairing metadata: passes of meta_check.h with `repair` until one finds nothing, for a data directory that nobody
 * else changes.
 *
 * A manifest that has to go, because its bytes have another digest than its key or are no manifest, is kept for people:
 * <root>/quarantine/manifest-<alg>-<hex> gets what the table had, before it goes.
 *
 * Thread: blocks.
 */
#ifndef BERTH_STORAGE_META_REBUILD_H
#define BERTH_STORAGE_META_REBUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "storage/meta/meta_check.h"
#include "storage/store.h"

struct meta_rebuild_options {
    bool dry_run;                                                   /* look only: one pass */
    void (*finding)(const struct meta_finding *finding, void *arg); /* or NULL; of all passes */
    void *arg;
    struct interrupt interrupt; /* asked between steps: then ERR_BUSY */
};

struct meta_rebuild_result {
    uint64_t entries;  /* looked at in the first pass */
    uint64_t findings; /* in all passes */
    bool clean;        /* the last pass found nothing */
};

/* On failure what was repaired until then stays so, and another call goes on. */
int meta_rebuild(const struct store *store, const struct meta_rebuild_options *options,
                 struct meta_rebuild_result *result, struct err *e);

/* The size of a blob's file, for meta_check_options; `store` is a struct store. */
bool store_file_size(const struct digest *d, uint64_t *size, void *store);

#endif
