#include "storage/backup/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/backup/backup_list.h"
#include "storage/blob_transfer.h"
#include "storage/meta/meta_copy.h"
#include "storage/meta/meta_outbox.h"
#include "storage/store.h"

enum { CHUNK = 256 * 1024 };

struct restore {
    const struct restore_options *options;
    struct restore_result *result;
    struct backup_dir *dir;
    int lock_fd; /* of the data directory */
    struct blob_store *pool;
    struct blob_store *blobs;
    struct transfer *transfer;
    struct meta *meta;
};

/* ---- the directory ---- */

/* Asked before anything is made, and again with the lock held, which is the one file that there may be. */
static int refuse_used(const struct restore *r, struct err *e)
{
    const char *to = r->options->to;
    char mark[PATH_MAX];
    bool empty;

    if (store_path(r->options->to, STORE_UNFINISHED, mark, e) != 0)
        return -1;
    if (access(to, F_OK) != 0 && errno == ENOENT)
        return 0;
    if (access(mark, F_OK) == 0)
        return 0;
    if (directory_is_empty(to, "berth.lock", &empty, e) != 0)
        return -1;
    return empty
               ? 0
               : err_set(e, ERR_EXISTS,
                         "%s is not empty; restore into an empty directory, then put it in the place of this one", to);
}

static int open_directory(struct restore *r, struct err *e)
{
    static const char text[] = "A restore into this directory has not come to its end.\n";
    char mark[PATH_MAX];

    if (refuse_used(r, e) != 0 || store_lock(r->options->to, &r->lock_fd, e) != 0 || refuse_used(r, e) != 0 ||
        store_path(r->options->to, STORE_UNFINISHED, mark, e) != 0)
        return -1;
    return mark_make(r->options->to, mark, text, e);
}

/* ---- metadata ---- */

/* What an interrupted restore has left of it. */
static int remove_old(const char *directory, struct err *e)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_MAX];

        if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, names[i]) >= sizeof(path))
            return err_set(e, ERR_INVALID, "the name of the data directory is too long");
        if (unlink(path) != 0 && errno != ENOENT)
            return err_errno(e, "%s: remove", path);
    }
    return 0;
}

static int copy_bytes(struct restore *r, int from, int to, struct hasher *hasher, struct err *e)
{
    char *chunk = xmalloc(CHUNK);
    ssize_t got;
    int rc = 0;

    while (rc == 0 && (got = read(from, chunk, CHUNK)) != 0) {
        if (got < 0) {
            rc = errno == EINTR ? 0 : err_errno(e, "read");
            continue;
        }
        hasher_update(hasher, chunk, (size_t)got);
        rc = file_write(to, chunk, (size_t)got, e);
        if (rc == 0)
            rc = interrupt_check(&r->options->interrupt, INTERRUPT_RESUMES, e);
    }
    free(chunk);
    if (rc == 0 && fsync(to) != 0)
        rc = err_errno(e, "fsync");
    return rc;
}

static int copy_verified(struct restore *r, const char *from, const char *to, struct err *e)
{
    const struct snapshot_file *wanted = &r->result->snapshot.metadata;
    struct hasher hasher;
    struct digest found;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
    int rc;

    if (in < 0)
        return err_errno(e, "%s", from);
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    hasher_init(&hasher, DIGEST_SHA256);
    rc = out < 0 ? err_errno(e, "%s", to) : copy_bytes(r, in, out, &hasher, e);
    hasher_digest(&hasher, &found);
    if (rc == 0 && !digest_equal(&found, &wanted->digest))
        rc = err_set(e, ERR_DIGEST, "it is damaged: choose another snapshot, or another copy of the backup");
    if (out >= 0)
        close(out);
    close(in);
    return rc == 0 ? 0 : err_wrap(e, "%s", from);
}

