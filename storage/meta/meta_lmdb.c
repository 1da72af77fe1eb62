/*
 * kv.h kept by LMDB.
 *
 * Growth. LMDB fixes the size of its map when it opens, and a transaction that needs more fails with MDB_MAP_FULL. The
 * size may change only while no transaction is alive in the process. The writer has just given its own up, and each
 * reader holds a lock of its own while it reads: kv_grow() takes them all, changes the map, lets go. Reads on different
 * loops never share a lock.
 *
 * Failure of growth. mdb_env_set_mapsize() gives the old map up before it asks for the new one, so a refusal would
 * leave no map at all. Hence the address space is tried out first; should it be refused all the same, the environment
 * is marked lost and every transaction fails with a text that says so, rather than reading from nowhere.
 *
 * The first pages. LMDB writes them in place and does not wait for the disk, so a full disk or a power cut may leave a part
 * of them, and what is no whole environment it refuses for ever after. So a new one is made beside its place, synced, and
 * then given its name.
 *
 * A failed write of LMDB's root page makes LMDB refuse everything until it is opened anew (MDB_PANIC). That is kept:
 * a disk that cannot be trusted is for a person to look at.
 */
#include "storage/meta/meta_lmdb.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "registry/base/file.h"

enum { READERS_MAX = 1024, FILE_MODE = 0600, DIRECTORY_MODE = 0700 };

const char *const kv_table_names[KV_TABLES] = {
    [KV_INFO] = "info",
    [KV_REPOS] = "repos",
    [KV_NAMES] = "names",
    [KV_CATALOG] = "catalog",
    [KV_BLOBS] = "blobs",
    [KV_MEMBERS] = "members",
    [KV_HOLDERS] = "holders",
    [KV_MANIFESTS] = "manifests",
    [KV_TAGS] = "tags",
    [KV_MANIFEST_TAGS] = "manifest_tags",
    [KV_REFS] = "refs",
    [KV_REFERRERS] = "referrers",
    [KV_IDLE] = "idle",
    [KV_LOOSE] = "loose",
    [KV_USAGE] = "usage",
    [KV_EVENTS] = "events",
    [KV_TAG_EVENTS] = "tag_events",
    [KV_RECALLABLE] = "recallable",
    [KV_REMOVED] = "removed",
    [KV_PULLS] = "pulls",
    [KV_OUTBOX] = "outbox",
};

static const char *meaning(int rc)
{
    switch (rc) {
    case MDB_PANIC:
        return "an earlier write failed half-way; check the disk, then restart";
    case MDB_CORRUPTED:
        return "damaged; stop the server and run `berth fsck`, or restore a backup";
    case MDB_MAP_FULL:
        return "the map is full";
    default:
        return mdb_strerror(rc);
    }
}

int kv_fail(struct err *e, int rc, const char *doing, const char *table)
{
    const char *in = table == NULL ? "" : " table ";

    table = table == NULL ? "" : table;
    errno = rc;
    if (rc > 0)
        return err_errno(e, "metadata: %s%s%s", doing, in, table);
    return err_set(e, rc == MDB_MAP_FULL ? ERR_NO_SPACE : ERR_IO, "metadata: %s%s%s: %s", doing, in, table,
                   meaning(rc));
}

/* ---- the environment ---- */

static int open_env(const char *directory, uint64_t map_bytes, MDB_env **out)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);

    if (rc != 0)
        return rc;
    if ((rc = mdb_env_set_mapsize(env, map_bytes)) == 0 && (rc = mdb_env_set_maxdbs(env, KV_TABLES)) == 0 &&
        (rc = mdb_env_set_maxreaders(env, READERS_MAX)) == 0 &&
        (rc = mdb_env_open(env, directory, MDB_NOTLS, FILE_MODE)) == 0) {
        *out = env;
        return 0;
    }
    mdb_env_close(env);
    return rc;
}

/* Half the map again and again while there is no address space for more (a limit on it, or little of it). */
static int open_env_that_fits(const char *directory, uint64_t map_bytes, MDB_env **out)
{
    int rc = open_env(directory, map_bytes, out);

    while (rc == ENOMEM && map_bytes / 2 >= KV_MAP_SMALLEST) {
        map_bytes /= 2;
        rc = open_env(directory, map_bytes, out);
    }
    return rc;
}

