/*
 * What the tests of backup and restore share: a data directory with blobs called by numbers, and a directory of backups
 * beside it.
 */
#ifndef BERTH_TEST_BACKUP_FIXTURE_H
#define BERTH_TEST_BACKUP_FIXTURE_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/backup/backup.h"
#include "storage/backup/restore.h"
#include "storage/store.h"
#include "storage/upkeep/sweep.h"
#include "tests/unit/meta/meta_fixture.h"
#include "tests/unit/test.h"

enum { BLOB_SIZE = sizeof(unsigned) };

struct yard {
    char base[PATH_MAX / 4];
    char root[PATH_MAX / 4]; /* the data directory */
    char directory[PATH_MAX / 4];
    struct store *store;
    struct world world; /* its meta is the store's */

    struct backup_options options;
    struct backup_result result;
    struct err err;
    unsigned lost; /* blobs that were reported */
    char reason[ERR_TEXT_MAX];
    unsigned asked; /* how often somebody asked whether to stop */
    unsigned stop_at;
};

HELPER bool stop_now(void *arg)
{
    struct yard *y = arg;

    return ++y->asked >= y->stop_at;
}

HELPER void note_lost(const struct digest *d, const char *reason, void *arg)
{
    struct yard *y = arg;

    (void)d;
    y->lost++;
    snprintf(y->reason, sizeof(y->reason), "%s", reason);
}

HELPER void yard_open_store(struct yard *y, const char *root)
{
    y->store = store_open(root, &y->err);
    if (y->store == NULL)
        test_fail(__FILE__, __LINE__, "%s", y->err.text);
    y->world = (struct world){.meta = y->store->meta};
    y->world.reader = meta_reader_new(y->store->meta, &y->err);
    CHECK(y->world.reader != NULL);
}

HELPER void yard_close_store(struct yard *y)
{
    meta_reader_free(&y->world.reader);
    store_close(&y->store);
}

HELPER void yard_open(struct yard *y)
{
    *y = (struct yard){.stop_at = UINT_MAX};
    snprintf(y->base, sizeof(y->base), "%s", test_dir());
    snprintf(y->root, sizeof(y->root), "%.900s/data", y->base);
    snprintf(y->directory, sizeof(y->directory), "%.900s/backup", y->base);
    y->options = (struct backup_options){
        .directory = y->directory, .lost = note_lost, .arg = y, .interrupt = {.wanted = stop_now, .arg = y}};
    yard_open_store(y, y->root);
}

HELPER void yard_close(struct yard *y)
{
    yard_close_store(y);
}

/* ---- blobs ---- */

HELPER void push(struct yard *y, unsigned number)
{
    struct iovec span = {.iov_base = &number, .iov_len = sizeof(number)};
    struct digest d = blob_digest(number);
    struct pin pin = {0};
    struct upload *u;
    uint64_t size;

    pin_hold(y->store->pins, &pin, &d);
    if (upload_create(y->store->uploads, STR("a"), STR(""), DIGEST_SHA256, &u, &y->err) != 0 ||
        upload_append(u, &span, 1, &y->err) != 0 || upload_finish(&u, &d, &size, &y->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", y->err.text);
    CHECK_INT(blob_put(&y->world, "a", d, sizeof(number), NOW), 0);
    pin_drop(y->store->pins, &pin);
}

/* Nobody names any blob here: all of them go. */
HELPER void sweep_all(struct yard *y)
{
    const struct sweep_options options = {.grace_s = 0};
    struct sweep *sweep = sweep_new(y->store, &options, &y->err);
    struct sweep_freed freed = {0};
    bool more = true;

    while (more)
        CHECK_INT(sweep_step(sweep, clock_wall_s(), &freed, &more, &y->err), 0);
    sweep_free(&sweep);
}

/* The file of a blob below `root`, a data directory or one of backups. */
HELPER const char *blob_path(const char *root, unsigned number)
{
    static char path[PATH_MAX];
    struct digest d = blob_digest(number);
    char text[DIGEST_TEXT_MAX];

    digest_format(&d, text);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%.2s/%s", root, text + 7, text + 7);
    return path;
}

HELPER struct stat blob_stat_of(const char *root, unsigned number)
{
    struct stat st = {0};

    if (stat(blob_path(root, number), &st) != 0)
        test_fail(__FILE__, __LINE__, "no blob %u in %s", number, root);
    return st;
}

HELPER bool blob_there(const char *root, unsigned number)
{
    return access(blob_path(root, number), F_OK) == 0;
}

/* A file of `n` bytes of something else takes the place of the blob's. */
HELPER void spoil(const char *path, size_t n)
{
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    CHECK(file != NULL);
    for (size_t i = 0; i < n; i++)
        fputc('x', file);
    fclose(file);
}

/* ---- backups ---- */

HELPER int backup(struct yard *y)
{
    y->asked = y->lost = 0;
    return backup_run(y->store, &y->options, &y->result, &y->err);
}

HELPER void backup_well(struct yard *y)
{
    if (backup(y) != 0)
        test_fail(__FILE__, __LINE__, "%s", y->err.text);
}

HELPER size_t count_snapshots(struct yard *y, struct snapshot **all)
{
    struct backup_dir *dir = backup_dir_open(y->directory, BACKUP_READ, &y->err);
    size_t count = 0;

    if (dir == NULL || snapshots_load(dir, all, &count, &y->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", y->err.text);
    backup_dir_close(&dir);
    return count;
}

HELPER size_t snapshots_of(struct yard *y)
{
    struct snapshot *all;
    size_t count = count_snapshots(y, &all);

    free(all);
    return count;
}

/* "<backup>/snapshots/<stamp of the last run>/<name>" */
HELPER const char *snapshot_file(const struct yard *y, const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/snapshots/%s/%s", y->directory, y->result.stamp, name);
    return path;
}

struct findings {
    struct verify_result result;
    char text[ERR_TEXT_MAX * 2]; /* of the last problem */
};

HELPER void note_problem(const char *text, void *arg)
{
    struct findings *f = arg;

    snprintf(f->text, sizeof(f->text), "%s", text);
}

HELPER struct findings verify(struct yard *y)
{
    struct backup_dir *dir = backup_dir_open(y->directory, BACKUP_READ, &y->err);
    struct findings f = {0};
    const struct verify_options options = {.problem = note_problem, .arg = &f};

    if (dir == NULL || backup_verify(dir, &options, &f.result, &y->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", y->err.text);
    backup_dir_close(&dir);
    return f;
}

#endif
