/* What is remembered of tags, what can be put back, and when both are forgotten. */
#include <stdarg.h>

#include "registry/base/clock.h"
#include "tests/unit/meta/history_check.h"

static uint64_t wall_s; /* of deletions; pushes are at NOW */

/* In place of those of registry/base/clock.c. */
uint64_t clock_wall_s(void)
{
    return wall_s;
}

uint64_t clock_monotonic_ms(void)
{
    return wall_s * 1000;
}

static void open_world(struct world *w)
{
    wall_s = NOW + 100;
    world_open(w);
}

/* One that differs from others by its number; its blobs are 1 and 2. */
static struct digest image(struct world *w, unsigned number, const char *tag)
{
    char more[64];

    snprintf(more, sizeof(more), ",\"annotations\":{\"n\":\"%u\"}", number);
    return push_image(w, "a", 1, tag, more);
}

static struct digest list(struct world *w, const char *tag, struct digest child)
{
    struct manifest_view view;
    struct sbuf bytes;
    struct digest d;
    uint64_t size;

    CHECK_INT(meta_manifest_get(look(w), STR("a"), &child, &view, &w->err), 0);
    size = view.bytes.n;
    meta_done(w->reader);
    bytes = index_of(&child, &size, 1, "");
    CHECK_INT(manifest_put(w, "a", text_of(&bytes), tag, false, &d), 0);
    sbuf_free(&bytes);
    return d;
}

static bool there(struct world *w, struct digest d)
{
    struct manifest_view view;
    int rc = meta_manifest_get(look(w), STR("a"), &d, &view, &w->err);

    meta_done(w->reader);
    return rc == 0;
}

static int restore(struct world *w, const char *tag, const struct digest *d, uint64_t at)
{
    struct op op = {.kind = TAG_RESTORE};
    int rc;

    op.restore = (struct tag_restore){
        .repository = STR("a"), .tag = str_of(tag), .digest = d, .has_at = at > 0, .at = at, .now = wall_s};
    w->err.text[0] = '\0';
    rc = world_run(w, &op);
    history_check(look(w));
    meta_done(w->reader);
    return rc;
}

/* ---- what is remembered ---- */

struct lines {
    char text[2000];
};

static const char *name_of(enum event_kind kind)
{
    static const char *const names[] = {[EVENT_CREATED] = "created", [EVENT_RESTORED] = "restored",
                                        [EVENT_MOVED] = "moved",     [EVENT_MOVED_BACK] = "moved back",
                                        [EVENT_DELETED] = "deleted", [EVENT_EXPIRED] = "expired",
                                        [EVENT_TAKEN] = "taken"};

    return names[kind];
}

static void add_line(const struct tag_event *event, void *arg)
{
    struct lines *lines = arg;
    size_t n = strlen(lines->text);

    snprintf(lines->text + n, sizeof(lines->text) - n, "%.*s %s %02x>%02x@%llu\n", (int)event->tag.n, event->tag.p,
             name_of(event->kind), event->was ? event->from.raw[0] : 0, event->is ? event->to.raw[0] : 0,
             (unsigned long long)event->when - NOW);
}

