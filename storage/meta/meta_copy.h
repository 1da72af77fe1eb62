/*
 * The metadata as a whole: its copy for a backup, and a walk over the records of all blobs.
 *
 * Thread: any that may block; a reader belongs to one.
 */
#ifndef BERTH_STORAGE_META_COPY_H
#define BERTH_STORAGE_META_COPY_H

#include "storage/meta/meta.h"

/* Write a consistent copy to the new file `path` (mode 0600), synced; its directory is not. Changes go on meanwhile. */
int meta_copy(struct meta *meta, const char *path, struct err *e);

/* 0: go on; else the walk ends and returns it. */
typedef int meta_record_cb(const struct digest *d, uint64_t size, void *arg, struct err *e);
/* Calls `item` for the records of all blobs in the order of their keys. It may take its time: no snapshot is held
 * meanwhile, so what comes or goes during the walk is seen or not. What stays is seen once. */
int meta_blobs_each(struct meta *meta, meta_record_cb *item, void *arg, struct err *e);

/* The same for a copy, as it is. *schema: the version it has. The file is
 * whole: whoever calls has looked at its digest (kv_open_copy()). Not in a server. */
int meta_copy_walk(const char *path, meta_record_cb *item, void *arg, uint32_t *schema, struct err *e);

#endif