/* A file without a byte is one that was about to be made. */
static bool is_made(const char *file)
{
    struct stat st;

    return stat(file, &st) == 0 && st.st_size > 0;
}

static int write_first_pages(const char *file)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);

    if (rc != 0)
        return rc;
    if ((rc = mdb_env_open(env, file, MDB_NOSUBDIR | MDB_NOTLS, FILE_MODE)) == 0)
        rc = mdb_env_sync(env, 1);
    mdb_env_close(env);
    return rc;
}

/* Make what LMDB calls data.mdb, unless it is there. The name is durable once `directory` is synced. */
static int make_if_missing(const char *directory, struct err *e)
{
    char file[PATH_MAX], fresh[PATH_MAX], lock[PATH_MAX];
    int rc;

    if ((size_t)snprintf(lock, sizeof(lock), "%s/new.mdb-lock", directory) >= sizeof(lock))
        return err_set(e, ERR_INVALID, "the name of the directory is too long");
    snprintf(fresh, sizeof(fresh), "%s/new.mdb", directory);
    snprintf(file, sizeof(file), "%s/data.mdb", directory);
    if (is_made(file))
        return 0;
    unlink(fresh); /* of a start that did not come this far */
    rc = write_first_pages(fresh);
    unlink(lock);
    if (rc == 0 && rename(fresh, file) != 0)
        rc = errno;
    return rc == 0 ? 0 : kv_fail(e, rc, "make", NULL);
}

static int open_tables(struct kv *kv)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(kv->env, NULL, 0, &txn);

    if (rc != 0)
        return rc;
    for (int i = 0; i < KV_TABLES && rc == 0; i++)
        rc = mdb_dbi_open(txn, kv_table_names[i], MDB_CREATE, &kv->tables[i]);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

struct kv *kv_open(const char *directory, uint64_t map_bytes, struct err *e)
{
    struct kv *kv = xcalloc(1, sizeof(*kv));
    int dead;
    int rc;

    if (file_mkdirs(directory, DIRECTORY_MODE, e) != 0 || make_if_missing(directory, e) != 0)
        goto free_kv;
    if ((rc = open_env_that_fits(directory, map_bytes, &kv->env)) != 0) {
        kv_fail(e, rc, "open", NULL);
        goto free_kv;
    }
    if ((rc = mdb_reader_check(kv->env, &dead)) != 0 || (rc = open_tables(kv)) != 0) {
        kv_fail(e, rc, "open tables", NULL);
        goto close_env;
    }
    if (file_sync_dir(directory, e) != 0)
        goto close_env;
    pthread_mutex_init(&kv->copying, NULL);
    pthread_mutex_init(&kv->readers_lock, NULL);
    kv->writing.kv = kv;
    return kv;

close_env:
    mdb_env_close(kv->env);
free_kv:
    free(kv);
    err_wrap(e, "%s", directory);
    return NULL;
}

void kv_close(struct kv **kv)
{
    if (*kv == NULL)
        return;
    mdb_env_close((*kv)->env);
    pthread_mutex_destroy(&(*kv)->readers_lock);
    pthread_mutex_destroy(&(*kv)->copying);
    free(*kv);
    *kv = NULL;
}

static MDB_envinfo inquire(const struct kv *kv)
{
    MDB_envinfo info = {0};

    mdb_env_info(kv->env, &info);
    return info;
}

uint64_t kv_map_bytes(const struct kv *kv)
{
    return inquire(kv).me_mapsize;
}

uint64_t kv_last_commit(const struct kv *kv)
{
    return inquire(kv).me_last_txnid;
}

static int try_address_space(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? -1 : munmap(p, bytes);
}

int kv_grow(struct kv *kv, struct err *e)
{
    uint64_t wanted = kv_map_bytes(kv) * 2;
    int rc;

    if (try_address_space(wanted) != 0)
        return err_set(e, ERR_NO_SPACE,
                       "metadata: no address space for a map of %llu KiB; raise the limit on virtual memory",
                       (unsigned long long)(wanted >> 10));
    pthread_mutex_lock(&kv->copying);
    pthread_mutex_lock(&kv->readers_lock);
    for (struct meta_reader *r = kv->readers; r != NULL; r = r->next)
        pthread_mutex_lock(&r->lock);
    rc = mdb_env_set_mapsize(kv->env, wanted);
    kv->lost = rc != 0;
    for (struct meta_reader *r = kv->readers; r != NULL; r = r->next)
        pthread_mutex_unlock(&r->lock);
    pthread_mutex_unlock(&kv->readers_lock);
    pthread_mutex_unlock(&kv->copying);
    return rc == 0 ? 0 : kv_fail(e, rc, "grow the map", NULL);
}

