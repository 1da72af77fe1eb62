/* The history takes no more than it may, and of what it holds the newest stays. */
#include "tests/unit/meta/check_fixture.h"
#include "tests/unit/meta/history_check.h"
#include "tests/unit/still_clock.h"

__attribute__((constructor)) static void begin(void)
{
    test_now = NOW;
}

static void whole(struct world *w)
{
    history_check(look(w));
    meta_done(w->reader);
    check_whole(w->meta);
}

/* Put a number into `info`, as if much had happened. */
struct pretence {
    struct meta_change change; /* first */
    struct key key;
    uint64_t number;
};

static int apply_pretence(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct pretence *p = (struct pretence *)change;
    char value[8];

    u64_encode(p->number, value);
    kv_put(txn, KV_INFO, key_str(&p->key), (struct str){value, sizeof(value)});
    return kv_status(txn, e);
}

static void pretend(struct world *w, struct key key, uint64_t number)
{
    struct pretence p = {.change = {.apply = apply_pretence}, .key = key, .number = number};

    CHECK_INT(meta_write(w->meta, &p.change), 0);
}

/* ---- events ---- */

static size_t entries(struct world *w, enum kv_table table)
{
    size_t n = table_entries(look(w), table);

    meta_done(w->reader);
    return n;
}

static int undo(struct world *w, const char *repository, const char *tag, const struct digest *d)
{
    struct op op = {.kind = TAG_RESTORE};

    op.restore = (struct tag_restore){
        .repository = str_of(repository), .tag = str_of(tag), .digest = d, .now = test_now};
    return world_run(w, &op);
}

TEST(tag, "a tag keeps its newest thousand events, and another's are not touched by that")
{
    struct digest one, two;
    struct world w;

    world_open(&w);
    push_image(&w, "a", 1, "v-1", "");
    one = push_image(&w, "a", 1, "v", "");
    two = push_image(&w, "a", 1, "v", ",\"annotations\":{\"n\":\"2\"}");
    for (int i = 0; i < TAG_EVENTS_MOST + 5; i++)
        CHECK_INT(undo(&w, "a", "v", i % 2 == 0 ? &one : &two), 0);
    CHECK_INT(entries(&w, KV_TAG_EVENTS), TAG_EVENTS_MOST + 1);
    CHECK_INT(entries(&w, KV_EVENTS), TAG_EVENTS_MOST + 1);
    CHECK_INT(tag_points_to(&w, "a", "v", one), 0);
    CHECK_INT(undo(&w, "a", "v", NULL), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", two), 0);
    CHECK_INT(tag_delete(&w, "a", "v-1"), 0);
    CHECK_INT(undo(&w, "a", "v-1", NULL), 0);
    whole(&w);
    world_close(&w);
}

TEST(all, "of all events the oldest go when there are too many, two for each that comes")
{
    struct key next = {.n = 0};
    struct digest first, last;
    char tag[8];
    struct world w;

    world_open(&w);
    key_bytes(&next, STR("next-event"));
    first = push_image(&w, "a", 1, "v", "");
    CHECK_INT(manifest_delete(&w, "a", first), 0); /* events 2 and 3 */
    for (int i = 0; i < 3; i++) {
        snprintf(tag, sizeof(tag), "v%d", i);
        last = push_image(&w, "b", 1, tag, "");
    }
    CHECK_INT(entries(&w, KV_EVENTS), 6);
    pretend(&w, next, EVENTS_MOST);
    CHECK_INT(tag_delete(&w, "b", "v0"), 0);
    CHECK_INT(entries(&w, KV_EVENTS), 7);
    pretend(&w, next, EVENTS_MOST + 3);
    CHECK_INT(tag_delete(&w, "b", "v1"), 0);
    CHECK_INT(entries(&w, KV_EVENTS), 6);
    CHECK_INT(entries(&w, KV_REMOVED), 1);
    CHECK_INT(manifest_delete(&w, "b", last), 0); /* two events, and four of the old ones are too old */
    CHECK_INT(undo(&w, "a", "v", &first), -1);
    CHECK_INT(undo(&w, "b", "v2", NULL), 0);
    CHECK_INT(tag_points_to(&w, "b", "v2", last), 0);
    whole(&w);
    world_close(&w);
}

/* ---- deleted manifests ---- */

enum { LARGE = 4 * 1024 * 1024 };

/* The annotation makes it as large as it says, and another for each number. */
static struct digest push_large(struct world *w, const char *repository, unsigned number, size_t bytes)
{
    struct sbuf more = {0};
    struct digest d;

    sbuf_printf(&more, ",\"annotations\":{\"n%u\":\"", number);
    while (more.n < bytes)
        sbuf_printf(&more, "%064d", 0);
    sbuf_printf(&more, "\"}");
    d = push_image(w, repository, 1, "v", sbuf_text(&more));
    sbuf_free(&more);
    return d;
}

static struct digest delete_large(struct world *w, const char *repository, unsigned number)
{
    struct digest d = push_large(w, repository, number, LARGE);

    test_now++;
    CHECK_INT(manifest_delete(w, repository, d), 0);
    return d;
}

TEST(removed, "a repository's deleted manifests take so much and no more: the oldest of it go, and of no other")
{
    struct digest other, d[20];
    struct world w;

    world_open(&w);
    other = delete_large(&w, "other", 0);
    for (unsigned i = 0; i < 20; i++)
        d[i] = delete_large(&w, "a", i);
    CHECK_INT(entries(&w, KV_REMOVED), 1 + 7);
    whole(&w);
    CHECK_INT(undo(&w, "a", "v", &d[12]), -1);
    CHECK(strstr(w.err.text, "is gone; push the image again") != NULL);
    for (unsigned i = 13; i < 20; i++)
        CHECK_INT(undo(&w, "a", "v", &d[i]), 0);
    CHECK_INT(undo(&w, "other", "v", &other), 0);
    CHECK_INT(entries(&w, KV_REMOVED), 0);
    whole(&w);
    world_close(&w);
}

/* Small ones, as many as there is room for and some more; returns how many are kept. */
static size_t delete_small(struct world *w, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++) {
        test_now++;
        CHECK_INT(manifest_delete(w, "a", push_large(w, "a", i, 64)), 0);
    }
    return entries(w, KV_REMOVED);
}

