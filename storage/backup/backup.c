#include "storage/backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/backup/backup_list.h"
#include "storage/blob_transfer.h"
#include "storage/meta/meta_copy.h"
#include "storage/meta/meta_record.h"

struct backup {
    const struct store *store;
    const struct backup_options *options;
    struct backup_result *result;
    struct backup_dir *dir;
    struct blob_store *pool;
    struct transfer *transfer;
    struct list_writer list;
    struct lost_list lost;
    struct snapshot snapshot;
};

/* ---- blobs ---- */

static void note_lost(struct backup *b, const struct digest *d, const char *reason)
{
    lost_add(&b->lost, d, reason);
    b->result->lost++;
    if (b->options->lost != NULL)
        b->options->lost(d, reason, b->options->arg);
}

static int take_blob(const struct digest *d, uint64_t size, void *arg, struct err *e)
{
    struct backup *b = arg;
    enum transfer_end end;

    if (transfer_blob(b->transfer, d, size, &end, e) != 0)
        return -1;
    if (end == TRANSFER_MISSING || end == TRANSFER_DAMAGED)
        note_lost(b, d, e->text);
    b->result->blobs++;
    b->result->bytes += size;
    b->result->linked += end == TRANSFER_LINKED;
    b->result->copied += end == TRANSFER_COPIED;
    b->result->copied_bytes += end == TRANSFER_COPIED ? size : 0;
    if (b->options->progress != NULL)
        b->options->progress(b->result, b->options->arg);
    return list_add(&b->list, d, size, e);
}

/* ---- a snapshot ---- */

static int open_transfer(struct backup *b, struct err *e)
{
    char workshop[PATH_MAX];
    struct transfer_options options = {
        .from = b->store->blobs,
        .workshop = workshop,
        .link = !b->options->copy,
        .verify = b->options->verify,
        .interrupt = b->options->interrupt,
    };

    b->pool = blob_store_open(b->dir->path, e);
    if (b->pool == NULL || backup_path(b->dir, "incoming", workshop, e) != 0)
        return -1;
    options.to = b->pool;
    b->transfer = transfer_new(&options, e);
    return b->transfer == NULL ? -1 : 0;
}

static int partial_path(const struct backup *b, const char *name, char out[PATH_MAX], struct err *e)
{
    return snapshot_path(b->dir, b->snapshot.stamp, SNAPSHOT_PARTIAL, name, out, e);
}

/* Steps 2 and 3 of backup.h. */
static int take_all(struct backup *b, struct err *e)
{
    char metadata[PATH_MAX], list[PATH_MAX];
    int rc;

    if (partial_path(b, "data.mdb", metadata, e) != 0 || partial_path(b, "blobs", list, e) != 0 ||
        list_create(&b->list, list, e) != 0)
        return -1;
    store_hold_sweeps(b->store);
    rc = meta_copy(b->store->meta, metadata, e);
    if (rc == 0)
        rc = meta_blobs_each(b->store->meta, take_blob, b, e);
    if (rc == 0)
        rc = transfer_finish(b->transfer, e);
    store_release_sweeps(b->store);
    if (rc != 0 || list_finish(&b->list, &b->snapshot.list, e) != 0 ||
        digest_of_path(metadata, &b->options->interrupt, &b->snapshot.metadata.digest, &b->snapshot.metadata.size, e) !=
            0)
        return -1;
    return 0;
}

static int complete(struct backup *b, struct err *e)
{
    struct snapshot *s = &b->snapshot;
    char path[PATH_MAX];

    clock_text((int64_t)clock_wall_s(), s->created);
    s->schema = META_SCHEMA;
    s->blobs = b->result->blobs;
    s->bytes = b->result->bytes;
    s->lost = b->result->lost;
    b->result->metadata_bytes = s->metadata.size;
    if (partial_path(b, NULL, path, e) != 0 || snapshot_save(path, s, &b->lost, e) != 0 ||
        snapshot_finish(b->dir, s->stamp, e) != 0)
        return -1;
    memcpy(b->result->stamp, s->stamp, sizeof(s->stamp));
    return 0;
}

