/* What is remembered of tags, and when it is forgotten. */
#include "tests/unit/meta/history_fixture.h"

/* ---- what is remembered ---- */

TEST(remembered, "a tag's history tells what it pointed to before and after each event, the newest first")
{
    struct world w;
    struct digest one, two;

    open_world(&w);
    one = image(&w, 1, "v");
    two = image(&w, 2, "v");
    image(&w, 2, "v"); /* the same again */
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    image(&w, 1, "v");
    test_now = NOW + 200;
    CHECK_INT(manifest_delete(&w, "a", one), 0);
    image(&w, 1, "w");
    history_is(
        &w, "v",
        "v taken %02x>00@200\nv created 00>%02x@0\nv deleted %02x>00@100\nv moved %02x>%02x@0\nv created 00>%02x@0\n",
        one.raw[0], one.raw[0], two.raw[0], one.raw[0], two.raw[0], one.raw[0]);
    history_is(&w, "w", "w created 00>%02x@0\n", one.raw[0]);
    history_is(&w, "vw", "%s", "");
    world_close(&w);
}

TEST(all_tags, "the history of a repository is that of its tags in their order, also of those that begin alike")
{
    struct world w;
    struct digest d;

    open_world(&w);
    d = image(&w, 1, "v-1");
    image(&w, 1, "v");
    image(&w, 1, "v1");
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    history_is(&w, "", "v deleted %02x>00@100\nv created 00>%02x@0\nv-1 created 00>%02x@0\nv1 created 00>%02x@0\n",
               d.raw[0], d.raw[0], d.raw[0], d.raw[0]);
    world_close(&w);
}

TEST(unknown, "of a repository that nobody knows there is no history")
{
    struct history_place place = {.last = {.n = 0}};
    struct lines lines;
    struct world w;
    bool more;

    open_world(&w);
    CHECK_INT(
        meta_history(look(&w), &(struct history_query){STR("b"), STR(""), 9}, &place, add_line, &lines, &more, &w.err),
        -1);
    CHECK_TEXT(w.err.text, "b: nothing was ever pushed under this name");
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    meta_done(w.reader);
    world_close(&w);
}

/* ---- expiring ---- */

struct expiry {
    struct meta_change change; /* first */
    struct digest digest;
    uint64_t moved;
    bool gone;
};

static int apply_expiry(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct expiry *x = (struct expiry *)change;

    return meta_tag_expire(txn, STR("a"), STR("v"), &x->digest, x->moved, &x->gone, e);
}

static bool expires(struct world *w, struct digest d, uint64_t moved)
{
    struct expiry x = {.change = {.apply = apply_expiry}, .digest = d, .moved = moved};

    CHECK_INT(meta_write(w->meta, &x.change), 0);
    return x.gone;
}

TEST(expire, "a rule of retention deletes only the tag it has looked at, and can be undone")
{
    struct world w;
    struct digest one, two;

    open_world(&w);
    one = image(&w, 1, "v");
    two = image(&w, 2, NULL);
    CHECK(!expires(&w, two, NOW));
    CHECK(!expires(&w, one, NOW - 1));
    CHECK(expires(&w, one, NOW));
    CHECK(!expires(&w, one, NOW));
    history_is(&w, "v", "v expired %02x>00@100\nv created 00>%02x@0\n", one.raw[0], one.raw[0]);
    CHECK_INT(restore(&w, "v", NULL, 0), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", one), 0);
    world_close(&w);
}

/* ---- forgetting ---- */

static size_t forget_before(struct world *w, uint64_t before, size_t limit)
{
    struct op op = {.kind = HISTORY_FORGET, .now = before, .limit = limit};

    CHECK_INT(world_run(w, &op), 0);
    history_check(look(w));
    meta_done(w->reader);
    return op.forgotten;
}

TEST(forget, "events are forgotten oldest first, by their age and in bounded steps, and with them what they name")
{
    struct world w;
    struct digest one;

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(manifest_delete(&w, "a", one), 0); /* two events a hundred seconds later */
    CHECK_INT(forget_before(&w, NOW, 9), 0);
    CHECK_INT(forget_before(&w, NOW + 100, 9), 1);
    history_is(&w, "v", "v taken %02x>00@100\n", one.raw[0]);
    CHECK_INT(forget_before(&w, NOW + 101, 1), 1);
    CHECK_INT(table_entries(look(&w), KV_REMOVED), 1);
    meta_done(w.reader);
    CHECK_INT(forget_before(&w, NOW + 101, 9), 1);
    CHECK_INT(table_entries(look(&w), KV_REMOVED), 0);
    meta_done(w.reader);
    CHECK_INT(table_entries(look(&w), KV_RECALLABLE), 0);
    meta_done(w.reader);
    world_close(&w);
}

static bool enough(void *arg)
{
    return --*(int *)arg == 0;
}

TEST(forget_all, "forgetting goes on in small changes, and ends when it is told to")
{
    int rests = 2;
    struct world w;
    uint64_t forgotten;

    open_world(&w);
    for (int i = 0; i < 400; i++) {
        image(&w, 1, "v");
        CHECK_INT(tag_delete(&w, "a", "v"), 0);
    }
    CHECK_INT(
        history_forget_all(w.meta, NOW + 101, UINT64_MAX, &(struct interrupt){enough, &rests}, &forgotten, &w.err), -1);
    CHECK_TEXT(w.err.text, "cancelled; what was forgotten stays forgotten");
    CHECK_INT(forgotten, 512);
    CHECK_INT(history_forget_all(w.meta, NOW + 101, UINT64_MAX, NULL, &forgotten, &w.err), 0);
    CHECK_INT(forgotten, 288);
    world_close(&w);
}

static uint64_t forget_old(struct world *w, uint64_t before, uint64_t latest)
{
    uint64_t forgotten = 0;

    CHECK_INT(history_forget_all(w->meta, before, latest, NULL, &forgotten, &w->err), 0);
    history_check(look(w));
    meta_done(w->reader);
    return forgotten;
}

TEST(future, "events from a clock that was ahead are forgotten with the first one after them that is not")
{
    struct world w;

    open_world(&w);
    image(&w, 1, "v");
    test_now = NOW * 1000;
    for (int i = 0; i < 300; i++) {
        CHECK_INT(tag_delete(&w, "a", "v"), 0);
        test_now = NOW * 1000 + (uint64_t)i;
        if (i < 299)
            CHECK_INT(restore(&w, "v", NULL, 0), 0);
    }
    CHECK_INT(forget_old(&w, NOW + 1, NOW * 100), 1);
    image(&w, 1, "v");
    CHECK_INT(forget_old(&w, NOW, NOW * 100), 0);
    CHECK_INT(forget_old(&w, NOW + 1, NOW * 100), 600);
    world_close(&w);
}

TEST(past, "a clock that starts long ago has nothing forgotten, whatever happens before it is set")
{
    struct world w;

    open_world(&w);
    image(&w, 1, "v");
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    CHECK_INT(forget_old(&w, 0, NOW / 2), 0);
    image(&w, 1, "v");
    test_now = 100;
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    CHECK_INT(forget_old(&w, 50, NOW / 2), 0);
    test_now = NOW + 100;
    CHECK_INT(forget_old(&w, NOW, NOW * 100), 0);
    CHECK_INT(forget_old(&w, NOW + 101, NOW * 100), 4);
    world_close(&w);
}
