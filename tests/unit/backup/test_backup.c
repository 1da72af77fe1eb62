#include "tests/unit/backup/backup_fixture.h"

enum { BLOB_SIZE = sizeof(unsigned) };

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

/* ---- blobs that are not as they should be ---- */

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

/* ---- keeping some ---- */

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

/* ---- interruptions and faults ---- */

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

/* ---- places ---- */

TEST(places, "places that no backup belongs to are refused")
{
    char inside[PATH_MAX], full[PATH_MAX], nowhere[PATH_MAX], path[PATH_MAX + 8];
    struct yard y;
    const struct {
        const char *directory, *text;
    } cases[] = {
        {"relative", "relative: the directory of backups must be an absolute path"},
        {y.root, "and would be lost with it; choose another"},
        {inside, "and would be lost with it; choose another"},
        {full, "is neither empty nor a directory of backups; choose another"},
        {nowhere, "the directory that it is to be in is not there; make or mount that"},
    };

    yard_open(&y);
    snprintf(inside, sizeof(inside), "%s/backup", y.root);
    snprintf(full, sizeof(full), "%s/full", y.base);
    snprintf(nowhere, sizeof(nowhere), "%s/no/where", y.base);
    CHECK_INT(mkdir(full, 0700), 0);
    snprintf(path, sizeof(path), "%s/file", full);
    spoil(path, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        y.options.directory = cases[i].directory;
        CHECK_INT(backup(&y), -1);
        if (strstr(y.err.text, cases[i].text) == NULL)
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, y.err.text);
    }
    CHECK(access(inside, F_OK) != 0);
    yard_close(&y);
}

TEST(fresh_disk, "a fresh file system is empty although it has a lost+found")
{
    char path[PATH_MAX];
    struct yard y;

    yard_open(&y);
    CHECK_INT(mkdir(y.directory, 0700), 0);
    snprintf(path, sizeof(path), "%s/lost+found", y.directory);
    CHECK_INT(mkdir(path, 0700), 0);
    backup_well(&y);
    yard_close(&y);
}

TEST(alone, "two backups do not work on one directory at a time, nor does one while it is read")
{
    struct backup_dir *dir;
    struct yard y;

    yard_open(&y);
    backup_well(&y);
    dir = backup_dir_open(y.directory, BACKUP_READ, &y.err);
    CHECK(dir != NULL);
    CHECK_INT(backup(&y), -1);
    CHECK_INT(y.err.code, ERR_BUSY);
    CHECK(strstr(y.err.text, "is in use by another backup, or is being read; wait for its end") != NULL);
    CHECK_INT(snapshots_of(&y), 1); /* readers do not mind each other */
    backup_dir_close(&dir);
    dir = backup_dir_open(y.directory, BACKUP_WRITE, &y.err);
    CHECK(dir != NULL);
    CHECK(backup_dir_open(y.directory, BACKUP_READ, &y.err) == NULL);
    CHECK_INT(y.err.code, ERR_BUSY);
    backup_dir_close(&dir);
    backup_well(&y);
    yard_close(&y);
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

HELPER void take_note(const char *text, void *arg)
{
    struct yard *y = arg;

    snprintf(y->reason, sizeof(y->reason), "%s", text);
}

TEST(links_inside, "a directory of backups whose parts are links, or are the data directory's own, is refused")
{
    char path[PATH_MAX], own[PATH_MAX], root[PATH_MAX];
    struct yard y;

    yard_open(&y);
    push(&y, 1);
    backup_well(&y);
    snprintf(path, sizeof(path), "%s/snapshots", y.directory);
    snprintf(own, sizeof(own), "%s/elsewhere", y.base);
    CHECK_INT(rename(path, own), 0);
    CHECK_INT(symlink(own, path), 0);
    CHECK_INT(backup(&y), -1);
    CHECK_INT(y.err.code, ERR_INVALID);
    CHECK(strstr(y.err.text, "/snapshots is a symbolic link, which backups do not follow") != NULL);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rename(own, path), 0);
    backup_well(&y);

    snprintf(path, sizeof(path), "%s/blobs", y.directory);
    snprintf(root, sizeof(root), "%s/blobs", y.root);
    snprintf(own, sizeof(own), "%s/pool", y.base);
    CHECK_INT(rename(path, own), 0);
    CHECK_INT(rename(root, path), 0);
    CHECK_INT(symlink(path, root), 0); /* one directory under both names, as a mount makes it */
    CHECK_INT(backup(&y), -1);
    CHECK_INT(y.err.code, ERR_INVALID);
    CHECK(strstr(y.err.text, "/blobs is the blobs of the data directory themselves") != NULL);
    yard_close(&y);
}

TEST(others, "who backs up to where others can write is told")
{
    struct yard y;

    yard_open(&y);
    y.options.note = take_note;
    backup_well(&y);
    CHECK_TEXT(y.reason, "");
    CHECK_INT(chmod(y.directory, 0770), 0);
    backup_well(&y);
    CHECK(strstr(y.reason, "can be changed by other users, and the backups with it; run: chmod go-w ") != NULL);
    if (geteuid() == 0) {
        CHECK_INT(chown(y.directory, 4711, 4711), 0);
        backup_well(&y);
        CHECK(strstr(y.reason, "belongs to user 4711, who can change the backups") != NULL);
    }
    yard_close(&y);
}
