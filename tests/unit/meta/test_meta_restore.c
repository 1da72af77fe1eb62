/* What can be put back, and what cannot, and why. */
#include "tests/unit/meta/history_fixture.h"

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
    test_now = NOW + 200;
    two = image(&w, 2, NULL);
    CHECK_INT(restore(&w, "v", &two, 0), 0);
    test_now = NOW + 300;
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
        .repository = STR("a"), .tag = STR("all"), .allow_missing_children = true, .now = test_now};
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
