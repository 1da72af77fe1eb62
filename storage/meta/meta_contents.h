/*
 * All that one repository has, entry by entry, for who writes it down elsewhere.
 *
 * The snapshot lasts as long as the walk. So this is for a copy of the metadata (meta_copy.h), or for small ones.
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_CONTENTS_H
#define BERTH_STORAGE_META_CONTENTS_H

#include "storage/meta/meta.h"

/* 0: go on; else the walk ends and returns it. What is borrowed is valid during the call. */
typedef int meta_member_cb(const struct digest *d, uint64_t size, void *arg, struct err *e);
typedef int meta_manifest_cb(const struct manifest_view *view, uint64_t pushed, void *arg, struct err *e);
typedef int meta_tag_cb(struct str tag, const struct digest *d, uint64_t moved, void *arg, struct err *e);

/* The blobs that it holds; its manifests; its tags. In the order of their keys. An unknown repository has nothing. */
int meta_members_each(struct meta_txn *txn, struct str repository, meta_member_cb *item, void *arg, struct err *e);
int meta_manifests_each(struct meta_txn *txn, struct str repository, meta_manifest_cb *item, void *arg, struct err *e);
int meta_tags_each(struct meta_txn *txn, struct str repository, meta_tag_cb *item, void *arg, struct err *e);

#endif