static int restore_metadata(struct restore *r, struct err *e)
{
    char from[PATH_MAX], to[PATH_MAX], directory[PATH_MAX];

    if (snapshot_path(r->dir, r->result->snapshot.stamp, "", "data.mdb", from, e) != 0 ||
        store_path(r->options->to, "meta", directory, e) != 0 ||
        store_path(r->options->to, "meta/data.mdb", to, e) != 0 || file_mkdirs(directory, 0700, e) != 0 ||
        remove_old(directory, e) != 0 || copy_verified(r, from, to, e) != 0 || file_sync_dir(directory, e) != 0)
        return -1;
    r->meta = meta_open(directory, e);
    if (r->meta == NULL)
        return -1;
    /* What was to be told others then has been told, or is not true any more. */
    return meta_outbox_forget(r->meta, e);
}

/* ---- blobs ---- */

static int open_blobs(struct restore *r, struct err *e)
{
    char workshop[PATH_MAX];
    struct transfer_options options = {
        .workshop = workshop, .link = r->options->link, .verify = true, .interrupt = r->options->interrupt};

    if (store_path(r->options->to, "incoming", workshop, e) != 0 ||
        (r->pool = blob_store_open_readonly(r->dir->path, e)) == NULL ||
        (r->blobs = blob_store_open(r->options->to, e)) == NULL)
        return -1;
    options.from = r->pool;
    options.to = r->blobs;
    r->transfer = transfer_new(&options, e);
    return r->transfer == NULL ? -1 : 0;
}

static int restore_blob(const struct digest *d, uint64_t size, void *arg, struct err *e)
{
    struct restore *r = arg;
    const struct restore_options *options = r->options;
    enum transfer_end end;

    if (transfer_blob(r->transfer, d, size, &end, e) != 0)
        return -1;
    r->result->blobs++;
    if (end != TRANSFER_MISSING && end != TRANSFER_DAMAGED) {
        r->result->bytes += size;
    } else {
        r->result->lost++;
        if (options->lost != NULL)
            options->lost(d, end == TRANSFER_MISSING ? "it is not in the backup" : e->text, options->arg);
    }
    if (options->progress != NULL)
        options->progress(r->result, options->arg);
    return 0;
}

/* ---- all of it ---- */

static int finish(struct restore *r, struct err *e)
{
    char mark[PATH_MAX];

    if (r->result->lost > 0 && !r->options->incomplete)
        return err_set(e, ERR_DIGEST,
                       "%llu blobs are missing or damaged in the backup: repair it from another copy of it and run the "
                       "same again; or finish without them by --incomplete",
                       (unsigned long long)r->result->lost);
    transfer_free(&r->transfer); /* takes its workshop with it */
    if (store_path(r->options->to, STORE_UNFINISHED, mark, e) != 0 || file_sync_dir(r->options->to, e) != 0)
        return -1;
    if (unlink(mark) != 0)
        return err_errno(e, "%s: remove", mark);
    return file_sync_dir(r->options->to, e);
}

static int restore(struct restore *r, struct err *e)
{
    const struct snapshot *s = &r->result->snapshot;
    int rc;

    if (snapshot_find(r->dir, r->options->stamp, &r->result->snapshot, e) != 0)
        return -1;
    if (s->lost > 0 && !r->options->incomplete)
        return err_set(
            e, ERR_DIGEST,
            "snapshot %s is not complete: %llu blobs were missing or damaged when it was made; take another, "
            "or add --incomplete to do without them",
            s->stamp, (unsigned long long)s->lost);
    if (open_directory(r, e) != 0 || restore_metadata(r, e) != 0)
        return -1;
    rc = open_blobs(r, e);
    if (rc == 0)
        rc = meta_blobs_each(r->meta, restore_blob, r, e);
    if (rc == 0)
        rc = transfer_finish(r->transfer, e);
    meta_close(&r->meta);
    return rc == 0 ? finish(r, e) : -1;
}

int restore_run(const struct restore_options *options, struct restore_result *result, struct err *e)
{
    struct restore r = {.options = options, .result = result, .lock_fd = -1};
    int rc = -1;

    *result = (struct restore_result){0};
    r.dir = backup_dir_open(options->backup, BACKUP_READ, e);
    if (r.dir != NULL)
        rc = restore(&r, e);
    transfer_free(&r.transfer);
    blob_store_close(&r.blobs);
    blob_store_close(&r.pool);
    if (r.lock_fd >= 0)
        close(r.lock_fd);
    backup_dir_close(&r.dir);
    return rc;
}
