/* Removing old snapshots, and when nothing is removed. */
#include "tests/unit/backup/backup_fixture.h"

TEST(keep, "older snapshots go, and then the blobs that only they have")
{
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    push(&y, 2);
    backup_well(&y);
    sweep_all(&y);
    CHECK(!blob_there(y.root, 1));
    push(&y, 2);
    push(&y, 3);
    backup_well(&y);
    CHECK(blob_there(y.directory, 1));
    y.options.keep = 2;
    backup_well(&y);
    CHECK_INT(y.result.removed_snapshots, 1);
    CHECK_INT(y.result.removed_blobs, 1);
    CHECK_INT(y.result.removed_bytes, BLOB_SIZE);
    CHECK(!blob_there(y.directory, 1));
    CHECK(blob_there(y.directory, 2));
    CHECK(blob_there(y.directory, 3));
    CHECK_INT(snapshots_of(&y), 2);
    CHECK_INT(verify(&y).result.problems, 0);
    yard_close(&y);
}

TEST(keep_complete, "a snapshot that is not complete takes no place of one that is")
{
    struct snapshot *all;
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    push(&y, 2);
    unlink(blob_path(y.root, 2));
    y.options.keep = 1;
    for (int i = 0; i < 3; i++) {
        backup_well(&y);
        CHECK_INT(y.result.lost, 1);
    }
    CHECK_INT(count_snapshots(&y, &all), 2);
    CHECK_INT(all[0].lost, 0);
    CHECK_INT(all[1].lost, 1);
    CHECK_TEXT(all[1].stamp, y.result.stamp);
    free(all);
    CHECK(blob_there(y.directory, 1));
    yard_close(&y);
}

TEST(keep_unreadable, "as long as a snapshot cannot be read nothing is removed")
{
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    spoil(snapshot_file(&y, "backup.json"), 10);
    sweep_all(&y);
    y.options.keep = 1;
    CHECK_INT(backup(&y), -1);
    CHECK(strstr(y.err.text, "nothing is removed as long as nobody knows what snapshot") != NULL);
    CHECK(y.result.stamp[0] != '\0');
    CHECK(blob_there(y.directory, 1));
    CHECK_INT(snapshots_of(&y), 2);
    yard_close(&y);
}

TEST(keep_list, "nor as long as a list is damaged")
{
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    spoil(snapshot_file(&y, "blobs"), 10);
    sweep_all(&y);
    y.options.keep = 2;
    CHECK_INT(backup(&y), -1);
    CHECK(strstr(y.err.text, "is damaged: it is not what was written") != NULL);
    CHECK(blob_there(y.directory, 1));
    yard_close(&y);
}
