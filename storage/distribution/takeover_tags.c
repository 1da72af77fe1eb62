/*
 * Step 3 of takeover.h: tags.
 *
 * The old registry keeps, for each tag, a link for every digest that it ever pointed to; when it was written is when the
 * tag was moved there. The moves of one tag are made in one change, the oldest first, so that nobody sees it anywhere but
 * where it ends, and its history tells of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/distribution/takeover_internal.h"
#include "storage/meta/meta_take.h"

enum { FORMER_MOST = 32 /* of one tag: the newest */ };

struct move {
    size_t repository;
    char tag[TAG_MAX + 1];
    struct digest digest;
    uint64_t when;
    bool former; /* that it did not stay there */
    enum tag_take end;
};

struct tag_batch {
    struct meta_change change; /* first */
    struct takeover *t;
    struct move moves[TAKEOVER_TAGS];
    size_t count;
};

struct tag_batch *tag_batch_new(void)
{
    return xcalloc(1, sizeof(struct tag_batch));
}

void tag_batch_free(struct tag_batch **batch)
{
    free(*batch);
    *batch = NULL;
}

/* ---- moving ---- */

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct tag_batch *b = (struct tag_batch *)change;

    for (size_t i = 0; i < b->count; i++) {
        struct move *move = &b->moves[i];

        if (meta_tag_take(txn, takeover_name(b->t, move->repository), str_of(move->tag), &move->digest, move->when,
                          &move->end, e) != 0)
            return -1;
    }
    return 0;
}

/* `made` is true when the moves before it, of the same tag, have made the tag. */
static void tell(struct takeover *t, const struct move *move, bool made)
{
    struct takeover_result *r = t->result;

    switch (made && move->end == TAG_MOVED ? TAG_MADE : move->end) {
    case TAG_MADE:
        r->tags++;
        break;
    case TAG_MOVED:
        r->tags++;
        r->tags_moved++;
        break;
    case TAG_SAME:
        r->tags_there++;
        break;
    case TAG_NEWER:
        r->tags_newer++;
        takeover_odd(t, ODD_TAG_NEWER, move->repository, move->tag,
                     "it was moved or deleted here after the old registry moved it; left as it is");
        break;
    case TAG_DANGLING:
        r->tags_lost++;
        takeover_odd(t, ODD_TAG_DANGLING, move->repository, move->tag, "the manifest that it points to is not there");
        break;
    }
}

int takeover_tags_flush(struct takeover *t, struct err *e)
{
    struct tag_batch *b = t->tags;
    bool made = false;
    int rc = 0;

    if (b->count > 0 && !t->options->dry_run) {
        b->t = t;
        b->change = (struct meta_change){.apply = apply};
        rc = takeover_write(t, &b->change, e);
    }
    for (size_t i = 0; i < b->count && rc == 0; i++) {
        if (!b->moves[i].former)
            tell(t, &b->moves[i], made);
        made = b->moves[i].former && (made || b->moves[i].end == TAG_MADE);
    }
    b->count = 0;
    return rc;
}

/* ---- gathering ---- */

struct tag_walk {
    struct takeover *t;
    size_t repository;
    const struct move *now; /* where the tag points to */
    struct move former[FORMER_MOST];
    size_t count;
};

static int by_time(const void *a, const void *b)
{
    const struct move *x = a, *y = b;

    return x->when < y->when ? -1 : x->when > y->when;
}

/* Keeps the newest. */
static void keep_former(struct tag_walk *w, const struct move *move)
{
    size_t oldest = 0;

    if (w->count < FORMER_MOST) {
        w->former[w->count++] = *move;
        return;
    }
    for (size_t i = 1; i < w->count; i++)
        if (w->former[i].when < w->former[oldest].when)
            oldest = i;
    if (move->when > w->former[oldest].when)
        w->former[oldest] = *move;
}

static int look_back(const struct layout_entry *entry, void *arg, struct err *e)
{
    struct tag_walk *w = arg;
    char path[2 * DIGEST_RAW_MAX + 8];
    struct layout_link link;
    struct move move = *w->now;

    (void)e;
    snprintf(path, sizeof(path), "%s/link", entry->hex);
    if (digest_equal(&entry->name, &w->now->digest) || layout_link(entry->dir, path, &link, NULL) != 0)
        return 0;
    move.former = true;
    move.digest = link.target;
    move.when = takeover_time(w->t, link.written);
    if (move.when < w->now->when)
        keep_former(w, &move);
    return 0;
}

/* Is the tag where it is to be already? */
static int is_there(struct takeover *t, const struct move *move, bool *there, struct err *e)
{
    struct meta_txn *txn = meta_read(t->reader, e);
    struct manifest_view view;

    if (txn == NULL)
        return -1;
    *there = meta_tag_get(txn, takeover_name(t, move->repository), str_of(move->tag), &view, NULL) == 0 &&
             digest_equal(&view.digest, &move->digest);
    meta_done(t->reader);
    return 0;
}

/* With what came before it, in one change. */
static int add(struct tag_walk *w, const struct move *now, struct err *e)
{
    struct tag_batch *b = w->t->tags;

    if (b->count + w->count + 1 > TAKEOVER_TAGS && takeover_tags_flush(w->t, e) != 0)
        return -1;
    qsort(w->former, w->count, sizeof(w->former[0]), by_time);
    for (size_t i = 0; i < w->count; i++)
        b->moves[b->count++] = w->former[i];
    b->moves[b->count++] = *now;
    return 0;
}

static int take_tag(const char *tag, int dir, void *arg, struct err *e)
{
    struct tag_walk *w = arg;
    struct takeover *t = w->t;
    struct move now = {.repository = w->repository};
    struct layout_link link;
    struct err why;
    bool there = false;
    int rc = 0;

    if (layout_link(dir, "current/link", &link, &why) != 0) {
        takeover_odd(t, why.code == ERR_NOT_FOUND ? ODD_TAG_DANGLING : ODD_LINK, w->repository, tag,
                     why.code == ERR_NOT_FOUND ? "it points nowhere" : why.text);
        t->result->tags_lost++;
        return takeover_step(t, w->repository, e);
    }
    if (link.untidy)
        takeover_odd(t, ODD_LINK, w->repository, tag, "its link holds more than a digest");
    snprintf(now.tag, sizeof(now.tag), "%s", tag);
    now.digest = link.target;
    now.when = takeover_time(t, link.written);
    if (is_there(t, &now, &there, e) != 0)
        return -1;
    w->now = &now;
    w->count = 0;
    t->result->tags_there += there;
    if (!there)
        rc = layout_tag_index(&t->layout, takeover_name(t, w->repository), dir, look_back, w, e);
    if (rc == 0 && !there)
        rc = add(w, &now, e);
    return rc == 0 ? takeover_step(t, w->repository, e) : -1;
}

int takeover_tags(struct takeover *t, size_t repository, struct err *e)
{
    struct tag_walk w = {.t = t, .repository = repository};

    return layout_tags(&t->layout, takeover_name(t, repository), take_tag, &w, e);
}
