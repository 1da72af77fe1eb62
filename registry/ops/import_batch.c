#include "registry/ops/import_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* storage */
#include "storage/reference.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/size_text.h"

enum fate { FATE_COPY, FATE_UNCHANGED, FATE_KEPT, FATE_FAILED };

/* One tag. */
struct piece {
    struct str reference;
    bool is_tag;
    struct import_tree tree;
    enum fate fate;
    struct err err;
};

struct work {
    const struct import_batch *batch;
    struct piece pieces[BATCH_MAX];
    size_t n;
    struct import_blobs to;
    struct import_blob *blobs;
    size_t blob_count;
    uint64_t bytes; /* of all blobs that are to be fetched */
    uint64_t began_ms;
};

static void name_of(const struct work *work, const struct piece *piece, char out[REPOSITORY_NAME_MAX + DIGEST_TEXT_MAX])
{
    snprintf(out, REPOSITORY_NAME_MAX + DIGEST_TEXT_MAX, "%s%c%.*s", work->batch->source->repository,
             piece->is_tag ? ':' : '@', (int)piece->reference.n, piece->reference.p);
}

/* ---- trees ---- */

/* What the tag points to here, compared with there. */
static enum fate fate_of(struct hand *hand, const struct work *work, const struct piece *piece)
{
    const struct import_batch *batch = work->batch;
    struct meta_txn *txn = piece->is_tag ? meta_read(hand->reader, NULL) : NULL;
    enum fate fate = FATE_COPY;
    struct manifest_view view;

    if (txn == NULL)
        return piece->tree.items[piece->tree.root].here && !piece->is_tag ? FATE_UNCHANGED : FATE_COPY;
    if (meta_tag_get(txn, str_of(batch->source->repository), piece->reference, &view, NULL) == 0)
        fate = digest_equal(&view.digest, &piece->tree.items[piece->tree.root].digest) ? FATE_UNCHANGED
               : batch->overwrite                                                      ? FATE_COPY
                                                                                       : FATE_KEPT;
    meta_done(hand->reader);
    return fate;
}

static void collect(struct hand *hand, size_t i, void *arg)
{
    struct work *work = arg;
    struct piece *piece = &work->pieces[i];

    if (tree_collect(hand, work->batch->source, piece->reference, &piece->tree, &piece->err) != 0)
        piece->fate = FATE_FAILED;
    else
        piece->fate = fate_of(hand, work, piece);
}

static bool watch_trees(size_t done, void *arg)
{
    const struct work *work = arg;

    if (!work->batch->report->quiet)
        op_progress(work->batch->op, "%s: %zu of %zu manifests", work->batch->progress, done, work->n);
    return op_cancelled(work->batch->op);
}

/* ---- blobs ---- */

static int by_digest(const void *a, const void *b)
{
    const struct import_blob *left = a, *right = b;

    return memcmp(&left->digest, &right->digest, sizeof(left->digest));
}

static void list_blobs_of(struct work *work, const struct tree_item *item)
{
    for (size_t i = 0; i < item->manifest.reference_count; i++) {
        const struct reference *reference = &item->manifest.references[i];

        if (reference->kind != REFERENCE_BLOB)
            continue;
        work->blobs = xrealloc(work->blobs, (work->blob_count + 1) * sizeof(*work->blobs));
        work->blobs[work->blob_count++] = (struct import_blob){
            .digest = reference->digest, .size = reference->size, .optional = reference->optional};
    }
}

/* Each once; one that somebody needs is not optional. */
static void list_blobs(struct work *work)
{
    size_t n = 0;

    for (size_t p = 0; p < work->n; p++) {
        const struct import_tree *tree = &work->pieces[p].tree;

        if (work->pieces[p].fate == FATE_COPY || work->pieces[p].fate == FATE_UNCHANGED)
            for (size_t i = 0; i < tree->n; i++)
                if (!tree->items[i].here)
                    list_blobs_of(work, &tree->items[i]);
    }
    if (work->blob_count > 0)
        qsort(work->blobs, work->blob_count, sizeof(*work->blobs), by_digest);
    for (size_t i = 0; i < work->blob_count; i++) {
        if (n > 0 && by_digest(&work->blobs[n - 1], &work->blobs[i]) == 0)
            work->blobs[n - 1].optional = work->blobs[n - 1].optional && work->blobs[i].optional;
        else
            work->blobs[n++] = work->blobs[i];
    }
    work->blob_count = n;
    for (size_t i = 0; i < n; i++)
        work->bytes += work->blobs[i].size;
}

static void fetch_blob(struct hand *hand, size_t i, void *arg)
{
    struct work *work = arg;

    if (!work->batch->dry_run)
        import_blob(hand, &work->to, &work->blobs[i]);
    else
        work->blobs[i].outcome = import_blob_is_here(hand, work->to.repository, &work->blobs[i].digest) ? BLOB_PRESENT
                                                                                                        : BLOB_FETCHED;
}

static bool watch_blobs(size_t done, void *arg)
{
    const struct work *work = arg;
    uint64_t fetched = atomic_load(&work->to.fetched), ms = clock_monotonic_ms() - work->began_ms;
    uint64_t rate = ms == 0 ? 0 : fetched * 1000 / ms;
    uint64_t left = work->bytes > fetched ? work->bytes - fetched : 0;
    char a[SIZE_TEXT_ROOM], b[SIZE_TEXT_ROOM], c[SIZE_TEXT_ROOM];

    if (!work->batch->report->quiet)
        op_progress(work->batch->op, "%s: %zu of %zu blobs, %s of %s, %s/s, %" PRIu64 " s left", work->batch->progress,
                    done, work->blob_count, size_text(fetched, a), size_text(work->bytes, b), size_text(rate, c),
                    rate == 0 ? 0 : left / rate);
    return op_cancelled(work->batch->op);
}