TEST(few_walks, "where there is no room, some more go than need to, and the next ones need nobody to go")
{
    struct world w;
    struct key sum;
    size_t kept;

    world_open(&w);
    CHECK_INT(delete_small(&w, 0, 200), 200);
    removed_bytes_key(&sum, 1);
    pretend(&w, sum, REMOVED_BYTES_MOST);
    kept = delete_small(&w, 200, 1);
    CHECK_INT(kept, 200 - 64 + 1);
    CHECK_INT(delete_small(&w, 201, 60), kept + 60);
    world_close(&w);
}

TEST(no_room, "a deleted manifest for which the others' leave no room takes that of its own repository, or is not kept")
{
    struct digest own, newer, none;
    struct world w;
    struct key all;

    world_open(&w);
    own = delete_large(&w, "a", 0);
    removed_bytes_key(&all, REMOVED_OF_ALL);
    pretend(&w, all, REMOVED_ALL_MOST);
    newer = delete_large(&w, "a", 1);
    none = delete_large(&w, "b", 0);
    CHECK_INT(entries(&w, KV_REMOVED), 1);
    CHECK_INT(undo(&w, "a", "v", &own), -1);
    CHECK_INT(undo(&w, "a", "v", &newer), 0);
    CHECK_INT(undo(&w, "b", "v", &none), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

TEST(rounds, "one large manifest pushed and deleted again and again takes the room of one")
{
    struct world w;

    world_open(&w);
    for (int i = 0; i < 12; i++)
        delete_large(&w, "a", 7);
    CHECK_INT(entries(&w, KV_REMOVED), 1);
    whole(&w);
    world_close(&w);
}
