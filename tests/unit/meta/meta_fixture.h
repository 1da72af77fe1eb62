/*
 * What the tests of the metadata share: an open environment, changes written as one call, and manifests made from
 * digests.
 */
#ifndef BERTH_TEST_META_FIXTURE_H
#define BERTH_TEST_META_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "storage/meta/meta.h"
#include "storage/meta/meta_history.h"
#include "storage/meta/meta_internal.h"
#include "storage/meta/meta_pulls.h"
#include "tests/unit/test.h"

#define HELPER   __attribute__((unused)) static
#define OCI_TYPE "application/vnd.oci.image.manifest.v1+json"
#define OCI_LIST "application/vnd.oci.image.index.v1+json"

enum { CONFIG_SIZE = 10, LAYER_SIZE = 20, NOW = 1000 };

struct world {
    struct meta *meta;
    struct meta_reader *reader;
    struct err err; /* of the last call that failed */
    bool keep_tags; /* manifests are put by somebody who may not move tags */
};

HELPER void world_open_sized(struct world *w, const char *directory, uint64_t map_bytes)
{
    *w = (struct world){0};
    w->meta = meta_open_sized(directory, map_bytes, &w->err);
    if (w->meta == NULL)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    w->reader = meta_reader_new(w->meta, &w->err);
    if (w->reader == NULL)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
}

HELPER void world_open(struct world *w)
{
    world_open_sized(w, test_dir(), KV_MAP_DEFAULT);
}

HELPER void world_close(struct world *w)
{
    meta_reader_free(&w->reader);
    meta_close(&w->meta);
}

/* ---- changes ---- */

enum op_kind {
    BLOB_PUT,
    BLOB_MOUNT,
    BLOB_TOUCH,
    BLOB_DELETE,
    MANIFEST_PUT,
    MANIFEST_DELETE,
    TAG_DELETE,
    TAG_RESTORE,
    HISTORY_FORGET,
    PULLS_NOTE,
    SABOTAGE
};

struct op {
    struct meta_change change; /* first */
    enum op_kind kind;
    struct str repository;
    struct str from; /* repository to mount from, or tag to delete */
    struct digest digest;
    uint64_t size;
    uint64_t now;
    struct manifest_put put;
    struct tag_restore restore;
    size_t limit; /* of events to forget */
    size_t forgotten;
    bool more; /* of a deletion: it is not done yet */
    struct pull pull;
};

HELPER int forget_events(struct meta_txn *txn, struct op *op, struct err *e)
{
    bool more;

    return meta_history_forget(txn, op->now, UINT64_MAX, op->limit, &op->forgotten, &more, e);
}

/* Writes, then fails. */
HELPER int sabotage(struct meta_txn *txn, const struct op *op, struct err *e)
{
    if (meta_blob_put(txn, op->repository, &op->digest, op->size, op->now, e) != 0)
        return -1;
    return err_set(e, ERR_RANGE, "sabotage");
}

HELPER int op_apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct op *op = (struct op *)change;

    switch (op->kind) {
    case BLOB_PUT:
        return meta_blob_put(txn, op->repository, &op->digest, op->size, op->now, e);
    case BLOB_MOUNT:
        return meta_blob_mount(txn, op->repository, op->from, &op->digest, op->now, e);
    case BLOB_TOUCH:
        return meta_blob_touch(txn, op->repository, &op->digest, op->now, e);
    case BLOB_DELETE:
        return meta_blob_delete(txn, op->repository, &op->digest, e);
    case MANIFEST_PUT:
        return meta_manifest_put(txn, &op->put, e);
    case MANIFEST_DELETE:
        return meta_manifest_delete(txn, op->repository, &op->digest, &op->more, e);
    case TAG_DELETE:
        return meta_tag_delete(txn, op->repository, op->from, e);
    case TAG_RESTORE:
        return meta_tag_restore(txn, &op->restore, e);
    case HISTORY_FORGET:
        return forget_events(txn, op, e);
    case PULLS_NOTE:
        return meta_pulls_note(txn, &op->pull, 1, e);
    case SABOTAGE:
        return sabotage(txn, op, e);
    }
    return -1;
}