static void history_is(struct world *w, const char *tag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void history_is(struct world *w, const char *tag, const char *fmt, ...)
{
    struct history_place place = {.last = {.n = 0}};
    struct lines lines = {{0}};
    char wanted[2000];
    bool more = true;
    va_list args;

    va_start(args, fmt);
    vsnprintf(wanted, sizeof(wanted), fmt, args);
    va_end(args);
    while (more) { /* a snapshot each, two events at a time */
        CHECK_INT(meta_history(look(w), &(struct history_query){STR("a"), str_of(tag), 2}, &place, add_line, &lines,
                               &more, &w->err),
                  0);
        meta_done(w->reader);
    }
    CHECK_TEXT(lines.text, wanted);
    history_check(look(w));
    meta_done(w->reader);
}

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
    wall_s = NOW + 200;
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

/* ---- undoing ---- */

TEST(undo_move, "a tag that was moved is moved back, and undoing that moves it forth again")
{
    struct world w;
    struct digest one, two;

    open_world(&w);
    one = image(&w, 1, "v");
    two = image(&w, 2, "v");
    CHECK_INT(restore(&w, "v", NULL, 0), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", one), 0);
    CHECK_INT(restore(&w, "v", NULL, 0), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", two), 0);
    history_is(&w, "v",
               "v moved back %02x>%02x@100\nv moved back %02x>%02x@100\nv moved %02x>%02x@0\nv created 00>%02x@0\n",
               one.raw[0], two.raw[0], two.raw[0], one.raw[0], one.raw[0], two.raw[0], one.raw[0]);
    world_close(&w);
}

TEST(undo_delete, "a tag that was deleted is put back where it was")
{
    struct world w;
    struct digest one;

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    CHECK_INT(restore(&w, "v", NULL, 0), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", one), 0);
    history_is(&w, "v", "v restored 00>%02x@100\nv deleted %02x>00@100\nv created 00>%02x@0\n", one.raw[0], one.raw[0],
               one.raw[0]);
    world_close(&w);
}

TEST(at, "a tag is put back to what it was at a time, and to nothing else")
{
    struct world w;
    struct digest one, two;

    open_world(&w);
    one = image(&w, 1, "v"); /* at NOW */
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    wall_s = NOW + 200;
    two = image(&w, 2, NULL);
    CHECK_INT(restore(&w, "v", &two, 0), 0);
    wall_s = NOW + 300;
    CHECK_INT(restore(&w, "v", NULL, NOW + 99), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", one), 0);
    CHECK_INT(restore(&w, "v", NULL, NOW + 150), -1);
    CHECK_TEXT(w.err.text, "a: there was no tag v then; `berth tags history a:v` lists when");
    CHECK_INT(restore(&w, "v", NULL, NOW - 1), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_INT(restore(&w, "v", NULL, NOW + 250), 0);
    CHECK_INT(tag_points_to(&w, "a", "v", two), 0);
    CHECK_INT(restore(&w, "v", NULL, NOW + 301), -1);
    CHECK_TEXT(w.err.text, "a: nothing has happened to tag v since then");
    CHECK_INT(w.err.code, ERR_EXISTS);
    world_close(&w);
}

TEST(no_undo, "what nobody remembers, and what is so already, is said")
{
    struct world w;
    struct digest one, two = blob_digest(77);
    char wanted[300], text[DIGEST_TEXT_MAX];

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(restore(&w, "x", NULL, 0), -1);
    CHECK_TEXT(w.err.text, "a: nothing is known of what happened to tag x; it was never there, or longer ago than "
                           "storage.maintenance.history.keep");
    CHECK_INT(restore(&w, "v", &one, 0), -1);
    digest_format(&one, text);
    snprintf(wanted, sizeof(wanted), "a: tag v points to %s as it is", text);
    CHECK_TEXT(w.err.text, wanted);
    CHECK_INT(restore(&w, "v", &two, 0), -1);
    digest_format(&two, text);
    snprintf(wanted, sizeof(wanted), "tag v cannot be put back: a: manifest %s is gone; push the image again", text);
    CHECK_TEXT(w.err.text, wanted);
    world_close(&w);
}

TEST(deleted_manifest,
     "a manifest that was deleted by its digest is put back with its tag, its references and referrers")
{
    struct world w;
    struct digest one;

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(manifest_delete(&w, "a", one), 0);
    CHECK_INT(references(&w, "a", blob_digest(1)), 0);
    CHECK(!there(&w, one));
    CHECK_INT(restore(&w, "v", NULL, 0), 0);
    CHECK(there(&w, one));
    CHECK_INT(tag_points_to(&w, "a", "v", one), 0);
    CHECK_INT(references(&w, "a", blob_digest(1)), 1);
    CHECK_INT(table_entries(look(&w), KV_REMOVED), 0);
    meta_done(w.reader);
    world_close(&w);
}

TEST(missing_blob, "a manifest whose blob is gone is not put back, and the answer names the blob")
{
    char wanted[600], manifest[DIGEST_TEXT_MAX], blob[DIGEST_TEXT_MAX];
    struct world w;
    struct digest one, layer = blob_digest(2);

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(manifest_delete(&w, "a", one), 0);
    CHECK_INT(blob_delete(&w, "a", layer), 0);
    CHECK_INT(restore(&w, "v", NULL, 0), -1);
    digest_format(&one, manifest);
    digest_format(&layer, blob);
    snprintf(wanted, sizeof(wanted),
             "tag v cannot be put back, something of its image is gone: a: manifest %s names blob %s which this "
             "repository does not hold; push it first",
             manifest, blob);
    CHECK_TEXT(w.err.text, wanted);
    CHECK_INT(w.err.code, ERR_REFERENCE);
    CHECK(!there(&w, one));
    CHECK_INT(blob_put(&w, "a", layer, LAYER_SIZE, NOW), 0);
    CHECK_INT(restore(&w, "v", NULL, 0), 0);
    world_close(&w);
}

TEST(children, "an index is put back with its children that were deleted, too")
{
    struct world w;
    struct digest child, index;

    open_world(&w);
    child = image(&w, 1, NULL);
    index = list(&w, "all", child);
    CHECK_INT(manifest_delete(&w, "a", index), 0);
    CHECK_INT(manifest_delete(&w, "a", child), 0);
    CHECK_INT(restore(&w, "all", NULL, 0), 0);
    CHECK(there(&w, child) && there(&w, index));
    CHECK_INT(references(&w, "a", blob_digest(1)), 1);
    world_close(&w);
}

TEST(missing_child, "an index whose child is forgotten is put back only where children need not be there")
{
    struct op op = {.kind = TAG_RESTORE};
    struct world w;
    struct digest child, index;

    open_world(&w);
    child = image(&w, 1, NULL);
    index = list(&w, "all", child);
    CHECK_INT(manifest_delete(&w, "a", child), 0);
    history_forget(&w);
    CHECK_INT(manifest_delete(&w, "a", index), 0);
    CHECK_INT(restore(&w, "all", NULL, 0), -1);
    CHECK_INT(w.err.code, ERR_REFERENCE);
    CHECK(!there(&w, index));
    op.restore = (struct tag_restore){
        .repository = STR("a"), .tag = STR("all"), .allow_missing_children = true, .now = wall_s};
    CHECK_INT(world_run(&w, &op), 0);
    CHECK_INT(op.restore.manifests, 1);
    CHECK(there(&w, index));
    world_close(&w);
}

TEST(depth, "indexes nested deeper than anybody needs are not put back in one go")
{
    struct digest d[20];
    struct world w;

    open_world(&w);
    d[0] = image(&w, 1, NULL);
    for (int i = 1; i < 20; i++)
        d[i] = list(&w, i == 19 ? "deep" : NULL, d[i - 1]);
    for (int i = 19; i >= 0; i--)
        CHECK_INT(manifest_delete(&w, "a", d[i]), 0);
    CHECK_INT(restore(&w, "deep", NULL, 0), -1);
    CHECK_INT(w.err.code, ERR_TOO_LARGE);
    CHECK_INT(restore(&w, "middle", &d[10], 0), 0);
    CHECK_INT(restore(&w, "deep", NULL, 0), 0);
    CHECK(there(&w, d[19]) && there(&w, d[0]));
    world_close(&w);
}

TEST(pushed_again, "a deleted manifest that is pushed again is no longer kept aside")
{
    struct world w;
    struct digest one;

    open_world(&w);
    one = image(&w, 1, "v");
    CHECK_INT(manifest_delete(&w, "a", one), 0);
    CHECK_INT(table_entries(look(&w), KV_REMOVED), 1);
    meta_done(w.reader);
    image(&w, 1, NULL);
    history_is(&w, "v", "v taken %02x>00@100\nv created 00>%02x@0\n", one.raw[0], one.raw[0]);
    CHECK_INT(table_entries(look(&w), KV_REMOVED), 0);
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
    CHECK_INT(history_forget_all(w.meta, NOW + 101, UINT64_MAX, enough, &rests, &forgotten, &w.err), -1);
    CHECK_TEXT(w.err.text, "cancelled; what was forgotten stays forgotten");
    CHECK_INT(forgotten, 512);
    CHECK_INT(history_forget_all(w.meta, NOW + 101, UINT64_MAX, NULL, NULL, &forgotten, &w.err), 0);
    CHECK_INT(forgotten, 288);
    world_close(&w);
}

static uint64_t forget_old(struct world *w, uint64_t before, uint64_t latest)
{
    uint64_t forgotten = 0;

    CHECK_INT(history_forget_all(w->meta, before, latest, NULL, NULL, &forgotten, &w->err), 0);
    history_check(look(w));
    meta_done(w->reader);
    return forgotten;
}

TEST(future, "events from a clock that was ahead are forgotten with the first one after them that is not")
{
    struct world w;

    open_world(&w);
    image(&w, 1, "v");
    wall_s = NOW * 1000;
    for (int i = 0; i < 300; i++) {
        CHECK_INT(tag_delete(&w, "a", "v"), 0);
        wall_s = NOW * 1000 + (uint64_t)i;
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
    wall_s = 100;
    CHECK_INT(tag_delete(&w, "a", "v"), 0);
    CHECK_INT(forget_old(&w, 50, NOW / 2), 0);
    wall_s = NOW + 100;
    CHECK_INT(forget_old(&w, NOW, NOW * 100), 0);
    CHECK_INT(forget_old(&w, NOW + 101, NOW * 100), 4);
    world_close(&w);
}

/* ---- pulls ---- */

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
    return meta_pulls_begin(txn, wall_s, e);
}

TEST(pulls_since, "since when pulls are noted is written once")
{
    struct meta_change change = {.apply = begin_noting};
    struct world w;

    open_world(&w);
    CHECK_INT(meta_pulls_since(look(&w), 123), 123);
    meta_done(w.reader);
    CHECK_INT(meta_write(w.meta, &change), 0);
    wall_s += 50;
    CHECK_INT(meta_write(w.meta, &change), 0);
    CHECK_INT(meta_pulls_since(look(&w), 123), NOW + 100);
    meta_done(w.reader);
    world_close(&w);
}
