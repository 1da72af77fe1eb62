/* Directories that backups go to: which are refused, who works on one, who else could change it. */
#include "tests/unit/backup/backup_fixture.h"

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

static void take_note(const char *text, void *arg)
{
    struct yard *y = arg;

    snprintf(y->reason, sizeof(y->reason), "%s", text);
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
