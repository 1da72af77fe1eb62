/* What the files takeover*.c share. */
#ifndef BERTH_STORAGE_TAKEOVER_INTERNAL_H
#define BERTH_STORAGE_TAKEOVER_INTERNAL_H

#include "storage/distribution/takeover.h"
#include "storage/meta/meta.h"

enum {
    GROUP = 64,              /* repositories */
    TAKEOVER_BLOBS = 256,    /* in one change; likewise below: what bounds how long it keeps others waiting */
    TAKEOVER_MANIFESTS = 64, /* each names some ten blobs */
    TAKEOVER_TAGS = 256,
};

struct blob_batch;
struct manifest_batch;
struct tag_batch;

struct takeover {
    const struct store *store;
    const struct takeover_options *options;
    struct takeover_result *result;
    struct layout layout;
    struct carrier carrier;
    struct meta_reader *reader;
    uint64_t now; /* wall-clock seconds, of the group */

    char names[GROUP][REPOSITORY_NAME_MAX + 1];
    size_t count;
    uint64_t found[GROUP]; /* entries of each */

    struct blob_batch *blobs;
    struct manifest_batch *manifests;
    struct tag_batch *tags;
};

struct str takeover_name(const struct takeover *t, size_t repository);
/* One entry is done, of whatever kind. -1: interrupted. */
int takeover_step(struct takeover *t, size_t repository, struct err *e);
void takeover_odd(struct takeover *t, enum oddity_kind kind, size_t repository, const char *what, const char *reason);
/* meta_write(), with the error in `e`. */
int takeover_write(struct takeover *t, struct meta_change *change, struct err *e);
/* A time of the old registry's that is not in the future. */
uint64_t takeover_time(const struct takeover *t, uint64_t written);

/* Each takes one repository's part; what it gathers is committed when there is enough of it, and by the flush. */
struct blob_batch *blob_batch_new(void);
void blob_batch_free(struct blob_batch **batch);
int takeover_layers(struct takeover *t, size_t repository, struct err *e);
int takeover_layers_flush(struct takeover *t, struct err *e);

enum manifest_pass {
    PASS_IMAGES,
    PASS_INDEXES,  /* of which all entries are there */
    PASS_LEFTOVERS /* of which some are */
};
struct manifest_batch *manifest_batch_new(void);
void manifest_batch_free(struct manifest_batch **batch);
/* *left counts the indexes that are left to a later pass, *done those that were taken in this one. */
struct pass {
    enum manifest_pass which;
    uint64_t left;
    uint64_t done;
};
int takeover_manifests(struct takeover *t, size_t repository, struct pass *pass, struct err *e);
int takeover_manifests_flush(struct takeover *t, struct pass *pass, struct err *e);

struct tag_batch *tag_batch_new(void);
void tag_batch_free(struct tag_batch **batch);
int takeover_tags(struct takeover *t, size_t repository, struct err *e);
int takeover_tags_flush(struct takeover *t, struct err *e);

#endif
