/*
 * What is stored, in bytes, from counters that every change keeps right: no question here walks over what is stored.
 *
 * A path is a repository's name, one cut before a "/", or "" for all. Its bytes are those of the repositories at and
 * below it. Logical bytes count a blob once for each repository that holds it; sole bytes are those of blobs that one
 * repository alone holds, so they are what comes free when it goes. Manifests are in both.
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_USAGE_H
#define BERTH_STORAGE_META_USAGE_H

#include "storage/meta.h"

struct usage {
    uint64_t logical;
    uint64_t sole;
};

/* Zeros for a path that nothing is at or below. */
int meta_usage(struct meta_txn *txn, struct str path, struct usage *out, struct err *e);
/* Files of blobs, each counted once however many repositories hold it; with those that a sweeper may remove. */
int meta_stored(struct meta_txn *txn, uint64_t *blobs, uint64_t *bytes, struct err *e);

#endif
