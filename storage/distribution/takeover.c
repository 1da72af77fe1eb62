#include "storage/distribution/takeover.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/clock.h"
#include "storage/distribution/inplace.h"
#include "storage/distribution/takeover_internal.h"

enum { INDEX_PASSES_MOST = 16 /* indexes of indexes */ };

/* ---- what the parts share ---- */

struct str takeover_name(const struct takeover *t, size_t repository)
{
    return str_of(t->names[repository]);
}

int takeover_step(struct takeover *t, size_t repository, struct err *e)
{
    t->result->entries_done++;
    t->found[repository]++;
    if (t->options->progress != NULL)
        t->options->progress(t->result, t->options->arg);
    return interrupt_check(&t->options->interrupt, INTERRUPT_RESUMES, e);
}

/* From the layout and from here. */
static void note_odd(const struct oddity *oddity, void *arg)
{
    struct takeover *t = arg;

    t->result->oddities++;
    t->result->odd[oddity->kind]++;
    if (t->options->odd != NULL)
        t->options->odd(oddity, t->options->arg);
}

void takeover_odd(struct takeover *t, enum oddity_kind kind, size_t repository, const char *what, const char *reason)
{
    layout_odd(&t->layout, kind, takeover_name(t, repository), what, reason);
}

int takeover_write(struct takeover *t, struct meta_change *change, struct err *e)
{
    if (meta_write(t->store->meta, change) == 0)
        return 0;
    *e = change->err;
    return -1;
}

uint64_t takeover_time(const struct takeover *t, uint64_t written)
{
    return written < t->now ? written : t->now;
}

/* ---- a group ---- */

static int take_layers(struct takeover *t, struct err *e)
{
    for (size_t i = 0; i < t->count; i++)
        if (takeover_layers(t, i, e) != 0)
            return err_wrap(e, "%s", t->names[i]);
    return takeover_layers_flush(t, e);
}

static int take_pass(struct takeover *t, struct pass *pass, struct err *e)
{
    pass->left = pass->done = 0;
    for (size_t i = 0; i < t->count; i++)
        if (takeover_manifests(t, i, pass, e) != 0)
            return err_wrap(e, "%s", t->names[i]);
    return takeover_manifests_flush(t, pass, e);
}

/* What an index names comes before it. */
static int take_manifests(struct takeover *t, struct err *e)
{
    struct pass pass = {.which = PASS_IMAGES};

    if (take_pass(t, &pass, e) != 0)
        return -1;
    pass.which = PASS_INDEXES;
    for (int i = 0; i < INDEX_PASSES_MOST && pass.left > 0 && (i == 0 || pass.done > 0); i++)
        if (take_pass(t, &pass, e) != 0)
            return -1;
    pass.which = PASS_LEFTOVERS;
    return pass.left > 0 ? take_pass(t, &pass, e) : 0;
}

static int take_tags(struct takeover *t, struct err *e)
{
    for (size_t i = 0; i < t->count; i++)
        if (takeover_tags(t, i, e) != 0)
            return err_wrap(e, "%s", t->names[i]);
    return takeover_tags_flush(t, e);
}

/* No blob of it is swept between its record and the manifest that names it, whatever the grace is. */
static int take_group(struct takeover *t, struct err *e)
{
    int rc;

    t->now = clock_wall_s();
    memset(t->found, 0, sizeof(t->found));
    store_hold_sweeps(t->store);
    rc = take_layers(t, e);
    if (rc == 0)
        rc = take_manifests(t, e);
    if (rc == 0)
        rc = take_tags(t, e);
    store_release_sweeps(t->store);
    for (size_t i = 0; i < t->count && rc == 0; i++)
        if (t->found[i] == 0)
            takeover_odd(t, ODD_REPOSITORY_EMPTY, i, t->names[i], "it is empty");
    t->result->repositories += t->count;
    t->count = 0;
    return rc;
}

/* ---- all of it ---- */

static bool is_wanted(const struct takeover *t, struct str name)
{
    return t->options->wanted == NULL || t->options->wanted(name, t->options->arg);
}

static int count_repository(struct str name, void *arg, struct err *e)
{
    struct takeover *t = arg;
    struct layout_count count = {0};

    if (!is_wanted(t, name))
        return 0;
    layout_count(&t->layout, name, &count);
    t->result->entries += count.layers + count.revisions + count.tags;
    if (t->options->progress != NULL)
        t->options->progress(t->result, t->options->arg);
    return interrupt_check(&t->options->interrupt, INTERRUPT_RESUMES, e);
}

/* How much there is, so that people can be told how long it takes. What is odd is told by the walk that follows. */
static int count_all(struct takeover *t, struct err *e)
{
    oddity_cb *odd = t->layout.odd;
    int rc;

    t->layout.odd = NULL;
    rc = layout_repositories(&t->layout, count_repository, t, e);
    t->layout.odd = odd;
    return rc;
}

static int gather(struct str name, void *arg, struct err *e)
{
    struct takeover *t = arg;

    if (!is_wanted(t, name))
        return 0;
    snprintf(t->names[t->count++], sizeof(t->names[0]), "%.*s", (int)name.n, name.p);
    return t->count == GROUP ? take_group(t, e) : 0;
}

static int run(struct takeover *t, struct err *e)
{
    bool own = !t->options->dry_run && t->options->wanted == NULL && inplace_is_own(t->store->root, &t->layout);

    if ((own && inplace_begin(t->store->root, e) != 0) || count_all(t, e) != 0 ||
        layout_repositories(&t->layout, gather, t, e) != 0 || (t->count > 0 && take_group(t, e) != 0))
        return -1;
    return own ? inplace_finish(t->store->root, e) : 0;
}

static int open_workshop(struct takeover *t, struct err *e)
{
    char path[PATH_MAX];
    const struct carrier_options options = {.workshop = path,
                                            .copies = t->options->copies,
                                            .serves = true,
                                            .mode = 0600,
                                            .interrupt = t->options->interrupt};

    if (t->options->dry_run)
        return 0;
    return store_path(t->store->root, "incoming", path, e) == 0 ? carrier_open(&t->carrier, &options, e) : -1;
}

int takeover_run(const struct store *store, const struct takeover_options *options, struct takeover_result *result,
                 struct err *e)
{
    struct takeover *t = xcalloc(1, sizeof(*t));
    int rc = -1;

    *result = (struct takeover_result){0};
    t->store = store;
    t->options = options;
    t->result = result;
    t->blobs = blob_batch_new();
    t->manifests = manifest_batch_new();
    t->tags = tag_batch_new();
    if (layout_open(&t->layout, options->source, note_odd, t, e) == 0) {
        t->reader = meta_reader_new(store->meta, e);
        if (t->reader != NULL && open_workshop(t, e) == 0)
            rc = run(t, e);
        carrier_close(&t->carrier);
        meta_reader_free(&t->reader);
        layout_close(&t->layout);
    }
    tag_batch_free(&t->tags);
    manifest_batch_free(&t->manifests);
    blob_batch_free(&t->blobs);
    free(t);
    return rc;
}
