/* What the files that know LMDB share: meta_lmdb.c (environment, transactions), meta_lmdb_tables.c (what is in them),
 * meta_lmdb_copy.c (copies). */
#ifndef BERTH_STORAGE_META_LMDB_H
#define BERTH_STORAGE_META_LMDB_H

#include <pthread.h>

#include <lmdb.h>

#include "storage/meta/kv.h"

struct meta_txn {
    struct kv *kv;
    MDB_txn *txn;
    bool wrote;
    /* The first error. */
    int rc; /* an LMDB code (negative) or an errno; 0 while all is well */
    const char *doing;
    const char *table; /* NULL when it concerns no single table */
};

struct meta_reader {
    struct meta_txn txn;
    pthread_mutex_t lock; /* held while txn is a live snapshot */
    struct meta_reader *next;
};

enum { KV_ABSENT = 0 }; /* LMDB's own tables have the first numbers */

struct kv {
    MDB_env *env;
    MDB_dbi tables[KV_TABLES]; /* KV_ABSENT in a copy that does not have it */
    pthread_mutex_t copying;   /* a copy is made, or the map grows */
    struct meta_txn writing;
    pthread_mutex_t readers_lock; /* guards `readers` and, with every reader's lock, `lost` */
    struct meta_reader *readers;
    bool lost; /* there is no map any more */
};

extern const char *const kv_table_names[KV_TABLES];

/* Fill `e` from LMDB's code or an errno. Returns -1. */
int kv_fail(struct err *e, int rc, const char *doing, const char *table);
/* Make it the transaction's error if it is the first. */
void kv_note(struct meta_txn *txn, int rc, const char *doing, const char *table);

#endif
