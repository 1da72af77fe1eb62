/*
 * The scale program's kinds of things to make. A kind is a row of the table in scale.c: its put() writes one item into
 * a transaction, and scale.c runs many of them in one change. What item number `i` is follows from the seed and `i`
 * alone, so a registry can be made in parts, and what is in it asked for by name without looking.
 *
 * Thread: put() runs on the metadata writer's, all else on the main one; one waits for the other.
 */
#ifndef BERTH_TESTS_BENCH_SCALE_H
#define BERTH_TESTS_BENCH_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/store.h"

struct scale_options {
    uint64_t seed;   /* another seed, another content */
    uint64_t from;   /* number of the first item */
    uint64_t batch;  /* items in one change */
    uint64_t share;  /* tags of one image, blobs of one image */
    uint64_t needed; /* when blobs and manifests were last needed: wall-clock seconds */
    bool files;      /* also the blobs' files; not synced */
};

/* What put() works with. */
struct scale {
    const struct scale_options *options;
    const struct store *store;
    uint64_t end; /* one behind the last item of all */
};

typedef int scale_put(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e);

/* scale_put.c: a repository team-NNN/app-NNNNN with an image of three blobs (one shared with a fiftieth of all others)
 * and `share` tags. */
scale_put put_repository;
/* A tag of scale/tags, `share` tags to an image with a layer of its own. */
scale_put put_tag;
/* A layer of an image in scale/blobs, `share` layers to an image: the last one brings the image. */
scale_put put_layer;
/* A blob of scale/idle that no manifest names. */
scale_put put_idle;
/* A referrer of the one image in scale/referrers; it has one of four artifact types. */
scale_put put_referrer;
/* A manifest of scale/untagged that nothing leads to. */
scale_put put_untagged;

#endif
