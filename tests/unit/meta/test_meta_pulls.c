/* When manifests were pulled. */
#include "tests/unit/meta/history_fixture.h"

static uint64_t pulled(struct world *w, const char *tag)
{
    struct tag_info info;

    CHECK_INT(meta_tag_info(look(w), STR("a"), str_of(tag), &info, &w->err), 0);
    meta_done(w->reader);
    return info.pulled;
}

static void pull(struct world *w, struct digest d, uint64_t when)
{
    struct op op = {.kind = PULLS_NOTE, .pull = {.repository = 1, .digest = d, .when = when}};

    CHECK_INT(world_run(w, &op), 0);
}

TEST(pulls, "the time of a pull is written when what is known is an hour old, and goes with its manifest")
{
    struct world w;
    struct digest one;

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(pulled(&w, "v"), 0);
    pull(&w, one, 5000);
    CHECK_INT(pulled(&w, "v"), 5000);
    pull(&w, one, 5000 + PULL_ACCURACY_S - 1);
    CHECK_INT(pulled(&w, "v"), 5000);
    pull(&w, one, 5000 + PULL_ACCURACY_S);
    CHECK_INT(pulled(&w, "v"), 5000 + PULL_ACCURACY_S);
    CHECK_INT(manifest_delete(&w, "a", one), 0);
    pull(&w, one, 90000); /* somebody read it while it was deleted */
    CHECK_INT(table_entries(look(&w), KV_PULLS), 0);
    meta_done(w.reader);
    image(&w, 1, "v");
    CHECK_INT(pulled(&w, "v"), 0);
    world_close(&w);
}

static int begin_noting(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    (void)change;
    return meta_pulls_begin(txn, test_now, e);
}

TEST(pulls_since, "since when pulls are noted is written once")
{
    struct meta_change change = {.apply = begin_noting};
    struct world w;

    open_world(&w);
    CHECK_INT(meta_pulls_since(look(&w), 123), 123);
    meta_done(w.reader);
    CHECK_INT(meta_write(w.meta, &change), 0);
    test_now += 50;
    CHECK_INT(meta_write(w.meta, &change), 0);
    CHECK_INT(meta_pulls_since(look(&w), 123), NOW + 100);
    meta_done(w.reader);
    world_close(&w);
}
