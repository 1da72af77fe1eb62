/*
 * Old snapshots of a backup, and the blobs that go with them (backup.h, step 5).
 *
 * First snapshots lose their names, durably; then their directories go; then each blob of the pool that no list of the
 * snapshots that are left names. A blob is in the pool before a snapshot that lists it has a name, and nobody else works
 * on the directory: whoever is interrupted here leaves blobs too many and never one too few.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/backup/backup.h"
#include "storage/backup/backup_list.h"

/* Keep what must stay, in place. *removed: how many went. */
static int remove_snapshots(const struct backup_dir *dir, uint64_t keep, struct snapshot *all, size_t *count,
                            uint64_t *removed, struct err *e)
{
    uint64_t complete = 0;
    size_t kept = *count;

    for (size_t i = *count; i-- > 0;) { /* the newest first; the kept ones gather at the end */
        bool whole = all[i].lost == 0;
        bool stays = *count - i <= keep || (whole && complete < keep);

        complete += whole;
        if (stays) {
            all[--kept] = all[i];
            continue;
        }
        if (snapshot_remove(dir, all[i].stamp, e) != 0)
            return -1;
        ++*removed;
    }
    memmove(all, all + kept, (*count - kept) * sizeof(*all));
    *count -= kept;
    return 0;
}

static int refuse_unreadable(const struct snapshot *all, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].unreadable.code != ERR_NONE)
            return err_set(e, all[i].unreadable.code,
                           "%s; nothing is removed as long as nobody knows what snapshot %s needs: repair or remove it",
                           all[i].unreadable.text, all[i].stamp);
    return 0;
}

/* ---- the pool ---- */

struct folder {
    struct blob_store *pool;
    const struct list_entry *needed;
    size_t count;
    const struct interrupt *interrupt;
    struct backup_result *result;
    struct err *e;
    int rc;
};

static bool visit(const struct digest *d, void *arg)
{
    struct folder *f = arg;
    uint64_t size = 0, changed;

    if (list_has(f->needed, f->count, d))
        return true;
    f->rc = interrupt_check(f->interrupt, INTERRUPT_RESUMES, f->e);
    if (f->rc == 0)
        f->rc = blob_stat(f->pool, d, &size, &changed, f->e);
    if (f->rc == 0)
        f->rc = blob_remove(f->pool, d, f->e);
    if (f->rc == 0) {
        f->result->removed_blobs++;
        f->result->removed_bytes += size;
    }
    return f->rc == 0;
}

static int remove_blobs(struct lists *lists, struct folder *f)
{
    for (unsigned folder = 0; folder < BLOB_FOLDERS; folder++)
        if (lists_folder(lists, &f->needed, &f->count, f->e) != 0 || blob_list(f->pool, folder, visit, f, f->e) != 0 ||
            f->rc != 0)
            return -1;
    return 0;
}

static int clean_pool(const struct backup_dir *dir, const struct snapshot *left, size_t count,
                      const struct interrupt *interrupt, struct backup_result *result, struct err *e)
{
    struct folder f = {.interrupt = interrupt, .result = result, .e = e};
    struct lists *lists = lists_open(dir, left, count, interrupt, e);
    int rc = -1;

    if (lists != NULL && (f.pool = blob_store_open_readonly(dir->path, e)) != NULL)
        rc = remove_blobs(lists, &f);
    blob_store_close(&f.pool);
    lists_close(&lists);
    return rc;
}

int backup_prune(const struct backup_dir *dir, uint64_t keep, const struct interrupt *interrupt,
                 struct backup_result *result, struct err *e)
{
    struct snapshot *all;
    size_t count;
    int rc;

    if (snapshots_load(dir, &all, &count, e) != 0)
        return -1;
    rc = refuse_unreadable(all, count, e);
    if (rc == 0)
        rc = remove_snapshots(dir, keep, all, &count, &result->removed_snapshots, e);
    if (rc == 0)
        rc = clean_pool(dir, all, count, interrupt, result, e);
    free(all);
    return rc == 0 ? 0 : err_wrap(e, "remove old snapshots");
}
