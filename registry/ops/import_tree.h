/*
 * What hangs on one tag of another registry: its manifest, an index's children and theirs, and what is attached to any of
 * them.
 *
 * Every manifest has the digest that it was asked for by, the registry's own word for the digest of a tag must be true of
 * the bytes, and the media type is the one that came along. What our repository holds is read here instead of fetched.
 *
 * Thread: a hand's.
 */
#ifndef BERTH_OPS_IMPORT_TREE_H
#define BERTH_OPS_IMPORT_TREE_H

#include <stdatomic.h>

#include "registry/config/config.h"
#include "registry/ops/import_crew.h"
#include "storage/manifest.h"

/* Bounds of one tree. A tree of an image for ten platforms, each signed, has some forty manifests of 2 KiB each. */
enum { TREE_DEPTH_MAX = 8, TREE_ITEMS_MAX = 4096, TREE_BYTES_MAX = 16 * 1024 * 1024 };

struct tree_item {
    struct digest digest;
    struct sbuf bytes;
    char *media_type;
    struct manifest manifest;
    bool here;     /* our repository holds it, and so what it names */
    bool attached; /* the image is whole without it */
};

struct tree_source {
    const struct config *config;
    const char *repository;
    bool referrers;
    bool all_tags;                 /* are copied: what is attached by tags comes by itself */
    _Atomic bool referrers_absent; /* the other registry has no referrers API */
};

struct import_tree {
    struct tree_source *source;
    struct tree_item *items; /* children before what names them, what is attached after what it is attached to */
    size_t n, root;
    size_t bytes;
    unsigned attaching; /* how deep in what is attached the collecting is */
    struct err flaw;    /* what is attached could not all be had; code 0: it could */
};

/* `reference` is a tag or a digest. -1: the image cannot be had whole; `tree` is to be cleared in any case. */
int tree_collect(struct hand *hand, struct tree_source *source, struct str reference, struct import_tree *tree,
                 struct err *e);
void tree_clear(struct import_tree *tree);

#endif
