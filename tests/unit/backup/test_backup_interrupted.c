/* What an interrupted, killed or failed backup leaves, and how the next one goes on. */
#include "tests/unit/backup/backup_fixture.h"

TEST(interrupted, "a backup that is interrupted anywhere leaves no snapshot, and the next one goes on with its blobs")
{
    unsigned stops = 0;
    struct yard y;

    yard_open(&y);
    for (unsigned i = 1; i <= 5; i++)
        push(&y, i);
    y.options.copy = true;
    for (y.stop_at = 1; backup(&y) != 0; y.stop_at++) {
        CHECK(strstr(y.err.text, "interrupted; run it again to go on") != NULL);
        CHECK_TEXT(y.result.stamp, "");
        CHECK_INT(snapshots_of(&y), 0);
        stops++;
    }
    CHECK(stops >= 10);
    CHECK_INT(y.result.copied, 0); /* the last one but one had them all */
    CHECK_INT(snapshots_of(&y), 1);
    CHECK_INT(verify(&y).result.problems, 0);
    yard_close(&y);
}

TEST(killed, "what a killed backup has left goes with the next one")
{
    char path[PATH_MAX];
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    snprintf(path, sizeof(path), "%s/snapshots/2020-01-01T000000Z.partial", y.directory);
    CHECK_INT(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/snapshots/2020-01-01T000000Z.partial/data.mdb", y.directory);
    spoil(path, 100);
    snprintf(path, sizeof(path), "%s/incoming", y.directory);
    CHECK_INT(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/incoming/0", y.directory);
    spoil(path, 100);
    CHECK_INT(snapshots_of(&y), 1);
    backup_well(&y);
    CHECK(access(path, F_OK) != 0);
    snprintf(path, sizeof(path), "%s/snapshots/2020-01-01T000000Z.partial", y.directory);
    CHECK(access(path, F_OK) != 0);
    CHECK_INT(snapshots_of(&y), 2);
    yard_close(&y);
}

TEST(elsewhere, "where a link leads that looks like what a killed backup has left, nothing is removed")
{
    char path[PATH_MAX], away[PATH_MAX], file[PATH_MAX + 8];
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    snprintf(away, sizeof(away), "%s/away", y.base);
    snprintf(file, sizeof(file), "%s/file", away);
    CHECK_INT(mkdir(away, 0700), 0);
    spoil(file, 100);
    snprintf(path, sizeof(path), "%s/snapshots/2020-01-01T000000Z.partial", y.directory);
    CHECK_INT(symlink(away, path), 0);
    CHECK_INT(backup(&y), -1);
    CHECK(strstr(y.err.text, "snapshots/2020-01-01T000000Z.partial: Not a directory") != NULL);
    CHECK_INT(access(file, F_OK), 0);
    CHECK_INT(unlink(path), 0);
    backup_well(&y);
    yard_close(&y);
}

TEST(pruned_half, "a removal that stopped half-way is gone on with")
{
    char from[PATH_MAX], to[PATH_MAX];
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    snprintf(from, sizeof(from), "%s/snapshots/%s", y.directory, y.result.stamp);
    snprintf(to, sizeof(to), "%s/snapshots/%s.partial", y.directory, y.result.stamp);
    CHECK_INT(rename(from, to), 0);
    sweep_all(&y);
    y.options.keep = 1;
    backup_well(&y);
    CHECK_INT(y.result.removed_blobs, 1);
    CHECK(access(to, F_OK) != 0);
    CHECK_INT(snapshots_of(&y), 1);
    yard_close(&y);
}

TEST(faults, "something in the way is named, and once it is gone all is well")
{
    static const char *const names[] = {"snapshots", "incoming", "blobs"};
    char path[PATH_MAX], aside[PATH_MAX + 8];
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", y.directory, names[i]);
        snprintf(aside, sizeof(aside), "%s.aside", path);
        rename(path, aside);
        spoil(path, 1);
        CHECK_INT(backup(&y), -1);
        CHECK(strstr(y.err.text, names[i]) != NULL);
        unlink(path);
        rename(aside, path);
    }
    backup_well(&y);
    CHECK_INT(y.result.linked, 0);
    CHECK_INT(verify(&y).result.problems, 0);
    yard_close(&y);
}
