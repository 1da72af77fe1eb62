/* Is a backup what it says (backup.h)? Each snapshot by itself first, then each blob that any of them names, once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/backup/backup.h"
#include "storage/backup/backup_list.h"
#include "storage/blob_internal.h"
#include "storage/meta/meta_copy.h"

struct verify {
    const struct backup_dir *dir;
    const struct verify_options *options;
    struct verify_result *result;
};

static void complain(struct verify *v, const char *text)
{
    v->result->problems++;
    if (v->options->problem != NULL)
        v->options->problem(text, v->options->arg);
}

static bool is_interrupted(const struct verify *v, struct err *e)
{
    return interrupt_check(&v->options->interrupt, INTERRUPT_RESUMES, e) != 0;
}

/* ---- a snapshot ---- */

/* The metadata's walk and the list's go side by side: both are in the order of keys. */
struct side_by_side {
    struct lists *lists;
    unsigned folders; /* of the list, that were taken */
    const struct list_entry *entries;
    size_t count;
};

static int is_listed(const struct digest *d, uint64_t size, void *arg, struct err *e)
{
    struct side_by_side *s = arg;
    char text[DIGEST_TEXT_MAX];

    (void)size;
    for (; s->folders <= blob_folder_of(d); s->folders++)
        if (lists_folder(s->lists, &s->entries, &s->count, e) != 0)
            return -1;
    if (list_has(s->entries, s->count, d))
        return 0;
    digest_format(d, text);
    return err_set(e, ERR_INVALID, "blob %s is not in the list of blobs", text);
}

/* 0, or -1 with what is wrong. */
static int check_snapshot(struct verify *v, const struct snapshot *s, struct err *e)
{
    const struct interrupt *interrupt = &v->options->interrupt;
    struct side_by_side sides = {0};
    char path[PATH_MAX];
    uint32_t schema;
    int rc;

    if (s->unreadable.code != ERR_NONE)
        return err_set(e, s->unreadable.code, "%s", s->unreadable.text);
    if (snapshot_path(v->dir, s->stamp, "", "data.mdb", path, e) != 0 ||
        snapshot_file_check(path, &s->metadata, interrupt, e) != 0)
        return -1;
    sides.lists = lists_open(v->dir, s, 1, interrupt, e);
    if (sides.lists == NULL)
        return -1;
    rc = meta_copy_walk(path, is_listed, &sides, &schema, e);
    lists_close(&sides.lists);
    if (rc == 0 && schema != s->schema)
        rc = err_set(e, ERR_INVALID, "%s has schema version %u instead of %u", path, schema, s->schema);
    return rc;
}

/* Those that are good gather at the front. */
static int check_snapshots(struct verify *v, struct snapshot *all, size_t *count, struct err *e)
{
    size_t good = 0;

    for (size_t i = 0; i < *count; i++) {
        char text[ERR_TEXT_MAX + CLOCK_TEXT_ROOM + 16];
        struct err why;

        v->result->snapshots++;
        if (check_snapshot(v, &all[i], &why) == 0) {
            all[good++] = all[i];
            continue;
        }
        if (is_interrupted(v, e))
            return -1;
        snprintf(text, sizeof(text), "snapshot %s: %s", all[i].stamp, why.text);
        complain(v, text);
    }
    *count = good;
    return 0;
}

/* ---- blobs ---- */

static int check_blob(struct verify *v, const struct blob_store *pool, const struct list_entry *entry, struct err *e)
{
    struct digest found;
    uint64_t size;
    int fd, rc;

    if (blob_open(pool, &entry->digest, &fd, &size, NULL) != 0)
        return err_set(e, ERR_NOT_FOUND, "it is not in the pool");
    if (size != entry->size)
        rc = err_set(e, ERR_SIZE, "it has %llu bytes instead of %llu", (unsigned long long)size,
                     (unsigned long long)entry->size);
    else
        rc = digest_of_fd(fd, entry->digest.alg, &v->options->interrupt, &found, &size, e);
    if (rc == 0 && !digest_equal(&found, &entry->digest))
        rc = err_set(e, ERR_DIGEST, "its content has another digest");
    close(fd);
    return rc;
}

static int check_folder(struct verify *v, const struct blob_store *pool, const struct list_entry *entries, size_t count,
                        struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        char digest[DIGEST_TEXT_MAX], text[ERR_TEXT_MAX + DIGEST_TEXT_MAX + 8];
        struct err why;

        if (is_interrupted(v, e))
            return -1;
        v->result->blobs++;
        v->result->bytes += entries[i].size;
        if (check_blob(v, pool, &entries[i], &why) != 0) {
            if (is_interrupted(v, e))
                return -1;
            digest_format(&entries[i].digest, digest);
            snprintf(text, sizeof(text), "blob %s: %s", digest, why.text);
            complain(v, text);
        }
        if (v->options->progress != NULL)
            v->options->progress(v->result, v->options->arg);
    }
    return 0;
}

static int check_blobs(struct verify *v, const struct snapshot *good, size_t count, struct err *e)
{
    struct lists *lists = lists_open(v->dir, good, count, &v->options->interrupt, e);
    struct blob_store *pool = lists == NULL ? NULL : blob_store_open_readonly(v->dir->path, e);
    int rc = pool == NULL ? -1 : 0;

    for (unsigned folder = 0; folder < BLOB_FOLDERS && rc == 0; folder++) {
        const struct list_entry *entries;
        size_t n;

        rc = lists_folder(lists, &entries, &n, e);
        if (rc == 0)
            rc = check_folder(v, pool, entries, n, e);
    }
    blob_store_close(&pool);
    lists_close(&lists);
    return rc;
}

/* ---- all of it ---- */

static int load(const struct verify *v, struct snapshot **all, size_t *count, struct err *e)
{
    if (v->options->stamp == NULL)
        return snapshots_load(v->dir, all, count, e);
    *all = xcalloc(1, sizeof(**all));
    *count = 1;
    return snapshot_find(v->dir, v->options->stamp, *all, e);
}

int backup_verify(const struct backup_dir *dir, const struct verify_options *options, struct verify_result *result,
                  struct err *e)
{
    struct verify v = {.dir = dir, .options = options, .result = result};
    struct snapshot *all = NULL;
    size_t count;
    int rc;

    *result = (struct verify_result){0};
    rc = load(&v, &all, &count, e);
    if (rc == 0 && count == 0)
        rc = err_set(e, ERR_NOT_FOUND, "%s: there is no snapshot in it", dir->path);
    if (rc == 0)
        rc = check_snapshots(&v, all, &count, e);
    if (rc == 0 && count > 0)
        rc = check_blobs(&v, all, count, e);
    free(all);
    return rc;
}
