/*
 * Tags that come from another registry, with the time at which they were moved there.
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_TAKE_H
#define BERTH_STORAGE_META_TAKE_H

#include "storage/meta/meta.h"

enum tag_take {
    TAG_MADE,
    TAG_MOVED,    /* it pointed elsewhere */
    TAG_SAME,     /* it points there already */
    TAG_NEWER,    /* it was moved or deleted here after `when`, as far as the history goes back: left as it is */
    TAG_DANGLING, /* the repository has no such manifest */
};

/* Point the tag to where it has pointed since `when` (wall-clock seconds), unless the last word on it is from here. An
 * event tells of it, dated `when`. 0 with *end, or -1 when the metadata cannot be read. */
int meta_tag_take(struct meta_txn *txn, struct str repository, struct str tag, const struct digest *d, uint64_t when,
                  enum tag_take *end, struct err *e);

#endif
