/* Blobs that are missing or damaged, in the data directory or in the backup, and who finds them. */
#include "tests/unit/backup/backup_fixture.h"

/* ---- making backups ---- */

TEST(missing, "a blob that is not on disk is reported, and the rest is saved")
{
    struct snapshot found;
    struct backup_dir *dir;
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    push(&y, 2);
    unlink(blob_path(y.root, 1));
    backup_well(&y);
    CHECK_INT(y.result.lost, 1);
    CHECK_INT(y.lost, 1);
    CHECK(strstr(y.reason, "is not on disk") != NULL);
    CHECK_INT(y.result.linked, 1);
    dir = backup_dir_open(y.directory, BACKUP_READ, &y.err);
    CHECK_INT(snapshot_find(dir, NULL, &found, &y.err), -1);
    CHECK(strstr(y.err.text, "none of the 1 snapshots is complete") != NULL);
    CHECK_INT(snapshot_find(dir, y.result.stamp, &found, &y.err), 0);
    CHECK_INT(found.lost, 1);
    CHECK_INT(found.blobs, 2);
    backup_dir_close(&dir);
    yard_close(&y);
}

TEST(still_there, "a blob that only the backup still has is no loss")
{
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    unlink(blob_path(y.root, 1));
    backup_well(&y);
    CHECK_INT(y.result.lost, 0);
    CHECK_INT(verify(&y).result.problems, 0);
    yard_close(&y);
}

TEST(short_blob, "a blob of another length is neither linked nor copied")
{
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    spoil(blob_path(y.root, 1), BLOB_SIZE - 1);
    for (int copy = 0; copy <= 1; copy++) {
        y.options.copy = copy == 1;
        backup_well(&y);
        CHECK_INT(y.result.lost, 1);
        CHECK_TEXT(y.reason, "it has 3 bytes instead of 4");
        CHECK(!blob_there(y.directory, 1));
    }
    yard_close(&y);
}

TEST(wrong_bytes, "a blob of other content is found by copying, and by linking when that is to verify")
{
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    spoil(blob_path(y.root, 1), BLOB_SIZE);
    for (int copy = 0; copy <= 1; copy++) {
        y.options.copy = copy == 1;
        y.options.verify = copy == 0;
        backup_well(&y);
        CHECK_INT(y.result.lost, 1);
        CHECK_TEXT(y.reason, "its content has another digest");
        CHECK(!blob_there(y.directory, 1));
    }
    yard_close(&y);
}

TEST(heals, "a backup that verifies replaces what is damaged in the pool, also under the eyes of readers")
{
    struct yard y;

    for (int copy = 0; copy <= 1; copy++) {
        yard_open(&y);
        push(&y, 1);
        y.options.copy = copy == 1;
        backup_well(&y);
        spoil(blob_path(y.directory, 1), BLOB_SIZE);
        backup_well(&y);
        CHECK_INT(y.result.linked + y.result.copied, 0);
        CHECK_INT(verify(&y).result.problems, 1);
        y.options.verify = true;
        backup_well(&y);
        CHECK_INT(y.result.linked + y.result.copied, 1);
        CHECK_INT(verify(&y).result.problems, 0);
        yard_close(&y);
    }
}

/* ---- verifying ---- */

TEST(verified, "verifying names what is damaged: a blob, the metadata, a list, a record")
{
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"data.mdb", "data.mdb is damaged: it is not what was written"},
        {"blobs", "blobs is damaged: it is not what was written"},
        {"backup.json", "backup.json: line 1:"},
    };
    struct findings f;
    struct yard y;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        yard_open(&y);
        push(&y, 1);
        backup_well(&y);
        spoil(snapshot_file(&y, cases[i].file), 100);
        backup_well(&y);
        f = verify(&y);
        CHECK_INT(f.result.problems, 1);
        CHECK_INT(f.result.snapshots, 2);
        CHECK_INT(f.result.blobs, 1);
        if (strstr(f.text, cases[i].text) == NULL)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].file, f.text);
        yard_close(&y);
    }
}

TEST(verified_blobs, "each blob is read once, whoever names it")
{
    struct findings f;
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    push(&y, 2);
    backup_well(&y);
    backup_well(&y);
    f = verify(&y);
    CHECK_INT(f.result.snapshots, 2);
    CHECK_INT(f.result.blobs, 2);
    CHECK_INT(f.result.bytes, 2 * BLOB_SIZE);
    spoil(blob_path(y.directory, 1), BLOB_SIZE);
    f = verify(&y);
    CHECK_INT(f.result.problems, 1);
    CHECK(strstr(f.text, "its content has another digest") != NULL);
    spoil(blob_path(y.directory, 1), 0);
    CHECK(strstr(verify(&y).text, "it has 0 bytes instead of 4") != NULL);
    unlink(blob_path(y.directory, 1));
    CHECK(strstr(verify(&y).text, "it is not in the pool") != NULL);
    yard_close(&y);
}
