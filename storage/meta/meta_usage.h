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

#include "storage/meta/meta.h"
#include "storage/reference.h"

struct usage {
    uint64_t logical;
    uint64_t sole;
};

/* Zeros for a path that nothing is at or below. */
int meta_usage(struct meta_txn *txn, struct str path, struct usage *out, struct err *e);
/* Files of blobs, each counted once however many repositories hold it; with those that a sweeper may remove. */
int meta_stored(struct meta_txn *txn, uint64_t *blobs, uint64_t *bytes, struct err *e);

struct meta_totals {
    uint64_t repositories; /* with a manifest at least */
    uint64_t manifests;
    uint64_t tags;
};
void meta_totals(struct meta_txn *txn, struct meta_totals *out);

struct repository_info {
    struct str name;    /* borrowed from the snapshot */
    struct usage usage; /* of this repository alone, not of those below it */
    uint64_t blobs;
    uint64_t manifests;
    uint64_t tags;
};

/* ERR_NOT_FOUND for a name that nothing was ever pushed to. `name` is the caller's own. */
int meta_repository_info(struct meta_txn *txn, struct str name, struct repository_info *out, struct err *e);

/* A walk over the repositories at and below a path, in byte order, those with nothing in them left out. */
struct repository_walk {
    struct str path;                    /* empty: all */
    char last[REPOSITORY_NAME_MAX + 1]; /* where it has come to; empty: it has not begun */
};
typedef void meta_repository_cb(const struct repository_info *info, void *arg);
/* A piece of it: at most `looks` names are looked at, which bounds the time the call takes. */
int meta_repositories(struct meta_txn *txn, struct repository_walk *place, size_t looks, meta_repository_cb *item,
                      void *arg, bool *more, struct err *e);

#endif