static void count_blobs(const struct work *work)
{
    struct import_report *report = work->batch->report;

    for (size_t i = 0; i < work->blob_count; i++) {
        const struct import_blob *blob = &work->blobs[i];
        char name[REPOSITORY_NAME_MAX + DIGEST_TEXT_MAX + 16], digest[DIGEST_TEXT_MAX];

        report->present += blob->outcome == BLOB_PRESENT;
        report->shared += blob->outcome == BLOB_SHARED;
        report->blobs += blob->outcome == BLOB_FETCHED;
        report->bytes += blob->outcome == BLOB_FETCHED ? blob->size : 0;
        if (blob->outcome == BLOB_FAILED) {
            digest_format(&blob->digest, digest);
            snprintf(name, sizeof(name), "%s, blob %s", work->to.repository, digest);
            report_problem(report, name, blob->err.text);
        }
    }
}

/* ---- manifests and tags ---- */

struct putting {
    struct meta_change change; /* first: it is what apply() gets */
    const struct quotas *quotas;
    struct manifest_put put;
};

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    const struct putting *putting = (const struct putting *)change;
    const struct manifest_put *put = &putting->put;

    if (quota_admit_manifest(putting->quotas, txn, put->repository, &put->digest, put->bytes.n, e) != 0)
        return -1;
    return meta_manifest_put(txn, put, e);
}

static int put(const struct work *work, const struct tree_item *item, const struct str *tag, struct err *e)
{
    const struct import_batch *batch = work->batch;
    struct putting putting = {.change = {.apply = apply},
                              .quotas = batch->quotas,
                              .put = {.repository = str_of(batch->source->repository),
                                      .digest = item->digest,
                                      .manifest = &item->manifest,
                                      .bytes = {item->bytes.p, item->bytes.n},
                                      .tags = tag,
                                      .tag_count = tag == NULL ? 0 : 1,
                                      .allow_missing = batch->op->config->validation_disabled,
                                      .keep_tags = !batch->overwrite,
                                      .now = clock_wall_s()}};

    /* Twice: its pages and those above them in the tree. */
    if (uploads_reserve(batch->op->store->uploads, 2 * item->bytes.n, e) != 0)
        return -1;
    if (meta_write(batch->op->store->meta, &putting.change) == 0)
        return 0;
    *e = putting.change.err;
    return -1;
}

/* Children first; the tag with the manifest that it names. What is attached may fail. */
static int commit_tree(struct work *work, struct piece *piece)
{
    struct import_report *report = work->batch->report;

    for (size_t i = 0; i < piece->tree.n; i++) {
        const struct tree_item *item = &piece->tree.items[i];
        const struct str *tag = i == piece->tree.root && piece->is_tag && piece->fate == FATE_COPY ? &piece->reference
                                                                                                   : NULL;
        struct err e;

        if (item->here && tag == NULL)
            continue;
        report->manifests += !item->here;
        if (work->batch->dry_run || put(work, item, tag, &e) == 0)
            continue;
        report->manifests -= !item->here;
        if (!item->attached) {
            piece->err = e;
            return -1;
        }
        piece->tree.flaw = e;
    }
    return 0;
}

static void finish_piece(struct work *work, struct piece *piece)
{
    struct import_report *report = work->batch->report;
    char name[REPOSITORY_NAME_MAX + DIGEST_TEXT_MAX];

    name_of(work, piece, name);
    if (piece->fate == FATE_KEPT) {
        report_kept(report, name);
        return;
    }
    if (piece->fate == FATE_FAILED || commit_tree(work, piece) != 0) {
        report_problem(report, name, piece->err.text);
        return;
    }
    report->unchanged += piece->fate == FATE_UNCHANGED;
    report->tags += piece->fate == FATE_COPY;
    if (work->batch->dry_run && piece->fate == FATE_COPY && !report->json && !report->quiet)
        op_print(work->batch->op, "would copy %s", name);
    if (piece->tree.flaw.code != ERR_NONE)
        report_problem(report, name, piece->tree.flaw.text);
}

/* ---- all of it ---- */

static bool run(struct work *work)
{
    struct crew *crew = work->batch->crew;

    if (!crew_run(crew, &(struct crew_work){.count = work->n, .work = collect, .watch = watch_trees, .arg = work}))
        return false;
    list_blobs(work);
    work->began_ms = clock_monotonic_ms();
    return crew_run(
        crew, &(struct crew_work){.count = work->blob_count, .work = fetch_blob, .watch = watch_blobs, .arg = work});
}

int batch_copy(const struct import_batch *batch, const struct str *references, size_t n, struct err *e)
{
    struct work work = {
        .batch = batch,
        .n = n,
        .to = {.store = batch->op->store, .quotas = batch->quotas, .repository = batch->source->repository}};
    bool done;

    for (size_t i = 0; i < n; i++)
        work.pieces[i] = (struct piece){.reference = references[i],
                                        .is_tag = str_find(references[i], ':') == references[i].n};
    done = run(&work);
    if (done)
        count_blobs(&work);
    for (size_t i = 0; done && i < n; i++)
        finish_piece(&work, &work.pieces[i]);
    for (size_t i = 0; i < n; i++)
        tree_clear(&work.pieces[i].tree);
    free(work.blobs);
    return done ? 0 : err_set(e, ERR_BUSY, "cancelled; what was copied stays, and running it again goes on from there");
}
