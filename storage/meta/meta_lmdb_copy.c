/*
 * Copies of the environment, made while others read and write, and read where they lie.
 *
 * LMDB copies from a snapshot of its own. Until it is done, pages that are freed meanwhile are not used again: a copy
 * costs the live file what is written during it. The map must stay where it is, so growth waits (`copying`), and with it
 * the writer; readers do not.
 */
#include "storage/meta/meta_lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static int copy(struct kv *kv, int fd)
{
    int dead;
    int rc;

    if (kv->lost)
        return MDB_PANIC;
    rc = mdb_env_copyfd2(kv->env, fd, MDB_CP_COMPACT);
    if (rc == MDB_READERS_FULL && mdb_reader_check(kv->env, &dead) == 0) /* it has written nothing yet */
        rc = mdb_env_copyfd2(kv->env, fd, MDB_CP_COMPACT);
    return rc;
}

int kv_copy(struct kv *kv, int fd, struct err *e)
{
    int rc;

    pthread_mutex_lock(&kv->copying);
    rc = copy(kv, fd);
    pthread_mutex_unlock(&kv->copying);
    return rc == 0 ? 0 : kv_fail(e, rc, "copy", NULL);
}

/* ---- reading one ---- */

/* The map is as large as the file and no larger: many copies may be open at a time. */
static int open_env(struct kv *kv, const char *path)
{
    struct stat st;
    int rc;

    if (stat(path, &st) != 0)
        return errno;
    if ((rc = mdb_env_create(&kv->env)) != 0)
        return rc;
    if ((rc = mdb_env_set_mapsize(kv->env, (size_t)st.st_size)) != 0 ||
        (rc = mdb_env_set_maxdbs(kv->env, KV_TABLES)) != 0)
        return rc;
    return mdb_env_open(kv->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
}

static int open_tables(struct kv *kv)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0)
        return rc;
    for (int i = 0; i < KV_TABLES && rc == 0; i++) {
        rc = mdb_dbi_open(txn, kv_table_names[i], 0, &kv->tables[i]);
        if (rc == MDB_NOTFOUND) {
            kv->tables[i] = KV_ABSENT;
            rc = 0;
        }
    }
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

struct kv *kv_open_copy(const char *path, struct err *e)
{
    struct kv *kv = xcalloc(1, sizeof(*kv));
    int rc = open_env(kv, path);

    if (rc == 0)
        rc = open_tables(kv);
    if (rc != 0) {
        kv_fail(e, rc, "open a copy", NULL);
        err_wrap(e, "%s", path);
        mdb_env_close(kv->env);
        free(kv);
        return NULL;
    }
    pthread_mutex_init(&kv->copying, NULL);
    pthread_mutex_init(&kv->readers_lock, NULL);
    kv->writing.kv = kv;
    return kv;
}
