/* The parts of a walk beside blobs: memberships that no manifest of their repository needs, and files. */
#include "tests/unit/upkeep/sweep_fixture.h"

static bool holds(struct yard *y, const char *repository, unsigned number)
{
    struct blob_info info;

    return blob_get(&y->world, repository, blob_digest(number), &info) == 0;
}

/* An image of `repository` that names blob `number` and the one after it. */
static struct digest name_blob(struct yard *y, const char *repository, unsigned number)
{
    struct digest layer = blob_digest(number + 1), d;
    struct sbuf bytes = image_of(blob_digest(number), &layer, 1, "");

    CHECK_INT(blob_put(&y->world, repository, blob_digest(number), CONFIG_SIZE, test_now), 0);
    CHECK_INT(blob_put(&y->world, repository, blob_digest(number + 1), LAYER_SIZE, test_now), 0);
    CHECK_INT(manifest_put(&y->world, repository, text_of(&bytes), NULL, false, &d), 0);
    sbuf_free(&bytes);
    return d;
}

TEST(lapse, "a repository whose manifests do not name a blob lets it go after its grace, though others need it")
{
    struct usage usage;
    struct yard y;

    yard_open(&y);
    name_blob(&y, "a", 1);
    CHECK_INT(blob_put(&y.world, "b", blob_digest(1), CONFIG_SIZE, test_now), 0);
    CHECK_INT(blob_put(&y.world, "b", blob_digest(2), LAYER_SIZE, test_now + 5), 0);
    test_now += GRACE;
    sweep_all(&y);
    CHECK(holds(&y, "b", 1));
    test_now++;
    CHECK_INT(sweep_all(&y).blobs, 0);
    CHECK(!holds(&y, "b", 1) && holds(&y, "b", 2) && holds(&y, "a", 1));
    CHECK_INT(meta_usage(look(&y.world), STR("b"), &usage, NULL), 0);
    meta_done(y.world.reader);
    CHECK_INT(usage.logical, LAYER_SIZE);
    CHECK_INT(usage.sole, 0);
    CHECK_INT(meta_usage(look(&y.world), STR("a"), &usage, NULL), 0);
    meta_done(y.world.reader);
    CHECK_INT(usage.logical - usage.sole, LAYER_SIZE);
    yard_close(&y);
}

TEST(membership_leases, "who asked for, pushed or mounted a blob, or deleted an image of it, finds it for a grace more")
{
    struct digest d = blob_digest(1);
    struct op mount = {.kind = BLOB_MOUNT, .repository = STR("mounts"), .from = STR("a"), .digest = d};
    struct digest image;
    struct yard y;

    yard_open(&y);
    name_blob(&y, "a", 1);
    image = name_blob(&y, "deletes", 1);
    CHECK_INT(blob_put(&y.world, "asks", d, CONFIG_SIZE, test_now), 0);
    CHECK_INT(blob_put(&y.world, "pushes", d, CONFIG_SIZE, test_now), 0);
    CHECK_INT(blob_put(&y.world, "mounts", d, CONFIG_SIZE, test_now), 0);
    CHECK_INT(blob_put(&y.world, "rests", d, CONFIG_SIZE, test_now), 0);
    test_now += GRACE;
    CHECK_INT(blob_touch(&y.world, "asks", d, test_now), 0);
    CHECK_INT(blob_put(&y.world, "pushes", d, CONFIG_SIZE, test_now), 0);
    mount.now = test_now;
    CHECK_INT(world_run(&y.world, &mount), 0);
    CHECK_INT(manifest_delete(&y.world, "deletes", image), 0);
    test_now += GRACE;
    sweep_all(&y);
    CHECK(holds(&y, "asks", 1) && holds(&y, "pushes", 1) && holds(&y, "mounts", 1) && holds(&y, "deletes", 1));
    CHECK(!holds(&y, "rests", 1));
    test_now++;
    sweep_all(&y);
    CHECK(!holds(&y, "asks", 1) && !holds(&y, "pushes", 1) && !holds(&y, "mounts", 1) && !holds(&y, "deletes", 1));
    CHECK(holds(&y, "a", 1));
    yard_close(&y);
}

TEST(many_lapse, "thousands of memberships end in several changes")
{
    enum { REPOSITORIES = 600 };
    const struct sweep_options options = {.grace_s = GRACE, .skips_files = true};
    struct sweep_freed freed;
    struct yard y;
    char name[32];

    yard_open(&y);
    name_blob(&y, "a", 1);
    for (unsigned i = 0; i < REPOSITORIES; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        CHECK_INT(blob_put(&y.world, name, blob_digest(1), CONFIG_SIZE, test_now), 0);
    }
    test_now += 2 * GRACE;
    CHECK_INT(walk_with(&y, &options, &freed), 1 + 10 + 1);
    CHECK_INT(table_entries(look(&y.world), KV_MEMBERS), 2);
    meta_done(y.world.reader);
    yard_close(&y);
}

TEST(dry_run_lapse, "a dry run ends no membership")
{
    const struct sweep_options options = {.grace_s = GRACE, .dry_run = true};
    struct sweep_freed freed;
    struct yard y;

    yard_open(&y);
    name_blob(&y, "a", 1);
    CHECK_INT(blob_put(&y.world, "b", blob_digest(1), CONFIG_SIZE, test_now), 0);
    test_now += 2 * GRACE;
    walk_with(&y, &options, &freed);
    CHECK_INT(freed.blobs, 0);
    CHECK(holds(&y, "b", 1));
    yard_close(&y);
}

/* ---- files ---- */

TEST(files_not_asked_for, "a walk that skips files leaves those without a record to one that does not")
{
    struct sweep_options options = {.grace_s = GRACE, .skips_files = true};
    struct sweep_freed freed = {0};
    struct sweep *sweep;
    struct yard y;
    bool more;

    yard_open(&y);
    CHECK_INT(adopt_blob(y.store, 1, NULL), 0);
    push(&y, "a", 2);
    test_now += 2 * GRACE;
    CHECK_INT(walk_with(&y, &options, &freed), 2);
    CHECK_INT(freed.blobs, 1);
    CHECK(has_file(y.store, 1) && !has_file(y.store, 2));
    sweep = sweep_new(y.store, &options, NULL);
    sweep_skip_files(sweep, false);
    do
        CHECK_INT(sweep_step(sweep, test_now, &freed, &more, NULL), 0);
    while (more);
    CHECK_INT(freed.blobs, 2);
    CHECK(!has_file(y.store, 1));
    sweep_free(&sweep);
    yard_close(&y);
}