HELPER int world_run(struct world *w, struct op *op)
{
    op->change.apply = op_apply;
    if (meta_write(w->meta, &op->change) != 0)
        w->err = op->change.err;
    return op->change.rc;
}

HELPER int blob_put(struct world *w, const char *repository, struct digest d, uint64_t size, uint64_t now)
{
    struct op op = {.kind = BLOB_PUT, .repository = str_of(repository), .digest = d, .size = size, .now = now};

    return world_run(w, &op);
}

HELPER int blob_mount(struct world *w, const char *repository, const char *from, struct digest d)
{
    struct op op = {
        .kind = BLOB_MOUNT, .repository = str_of(repository), .from = str_of(from), .digest = d, .now = NOW};

    return world_run(w, &op);
}

HELPER int blob_touch(struct world *w, const char *repository, struct digest d, uint64_t now)
{
    struct op op = {.kind = BLOB_TOUCH, .repository = str_of(repository), .digest = d, .now = now};

    return world_run(w, &op);
}

HELPER int blob_delete(struct world *w, const char *repository, struct digest d)
{
    struct op op = {.kind = BLOB_DELETE, .repository = str_of(repository), .digest = d};

    return world_run(w, &op);
}

HELPER int manifest_delete(struct world *w, const char *repository, struct digest d)
{
    struct op op = {.kind = MANIFEST_DELETE, .repository = str_of(repository), .digest = d, .more = true};
    int rc = 0;

    while (rc == 0 && op.more)
        rc = world_run(w, &op);
    return rc;
}

HELPER int tag_delete(struct world *w, const char *repository, const char *tag)
{
    struct op op = {.kind = TAG_DELETE, .repository = str_of(repository), .from = str_of(tag)};

    return world_run(w, &op);
}

/* Forget everything that happened. */
HELPER void history_forget(struct world *w)
{
    struct op op = {.kind = HISTORY_FORGET, .now = UINT64_MAX, .limit = SIZE_MAX};

    CHECK_INT(world_run(w, &op), 0);
}

/* Parse and put `bytes`; `tag` may be NULL. `digest` gets where it is. */
HELPER int manifest_put(struct world *w, const char *repository, struct str bytes, const char *tag, bool allow_missing,
                        struct digest *digest)
{
    struct str tags[1] = {str_of(tag)};
    struct op op = {.kind = MANIFEST_PUT};
    struct manifest m;
    int rc;

    if (manifest_parse(bytes, (struct str){0}, &m, &w->err) != 0)
        return -1;
    digest_of(DIGEST_SHA256, bytes.p, bytes.n, digest);
    op.put = (struct manifest_put){.repository = str_of(repository),
                                   .digest = *digest,
                                   .manifest = &m,
                                   .bytes = bytes,
                                   .tags = tags,
                                   .tag_count = tag == NULL ? 0 : 1,
                                   .allow_missing = allow_missing,
                                   .keep_tags = w->keep_tags,
                                   .now = NOW};
    rc = world_run(w, &op);
    manifest_free(&m);
    return rc;
}

/* ---- content ---- */

/* The digest of a blob that the tests call by a number. */
HELPER struct digest blob_digest(unsigned number)
{
    struct digest d;

    digest_of(DIGEST_SHA256, &number, sizeof(number), &d);
    return d;
}

HELPER void descriptor(struct sbuf *out, const char *media_type, struct digest d, uint64_t size, const char *more)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(&d, text);
    sbuf_printf(out, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%llu%s}", media_type, text,
                (unsigned long long)size, more);
}