/* ---- transactions ---- */

/* A reader keeps its slot in LMDB's table for life and renews its snapshot with each read. */
static int take_slot(struct kv *kv, MDB_txn **txn)
{
    int dead;
    int rc;

    if (kv->lost)
        return MDB_PANIC;
    rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, txn);
    if (rc == MDB_READERS_FULL && mdb_reader_check(kv->env, &dead) == 0)
        rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, txn);
    if (rc == 0)
        mdb_txn_reset(*txn);
    return rc;
}

struct meta_reader *kv_reader_new(struct kv *kv, struct err *e)
{
    struct meta_reader *reader = xcalloc(1, sizeof(*reader));
    int rc;

    reader->txn.kv = kv;
    pthread_mutex_init(&reader->lock, NULL);
    pthread_mutex_lock(&kv->readers_lock);
    rc = take_slot(kv, &reader->txn.txn);
    if (rc == 0) {
        reader->next = kv->readers;
        kv->readers = reader;
    }
    pthread_mutex_unlock(&kv->readers_lock);
    if (rc == 0)
        return reader;
    kv_fail(e, rc, "new reader", NULL);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
    return NULL;
}

void kv_reader_free(struct meta_reader **reader)
{
    struct meta_reader **link;
    struct kv *kv;

    if (*reader == NULL)
        return;
    kv = (*reader)->txn.kv;
    pthread_mutex_lock(&kv->readers_lock);
    for (link = &kv->readers; *link != *reader; link = &(*link)->next)
        ;
    *link = (*reader)->next;
    mdb_txn_abort((*reader)->txn.txn);
    pthread_mutex_unlock(&kv->readers_lock);
    pthread_mutex_destroy(&(*reader)->lock);
    free(*reader);
    *reader = NULL;
}

struct meta_txn *kv_read(struct meta_reader *reader, struct err *e)
{
    struct meta_txn *txn = &reader->txn;
    int rc;

    pthread_mutex_lock(&reader->lock);
    rc = txn->kv->lost ? MDB_PANIC : mdb_txn_renew(txn->txn);
    if (rc == 0) {
        txn->rc = 0;
        return txn;
    }
    pthread_mutex_unlock(&reader->lock);
    kv_fail(e, rc, "read", NULL);
    return NULL;
}

void kv_read_done(struct meta_reader *reader)
{
    mdb_txn_reset(reader->txn.txn);
    pthread_mutex_unlock(&reader->lock);
}

struct meta_txn *kv_write(struct kv *kv, struct err *e)
{
    struct meta_txn *txn = &kv->writing;
    int rc;

    *txn = (struct meta_txn){.kv = kv};
    rc = kv->lost ? MDB_PANIC : mdb_txn_begin(kv->env, NULL, 0, &txn->txn);
    if (rc == 0)
        return txn;
    kv_fail(e, rc, "begin", NULL);
    return NULL;
}

/* A write that the file system cut short is EIO to LMDB; a full disk is the usual reason. */
static bool disk_full(const struct kv *kv)
{
    struct statvfs fs;
    int fd;

    return mdb_env_get_fd(kv->env, &fd) == 0 && fstatvfs(fd, &fs) == 0 && fs.f_bavail == 0;
}

int kv_commit(struct meta_txn *txn, struct err *e)
{
    int rc = 0;

    if (txn->rc != 0)
        mdb_txn_abort(txn->txn);
    else
        rc = mdb_txn_commit(txn->txn);
    kv_note(txn, rc == EIO && disk_full(txn->kv) ? ENOSPC : rc, "commit", NULL);
    txn->txn = NULL;
    return kv_status(txn, e);
}

void kv_abort(struct meta_txn *txn)
{
    mdb_txn_abort(txn->txn);
    txn->txn = NULL;
}