static int make_snapshot(struct backup *b, struct err *e)
{
    struct err ignored;
    int rc;

    b->list.fd = -1;
    if (partials_remove(b->dir, e) != 0 || open_transfer(b, e) != 0 ||
        snapshot_begin(b->dir, b->snapshot.stamp, e) != 0)
        return -1;
    rc = take_all(b, e);
    if (rc == 0)
        rc = complete(b, e);
    list_close(&b->list);
    if (rc != 0)
        partials_remove(b->dir, &ignored); /* what stays goes next time */
    return rc;
}

/* ---- all of it ---- */

/* A backup that lies in what it saves is lost with it. */
static int check_place(const struct store *store, const char *directory, struct err *e)
{
    char *root = realpath(store->root, NULL), *place = realpath(directory, NULL);
    size_t n = root == NULL ? 0 : strlen(root);
    int rc = 0;

    if (root == NULL || place == NULL)
        rc = err_errno(e, "%s", root == NULL ? store->root : directory);
    else if (strncmp(place, root, n) == 0 && (place[n] == '/' || place[n] == '\0'))
        rc = err_set(e, ERR_INVALID, "%s lies in the data directory %s and would be lost with it; choose another",
                     directory, store->root);
    free(root);
    free(place);
    return rc;
}

/* The directory may not be there yet: then the one that it is to be in counts. */
static int check_options(const struct store *store, const struct backup_options *options, struct err *e)
{
    char parent[PATH_MAX];
    char *slash;

    if (options->directory[0] != '/' || strlen(options->directory) >= sizeof(parent))
        return err_set(e, ERR_INVALID, "%s: the directory of backups must be an absolute path", options->directory);
    if (check_place(store, options->directory, e) == 0)
        return 0;
    if (e->code != ERR_NOT_FOUND)
        return -1;
    snprintf(parent, sizeof(parent), "%s", options->directory);
    for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
        parent[n - 1] = '\0';
    slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    return check_place(store, parent, e) == 0 || e->code == ERR_NOT_FOUND ? 0 : -1; /* who makes it, tells of that */
}

/* By a mount of the data directory, say: the pool would be removed from with --keep. */
static int check_pool(const struct backup *b, struct err *e)
{
    char pool[PATH_MAX];
    struct stat own, other;
    int dir = open(b->store->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = dir < 0 ? -1 : fstatat(dir, "blobs", &own, 0);

    if (rc != 0)
        err_errno(e, "%s", b->store->root);
    if (dir >= 0)
        close(dir);
    if (rc != 0 || backup_path(b->dir, "blobs", pool, e) != 0)
        return -1;
    if (stat(pool, &other) != 0)
        return errno == ENOENT ? 0 : err_errno(e, "%s", pool);
    if (own.st_dev != other.st_dev || own.st_ino != other.st_ino)
        return 0;
    return err_set(e, ERR_INVALID, "%s is the blobs of the data directory themselves; choose another directory", pool);
}

static void warn_of_others(const struct backup *b)
{
    char text[2 * PATH_MAX + 200];
    struct stat st;

    if (b->options->note == NULL || stat(b->dir->path, &st) != 0)
        return;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        snprintf(text, sizeof(text), "%s belongs to user %u, who can change the backups", b->dir->path,
                 (unsigned)st.st_uid);
    else if ((st.st_mode & 022) != 0)
        snprintf(text, sizeof(text), "%s can be changed by other users, and the backups with it; run: chmod go-w %s",
                 b->dir->path, b->dir->path);
    else
        return;
    b->options->note(text, b->options->arg);
}

int backup_run(const struct store *store, const struct backup_options *options, struct backup_result *result,
               struct err *e)
{
    struct backup *b;
    int rc = -1;

    *result = (struct backup_result){0};
    if (check_options(store, options, e) != 0)
        return -1;
    b = xcalloc(1, sizeof(*b));
    b->store = store;
    b->options = options;
    b->result = result;
    b->dir = backup_dir_open(options->directory, BACKUP_WRITE, e);
    if (b->dir != NULL && check_pool(b, e) == 0) {
        warn_of_others(b);
        rc = make_snapshot(b, e);
        transfer_free(&b->transfer);
        blob_store_close(&b->pool);
    }
    if (rc == 0 && options->keep > 0)
        rc = backup_prune(b->dir, options->keep, &options->interrupt, result, e);
    lost_free(&b->lost);
    backup_dir_close(&b->dir);
    free(b);
    return rc;
}
