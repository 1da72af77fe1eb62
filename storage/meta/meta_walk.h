/*
 * What those who look after everything ask of the tables: one blob after the other, and who needs one.
 *
 * Thread: that of the snapshot.
 */
#ifndef BERTH_STORAGE_META_WALK_H
#define BERTH_STORAGE_META_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/meta/meta.h"

struct blob_entry {
    struct digest digest;
    uint64_t size; /* bytes */
};

/* The blob behind `last` (NULL: the first) in the order of digests, whoever holds it. *found is false when there is
 * none. An entry that does not decode is passed over: it is the metadata check's. */
int meta_blob_after(struct meta_txn *txn, const struct digest *last, struct blob_entry *out, bool *found,
                    struct err *e);

#endif
