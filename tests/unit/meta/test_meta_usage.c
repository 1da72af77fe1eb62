/* Bytes by path. That every change keeps them right is test_meta_model.c's. */
#include "storage/meta/meta_usage.h"
#include "tests/unit/meta/accounts_fixture.h"

static struct usage usage_of(struct world *w, const char *path)
{
    struct usage usage;

    if (meta_usage(look(w), str_of(path), &usage, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    meta_done(w->reader);
    return usage;
}

static struct repository_info info_of(struct world *w, const char *name)
{
    struct repository_info info;

    if (meta_repository_info(look(w), str_of(name), &info, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    meta_done(w->reader);
    return info;
}

TEST(paths, "a blob counts at its repository, at what that is below, and in all, and nowhere else")
{
    struct world w;

    world_open(&w);
    CHECK_INT(blob_put(&w, "team/app/web", blob_digest(1), 100, NOW), 0);
    CHECK_INT(blob_put(&w, "team", blob_digest(2), 10, NOW), 0);
    CHECK_INT(blob_put(&w, "teams", blob_digest(3), 1, NOW), 0);
    CHECK_INT(usage_of(&w, "team/app/web").logical, 100);
    CHECK_INT(usage_of(&w, "team/app").logical, 100);
    CHECK_INT(usage_of(&w, "team").logical, 110);
    CHECK_INT(usage_of(&w, "teams").logical, 1);
    CHECK_INT(usage_of(&w, "").logical, 111);
    CHECK_INT(usage_of(&w, "tea").logical, 0);
    CHECK_INT(usage_of(&w, "team/app/we").logical, 0);
    world_close(&w);
}

TEST(sole,
     "bytes are sole while one repository holds the blob: the first one loses them to the second, and gets them back")
{
    struct world w;

    world_open(&w);
    CHECK_INT(blob_put(&w, "a", blob_digest(1), 100, NOW), 0);
    CHECK_INT(usage_of(&w, "a").sole, 100);
    CHECK_INT(blob_mount(&w, "b", "a", blob_digest(1)), 0);
    CHECK_INT(blob_mount(&w, "c", "a", blob_digest(1)), 0);
    CHECK(usage_of(&w, "a").sole == 0 && usage_of(&w, "b").sole == 0 && usage_of(&w, "").sole == 0);
    CHECK_INT(usage_of(&w, "").logical, 300);
    CHECK_INT(blob_delete(&w, "a", blob_digest(1)), 0);
    CHECK_INT(usage_of(&w, "b").sole + usage_of(&w, "c").sole, 0);
    CHECK_INT(blob_delete(&w, "b", blob_digest(1)), 0);
    CHECK_INT(usage_of(&w, "c").sole, 100);
    CHECK_INT(usage_of(&w, "").sole, 100);
    check_accounts(&w);
    world_close(&w);
}

TEST(again, "what a repository holds already costs nothing more")
{
    struct usage before;
    struct world w;

    world_open(&w);
    push_image(&w, "a", 1, "v1", "");
    before = usage_of(&w, "a");
    push_image(&w, "a", 1, "v2", "");
    CHECK_INT(blob_mount(&w, "a", "a", blob_digest(1)), 0);
    CHECK_INT(usage_of(&w, "a").logical, before.logical);
    world_close(&w);
}

TEST(resized, "a blob whose record had the wrong size is counted with the right one everywhere")
{
    struct world w;

    world_open(&w);
    CHECK_INT(blob_put(&w, "a", blob_digest(1), 100, NOW), 0);
    CHECK_INT(blob_put(&w, "b/c", blob_digest(1), 100, NOW), 0);
    CHECK_INT(blob_put(&w, "b/c", blob_digest(1), 70, NOW), 0);
    CHECK_INT(usage_of(&w, "a").logical, 70);
    CHECK_INT(usage_of(&w, "").logical, 140);
    check_accounts(&w);
    world_close(&w);
}

TEST(own, "what a repository alone has is told apart from what is below it, however deep and however alike the names")
{
    struct world w;

    world_open(&w);
    CHECK_INT(blob_put(&w, "a", blob_digest(1), 1, NOW), 0);
    CHECK_INT(blob_put(&w, "a/b", blob_digest(2), 10, NOW), 0);
    CHECK_INT(blob_put(&w, "a/b/c", blob_digest(3), 100, NOW), 0);
    CHECK_INT(blob_put(&w, "a/b-c", blob_digest(4), 1000, NOW), 0);
    CHECK_INT(blob_put(&w, "a/b-c/d", blob_digest(5), 10000, NOW), 0);
    CHECK_INT(blob_put(&w, "a-b/c", blob_digest(6), 100000, NOW), 0);
    CHECK_INT(blob_put(&w, "a/x/y/z", blob_digest(7), 1000000, NOW), 0);
    CHECK_INT(info_of(&w, "a").usage.logical, 1);
    CHECK_INT(info_of(&w, "a/b").usage.logical, 10);
    CHECK_INT(info_of(&w, "a/b-c").usage.sole, 1000);
    CHECK_INT(info_of(&w, "a/x/y/z").usage.logical, 1000000);
    CHECK_INT(usage_of(&w, "a").logical, 1011111);
    CHECK_INT(info_of(&w, "a/b").blobs, 1);
    world_close(&w);
}

TEST(unknown, "a name that nothing was pushed to is unknown, not empty")
{
    struct repository_info info;
    struct world w;

    world_open(&w);
    CHECK_INT(meta_repository_info(look(&w), STR("nobody"), &info, &w.err), -1);
    meta_done(w.reader);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "nobody: nothing was ever pushed under this name");
    world_close(&w);
}

/* ---- the walk ---- */

static void add_name(const struct repository_info *info, void *arg)
{
    names_add(info->name, arg);
}

static struct names walk(struct world *w, const char *path, size_t looks)
{
    struct repository_walk place = {.path = str_of(path)};
    struct names names = {.n = 0};
    bool more = true;

    while (more) {
        CHECK_INT(meta_repositories(look(w), &place, looks, add_name, &names, &more, &w->err), 0);
        meta_done(w->reader);
    }
    return names;
}

TEST(pieces, "a walk finds the repositories at and below a path that hold anything, in pieces of any size")
{
    static const char *const all[] = {"a", "a-b", "a/b", "a/b/c", "ab", "b"};
    struct world w;

    world_open(&w);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        CHECK_INT(blob_put(&w, all[i], blob_digest((unsigned)i), 1, NOW), 0);
    CHECK_INT(blob_put(&w, "a/empty", blob_digest(1), 1, NOW), 0);
    CHECK_INT(blob_delete(&w, "a/empty", blob_digest(1)), 0);
    for (size_t looks = 1; looks < 9; looks++) {
        CHECK_TEXT(walk(&w, "", looks).text, "a a-b a/b a/b/c ab b");
        CHECK_TEXT(walk(&w, "a", looks).text, "a a/b a/b/c");
        CHECK_TEXT(walk(&w, "a/b", looks).text, "a/b a/b/c");
        CHECK_TEXT(walk(&w, "c", looks).text, "");
    }
    world_close(&w);
}

/* ---- deleting a repository ---- */

struct deletion {
    struct meta_change change; /* first */
    struct str name;
    struct repository_place from;
    struct repository_piece piece;
};

static int apply_deletion(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct deletion *d = (struct deletion *)change;

    return meta_repository_delete(txn, d->name, &d->from, &d->piece, e);
}

/* Returns the number of pieces; -1 for an error. `sum` gets what went. */
static int delete_repository(struct world *w, const char *name, struct repository_piece *sum)
{
    struct deletion d = {.name = str_of(name), .piece.more = true};
    int pieces = 0;

    *sum = (struct repository_piece){0};
    for (; d.piece.more; pieces++) {
        d.change = (struct meta_change){.apply = apply_deletion};
        if (meta_write(w->meta, &d.change) != 0) {
            w->err = d.change.err;
            return -1;
        }
        check_accounts(w);
        d.from = d.piece.place;
        sum->manifests += d.piece.manifests;
        sum->tags += d.piece.tags;
        sum->blobs += d.piece.blobs;
    }
    return pieces;
}

TEST(deleted, "a deleted repository is empty and in no list, its name is known, and others keep what they hold")
{
    struct repository_piece sum;
    struct names names = {.n = 0};
    struct digest d, other;
    struct world w;
    bool more;

    world_open(&w);
    d = push_image(&w, "gone", 1, "v1", "");
    push_image(&w, "gone", 2, "v2", "");
    push_image(&w, "gone/below", 5, "v1", "");
    other = push_image(&w, "other", 1, "v1", "");
    CHECK_INT(blob_put(&w, "gone", blob_digest(9), 7, NOW), 0);
    CHECK_INT(delete_repository(&w, "gone", &sum), 1);
    CHECK_INT(sum.manifests, 2);
    CHECK_INT(sum.tags, 2);
    CHECK_INT(sum.blobs, 4);
    CHECK_INT(tag_points_to(&w, "gone", "v1", d), ERR_NOT_FOUND);
    CHECK_INT(tag_points_to(&w, "other", "v1", other), 0);
    CHECK_INT(references(&w, "other", blob_digest(1)), 1);
    CHECK_INT(info_of(&w, "gone").usage.logical, 0);
    CHECK(usage_of(&w, "gone").logical == usage_of(&w, "gone/below").logical);
    CHECK(meta_repository_exists(look(&w), STR("gone")));
    meta_done(w.reader);
    CHECK_INT(meta_catalog(look(&w), &(struct catalog_query){.limit = 10, .looks = 10}, names_add, &names, &more, NULL),
              0);
    meta_done(w.reader);
    CHECK_TEXT(names.text, "gone/below other");
    CHECK_INT(delete_repository(&w, "gone", &sum), 1); /* again: nothing more */
    CHECK_INT(sum.manifests + sum.blobs, 0);
    CHECK_INT(delete_repository(&w, "nobody", &sum), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

TEST(delete_large, "a large repository is deleted in several changes")
{
    struct repository_piece sum;
    struct world w;
    char tag[32];

    world_open(&w);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(tag, sizeof(tag), "t%u", i);
        push_image(&w, "large", i, tag, "");
    }
    CHECK(delete_repository(&w, "large", &sum) >= 3);
    CHECK_INT(sum.manifests, 300);
    CHECK_INT(sum.tags, 300);
    CHECK_INT(sum.blobs, 301);
    CHECK_INT(table_entries(look(&w), KV_MEMBERS), 0);
    meta_done(w.reader);
    world_close(&w);
}

/* One manifest with tags t0000 to t1299. */
static struct digest push_many_tags(struct world *w, const char *repository)
{
    struct digest d;
    char tag[32];

    for (unsigned i = 0; i < 1300; i++) {
        snprintf(tag, sizeof(tag), "t%04u", i);
        d = push_image(w, repository, 1, tag, "");
    }
    return d;
}

TEST(delete_many_tags, "a manifest with more tags than one change takes loses them in several, and goes with the last")
{
    struct op op = {.kind = MANIFEST_DELETE, .repository = STR("a")};
    struct digest d;
    struct world w;

    world_open(&w);
    d = op.digest = push_many_tags(&w, "a");
    for (unsigned left = 1300; left > 512;) {
        CHECK_INT(world_run(&w, &op), 0);
        CHECK(op.more);
        left -= 512;
        CHECK_INT(info_of(&w, "a").tags, left);
        CHECK_INT(info_of(&w, "a").manifests, 1);
        check_accounts(&w);
    }
    CHECK_INT(world_run(&w, &op), 0);
    CHECK(!op.more);
    CHECK_INT(info_of(&w, "a").tags, 0);
    CHECK_INT(info_of(&w, "a").manifests, 0);
    CHECK_INT(world_run(&w, &op), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    check_accounts(&w);
    CHECK_INT(tag_points_to(&w, "a", "t0000", d), ERR_NOT_FOUND);
    world_close(&w);
}

TEST(totals, "repositories with something in them, manifests and tags are counted in all")
{
    struct repository_piece sum;
    struct meta_totals totals;
    struct world w;

    world_open(&w);
    meta_totals(look(&w), &totals);
    meta_done(w.reader);
    CHECK_INT(totals.repositories + totals.manifests + totals.tags, 0);
    push_many_tags(&w, "a");
    push_many_tags(&w, "b/c");
    meta_totals(look(&w), &totals);
    meta_done(w.reader);
    CHECK_INT(totals.repositories, 2);
    CHECK_INT(totals.manifests, 2);
    CHECK_INT(totals.tags, 2 * 1300);
    delete_repository(&w, "a", &sum);
    meta_totals(look(&w), &totals);
    meta_done(w.reader);
    CHECK_INT(totals.repositories, 1);
    CHECK_INT(totals.manifests, 1);
    CHECK_INT(totals.tags, 1300);
    world_close(&w);
}

TEST(delete_large_manifest, "a repository of one manifest with many tags is deleted in several changes")
{
    struct repository_piece sum;
    struct world w;

    world_open(&w);
    push_many_tags(&w, "large");
    CHECK_INT(delete_repository(&w, "large", &sum), 11);
    CHECK_INT(sum.manifests, 1);
    CHECK_INT(sum.tags, 1300);
    CHECK_INT(info_of(&w, "large").tags, 0);
    world_close(&w);
}