/* An image of a config of CONFIG_SIZE and `n` layers of LAYER_SIZE bytes; `more` are further members (",…"). */
HELPER struct sbuf image_of(struct digest config, const struct digest *layers, size_t n, const char *more)
{
    struct sbuf out = {0};

    sbuf_printf(&out, "{\"schemaVersion\":2,\"config\":");
    descriptor(&out, "application/vnd.oci.image.config.v1+json", config, CONFIG_SIZE, "");
    sbuf_printf(&out, ",\"layers\":[");
    for (size_t i = 0; i < n; i++) {
        sbuf_printf(&out, "%s", i == 0 ? "" : ",");
        descriptor(&out, "application/vnd.oci.image.layer.v1.tar+gzip", layers[i], LAYER_SIZE, "");
    }
    sbuf_printf(&out, "]%s}", more);
    return out;
}

HELPER struct sbuf index_of(const struct digest *children, const uint64_t *sizes, size_t n, const char *more)
{
    struct sbuf out = {0};

    sbuf_printf(&out, "{\"schemaVersion\":2,\"manifests\":[");
    for (size_t i = 0; i < n; i++) {
        sbuf_printf(&out, "%s", i == 0 ? "" : ",");
        descriptor(&out, OCI_TYPE, children[i], sizes[i], "");
    }
    sbuf_printf(&out, "]%s}", more);
    return out;
}

HELPER struct str text_of(const struct sbuf *b)
{
    return (struct str){b->p, b->n};
}

/* Push config `number` and layer `number + 1` and an image of them; `more` as for image_of(). */
HELPER struct digest push_image(struct world *w, const char *repository, unsigned number, const char *tag,
                                const char *more)
{
    struct digest layer = blob_digest(number + 1);
    struct sbuf bytes = image_of(blob_digest(number), &layer, 1, more);
    struct digest d = {0};

    if (blob_put(w, repository, blob_digest(number), CONFIG_SIZE, NOW) != 0 ||
        blob_put(w, repository, layer, LAYER_SIZE, NOW) != 0 ||
        manifest_put(w, repository, text_of(&bytes), tag, false, &d) != 0)
        test_fail(__FILE__, __LINE__, "push: %s", w->err.text);
    sbuf_free(&bytes);
    return d;
}

/* ---- looking ---- */

HELPER struct meta_txn *look(struct world *w)
{
    struct meta_txn *txn = meta_read(w->reader, &w->err);

    if (txn == NULL)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    return txn;
}

HELPER int blob_get(struct world *w, const char *repository, struct digest d, struct blob_info *out)
{
    int rc = meta_blob_get(look(w), str_of(repository), &d, out, &w->err);

    meta_done(w->reader);
    return rc;
}

HELPER uint64_t references(struct world *w, const char *repository, struct digest d)
{
    struct blob_info info;

    if (blob_get(w, repository, d, &info) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    return info.references;
}

/* 0, or the code of the error. */
HELPER int tag_points_to(struct world *w, const char *repository, const char *tag, struct digest d)
{
    struct manifest_view view;
    int rc = meta_tag_get(look(w), str_of(repository), str_of(tag), &view, &w->err);

    meta_done(w->reader);
    if (rc != 0)
        return w->err.code;
    return digest_equal(&view.digest, &d) ? 0 : -1;
}

/* Names of a list, separated by blanks. */
struct names {
    char text[4000];
    size_t n;
};

HELPER bool names_add(struct str name, void *arg)
{
    struct names *names = arg;

    names->n += (size_t)snprintf(names->text + names->n, sizeof(names->text) - names->n, "%s%.*s",
                                 names->n == 0 ? "" : " ", (int)name.n, name.p);
    return true;
}

HELPER size_t table_entries(struct meta_txn *txn, enum kv_table table)
{
    struct kv_walk walk;
    size_t n = 0;

    kv_walk_begin(&walk, txn, table, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk))
        n++;
    kv_walk_end(&walk);
    return n;
}

#endif
