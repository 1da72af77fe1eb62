/* Making backups: what is in one, what the next one adds, and what must not happen meanwhile. */
#include "tests/unit/backup/backup_fixture.h"

TEST(links, "a backup has the metadata, and all blobs by a second name")
{
    struct snapshot *all;
    struct yard y;

    yard_open(&y);
    for (unsigned i = 1; i <= 3; i++)
        push(&y, i);
    backup_well(&y);
    CHECK_INT(y.result.linked, 3);
    CHECK_INT(y.result.copied, 0);
    CHECK_INT(y.result.blobs, 3);
    CHECK_INT(y.result.bytes, 3 * BLOB_SIZE);
    for (unsigned i = 1; i <= 3; i++)
        CHECK_INT(blob_stat_of(y.directory, i).st_ino, blob_stat_of(y.root, i).st_ino);
    CHECK_INT(count_snapshots(&y, &all), 1);
    CHECK_TEXT(all[0].stamp, y.result.stamp);
    CHECK_INT(all[0].blobs, 3);
    CHECK_INT(all[0].lost, 0);
    CHECK_INT(all[0].metadata.size, y.result.metadata_bytes);
    free(all);
    CHECK_INT(verify(&y).result.problems, 0);
    CHECK_INT(verify(&y).result.blobs, 3);
    yard_close(&y);
}

TEST(private, "nobody but the owner may look into a backup")
{
    struct yard y;
    struct stat st;

    yard_open(&y);
    push(&y, 1);
    y.options.copy = true;
    backup_well(&y);
    CHECK_INT(stat(y.directory, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0700);
    CHECK_INT(stat(snapshot_file(&y, "."), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0700);
    CHECK_INT(stat(snapshot_file(&y, "data.mdb"), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(stat(snapshot_file(&y, "backup.json"), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(blob_stat_of(y.directory, 1).st_mode & 0777, 0600);
    yard_close(&y);
}

TEST(incremental, "a second backup takes what is new and does not touch what it has")
{
    struct stat before, after;
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    y.options.copy = true;
    backup_well(&y);
    CHECK_INT(y.result.copied, 1);
    CHECK_INT(y.result.copied_bytes, BLOB_SIZE);
    before = blob_stat_of(y.directory, 1);
    CHECK(before.st_ino != blob_stat_of(y.root, 1).st_ino);
    push(&y, 2);
    backup_well(&y);
    CHECK_INT(y.result.copied, 1);
    CHECK_INT(y.result.linked, 0);
    CHECK_INT(y.result.blobs, 2);
    after = blob_stat_of(y.directory, 1);
    CHECK_INT(after.st_ino, before.st_ino);
    CHECK_INT(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
    CHECK_INT(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
    y.options.copy = false;
    backup_well(&y);
    CHECK_INT(y.result.linked + y.result.copied, 0);
    CHECK_INT(blob_stat_of(y.directory, 1).st_ctim.tv_nsec, before.st_ctim.tv_nsec);
    CHECK_INT(verify(&y).result.problems, 0);
    yard_close(&y);
}

TEST(stamps, "backups within a second have names of their own, the newest last")
{
    char first[CLOCK_TEXT_ROOM];
    struct yard y;

    yard_open(&y);
    backup_well(&y);
    memcpy(first, y.result.stamp, sizeof(first));
    backup_well(&y);
    CHECK(strcmp(first, y.result.stamp) < 0);
    backup_well(&y);
    CHECK_INT(snapshots_of(&y), 3);
    yard_close(&y);
}

/* ---- what happens meanwhile ---- */

static void quarantine_the_rest(const struct backup_result *so_far, void *arg)
{
    struct yard *y = arg;
    char where[BLOB_QUARANTINE_MAX];

    if (so_far->blobs != 1)
        return;
    for (unsigned i = 1; i <= 5; i++) {
        struct digest d = blob_digest(i);

        if (!blob_there(y->directory, i))
            CHECK_INT(blob_quarantine(y->store->blobs, &d, where, &y->err), 0);
    }
}

TEST(quarantined, "blobs that go to quarantine in the middle of it are reported")
{
    struct yard y;

    yard_open(&y);
    for (unsigned i = 1; i <= 5; i++)
        push(&y, i);
    y.options.progress = quarantine_the_rest;
    backup_well(&y);
    CHECK_INT(y.result.linked, 1);
    CHECK_INT(y.result.lost, 4);
    y.options.progress = NULL;
    for (unsigned i = 1; i <= 5; i++)
        push(&y, i);
    backup_well(&y);
    CHECK_INT(y.result.linked, 4);
    CHECK_INT(y.result.lost, 0);
    yard_close(&y);
}

static void try_to_sweep(const struct backup_result *so_far, void *arg)
{
    const struct sweep_options options = {.grace_s = 0};
    struct yard *y = arg;
    struct sweep *sweep = sweep_new(y->store, &options, &y->err);
    struct sweep_freed freed = {0};
    bool more;

    (void)so_far;
    CHECK_INT(sweep_step(sweep, clock_wall_s(), &freed, &more, &y->err), -1);
    CHECK_INT(y->err.code, ERR_BUSY);
    sweep_free(&sweep);
}

TEST(swept, "nothing is swept between the metadata and its last blob")
{
    struct yard y;

    yard_open(&y);
    for (unsigned i = 1; i <= 5; i++)
        push(&y, i);
    y.options.progress = try_to_sweep;
    backup_well(&y);
    CHECK_INT(y.result.linked, 5);
    sweep_all(&y);
    CHECK(!blob_there(y.root, 1)); /* but afterwards */
    unlink(blob_path(y.directory, 1));
    push(&y, 1);
    y.options.progress = NULL;
    for (y.stop_at = 1; backup(&y) != 0; y.stop_at++)
        CHECK(strstr(y.err.text, "interrupted") != NULL);
    sweep_all(&y); /* and after one that was interrupted */
    CHECK(!blob_there(y.root, 1));
    yard_close(&y);
}
