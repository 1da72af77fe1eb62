/*
 * When manifests were last pulled, to the hour or so: what notes them is in registry/background/pulls.h.
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_PULLS_H
#define BERTH_STORAGE_META_PULLS_H

#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/digest.h"
#include "storage/meta/meta.h"

enum { PULL_ACCURACY_S = 3600 };

struct pull {
    uint32_t repository; /* as of struct manifest_view */
    struct digest digest;
    uint64_t when; /* wall-clock seconds */
};

/* Writes those of which something older than PULL_ACCURACY_S is known, or nothing; a manifest that is gone has none. */
int meta_pulls_note(struct meta_txn *txn, const struct pull *pulls, size_t n, struct err *e);
/* From now on pulls are noted; only the first call ever counts. Until then nobody knows what was pulled. */
int meta_pulls_begin(struct meta_txn *txn, uint64_t now, struct err *e);
/* When that was; `now` when it was never. */
uint64_t meta_pulls_since(struct meta_txn *txn, uint64_t now);

/* What is known of a tag and its manifest; times in wall-clock seconds. */
struct tag_info {
    struct str tag; /* borrowed from the snapshot */
    struct digest digest;
    uint64_t moved;
    uint64_t pushed;
    uint64_t pulled; /* 0: not that anybody knows */
};
typedef void meta_tag_info_cb(const struct tag_info *info, void *arg);
/* Calls `item` for at most `limit` tags after `last` (exclusive; empty: from the start), in byte order. ERR_NOT_FOUND
 * for an unknown repository. */
int meta_tag_infos(struct meta_txn *txn, struct str repository, struct str last, size_t limit, meta_tag_info_cb *item,
                   void *arg, bool *more, struct err *e);
/* ERR_NOT_FOUND when there is no such tag. */
int meta_tag_info(struct meta_txn *txn, struct str repository, struct str tag, struct tag_info *out, struct err *e);

#endif
