/*
 * Graphs that somebody makes to hurt: a hundred thousand referrers of one subject, long chains of subjects, indexes that
 * share their children over many levels, so that there are more ways through them than one could ever walk. Pushing
 * them, deciding what stays, and removing them takes time in proportion to how many there are: of two sizes the times
 * are compared, in seconds of the processor, with room for noise and logarithms.
 */
#include <stdlib.h>
#include <time.h>

#include "storage/meta/meta_history.h"
#include "storage/upkeep/untagged.h"
#include "tests/unit/meta/meta_fixture.h"

enum { GRACE = 10, LATER = NOW + GRACE + 1, ROOM = 3 };

enum shape { CROWD, CHAIN, LATTICE };

/* Manifests put by one change, in an order in which what they name is there. The last is tagged; of a crowd and a chain
 * the first, as the others hang on it. */
struct graph {
    struct meta_change change; /* first */
    enum shape shape;
    size_t n;
    struct digest *digests;
    uint64_t *sizes;
};

/* The bytes of number `i`. */
static struct sbuf node(const struct graph *g, size_t i)
{
    size_t level = i / 2 * 2; /* a lattice has two on each level, and both name both below */
    bool has_children = g->shape == LATTICE && level > 0;
    const struct digest *subject = g->shape == LATTICE || i == 0 ? NULL : &g->digests[g->shape == CROWD ? 0 : i - 1];
    struct sbuf more = {0}, bytes;

    sbuf_printf(&more, ",\"annotations\":{\"n\":\"%zu\"}", i);
    if (subject != NULL) {
        sbuf_printf(&more, ",\"subject\":");
        descriptor(&more, OCI_LIST, *subject, 1, "");
    }
    bytes = index_of(has_children ? g->digests + level - 2 : NULL, has_children ? g->sizes + level - 2 : NULL,
                     has_children ? 2 : 0, sbuf_text(&more));
    sbuf_free(&more);
    return bytes;
}

static int put_node(struct meta_txn *txn, struct graph *g, size_t i, struct err *e)
{
    struct sbuf bytes = node(g, i);
    struct str tag = STR("t");
    struct manifest m;
    int rc = manifest_parse(text_of(&bytes), (struct str){0}, &m, e);

    if (rc == 0) {
        struct manifest_put put = {.repository = STR("a"), .manifest = &m, .bytes = text_of(&bytes), .now = NOW};

        digest_of(DIGEST_SHA256, bytes.p, bytes.n, &g->digests[i]);
        g->sizes[i] = bytes.n;
        put.digest = g->digests[i];
        put.tags = &tag;
        put.tag_count = i == (g->shape == LATTICE ? g->n - 1 : 0);
        rc = meta_manifest_put(txn, &put, e);
        manifest_free(&m);
    }
    sbuf_free(&bytes);
    return rc;
}

static int put_all(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct graph *g = (struct graph *)change;

    for (size_t i = 0; i < g->n; i++)
        if (put_node(txn, g, i, e) != 0)
            return -1;
    return 0;
}

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct times {
    double put, look, remove;
};

static uint64_t clean(struct world *w, bool dry_run)
{
    const struct untagged_options options = {.grace_s = GRACE, .now = LATER, .dry_run = dry_run};
    uint64_t removed, forgotten;

    if (!dry_run && history_forget_all(w->meta, UINT64_MAX, UINT64_MAX, NULL, &forgotten, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    if (untagged_remove(w->meta, &options, &removed, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    return removed;
}

/* Nothing goes while the tag is there but the top's unneeded neighbour in a lattice, and all goes without it and its
 * history. */
static struct times try_graph(enum shape shape, size_t n)
{
    struct graph g = {.change = {.apply = put_all}, .shape = shape, .n = n};
    size_t loose = shape == LATTICE;
    struct times t;
    struct world w;

    g.digests = xcalloc(n, sizeof(*g.digests));
    g.sizes = xcalloc(n, sizeof(*g.sizes));
    world_open(&w);
    t.put = cpu_s();
    if (meta_write(w.meta, &g.change) != 0)
        test_fail(__FILE__, __LINE__, "%s", g.change.err.text);
    t.look = cpu_s();
    CHECK_INT(clean(&w, true), loose);
    t.remove = cpu_s();
    t.put = t.look - t.put;
    t.look = t.remove - t.look;
    CHECK_INT(tag_delete(&w, "a", "t"), 0);
    CHECK_INT(clean(&w, false), n);
    t.remove = cpu_s() - t.remove;
    CHECK_INT(table_entries(look(&w), KV_MANIFESTS), 0);
    meta_done(w.reader);
    CHECK_INT(table_entries(look(&w), KV_REFERRERS), 0);
    meta_done(w.reader);
    world_close(&w);
    free(g.digests);
    free(g.sizes);
    return t;
}

static void in_proportion(const char *what, double few_s, double many_s, size_t times)
{
    if (many_s > few_s * (double)times * ROOM + 0.05)
        test_fail(__FILE__, __LINE__, "%s: %.3f s for some, %.3f s for %zu times as many", what, few_s, many_s, times);
}

static void try_shape(enum shape shape, size_t few, size_t times)
{
    struct times some = try_graph(shape, few), many = try_graph(shape, few * times);

    in_proportion("to put", some.put, many.put, times);
    in_proportion("to look", some.look, many.look, times);
    in_proportion("to remove", some.remove, many.remove, times);
}

TEST(crowd, "100,000 referrers of one subject cost ten times what 10,000 do, to put, to keep and to remove")
{
    try_shape(CROWD, 10000, 10);
}

TEST(chain, "a chain of 8,000 subjects costs eight times what one of 1,000 does, and hangs on its first link")
{
    try_shape(CHAIN, 1000, 8);
}

TEST(lattice, "8,000 indexes that share their children, with 2^4,000 ways through them, cost eight times what 1,000 do")
{
    try_shape(LATTICE, 1000, 8);
}
