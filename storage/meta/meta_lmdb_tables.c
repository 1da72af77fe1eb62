/* Tables and walks over them, and the error that a transaction carries. */
#include "storage/meta/meta_lmdb.h"

static MDB_val to_val(struct str s)
{
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)s.p};
}

static struct str from_val(MDB_val v)
{
    return (struct str){v.mv_data, v.mv_size};
}

void kv_note(struct meta_txn *txn, int rc, const char *doing, const char *table)
{
    if (txn->rc != 0 || rc == 0)
        return;
    txn->rc = rc;
    txn->doing = doing;
    txn->table = table;
}

int kv_status(const struct meta_txn *txn, struct err *e)
{
    return txn->rc == 0 ? 0 : kv_fail(e, txn->rc, txn->doing, txn->table);
}

bool kv_map_full(const struct meta_txn *txn)
{
    return txn->rc == MDB_MAP_FULL;
}

bool kv_met_damage(const struct meta_txn *txn)
{
    return txn->rc == MDB_CORRUPTED;
}

bool kv_wrote(const struct meta_txn *txn)
{
    return txn->wrote;
}

void kv_mark(struct meta_txn *txn)
{
    txn->wrote = false;
}

bool kv_damaged(struct meta_txn *txn, enum kv_table table)
{
    kv_note(txn, MDB_CORRUPTED, "decode", kv_table_names[table]);
    return false;
}

/* ---- tables ---- */

static bool has_table(const struct meta_txn *txn, enum kv_table table)
{
    return txn->rc == 0 && txn->kv->tables[table] != KV_ABSENT;
}

struct kv_size kv_size(struct meta_txn *txn, enum kv_table table)
{
    MDB_stat stat = {0};

    if (has_table(txn, table))
        kv_note(txn, mdb_stat(txn->txn, txn->kv->tables[table], &stat), "measure", kv_table_names[table]);
    return (struct kv_size){
        .entries = stat.ms_entries,
        .bytes = (uint64_t)stat.ms_psize * (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages),
    };
}

const char *kv_table_name(enum kv_table table)
{
    return kv_table_names[table];
}

/* A key of no length, or longer than any, is in no table. */
static bool absent(int rc)
{
    return rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE;
}

bool kv_get(struct meta_txn *txn, enum kv_table table, struct str key, struct str *value)
{
    MDB_val k = to_val(key);
    MDB_val v;
    int rc = has_table(txn, table) ? mdb_get(txn->txn, txn->kv->tables[table], &k, &v) : MDB_NOTFOUND;

    if (rc == 0)
        *value = from_val(v);
    else if (!absent(rc))
        kv_note(txn, rc, "read", kv_table_names[table]);
    return rc == 0;
}

bool kv_has(struct meta_txn *txn, enum kv_table table, struct str key)
{
    struct str value;

    return kv_get(txn, table, key, &value);
}

static void put(struct meta_txn *txn, enum kv_table table, struct str key, struct str value, unsigned flags)
{
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);

    if (txn->rc != 0)
        return;
    txn->wrote = true;
    kv_note(txn, mdb_put(txn->txn, txn->kv->tables[table], &k, &v, flags), "write", kv_table_names[table]);
}

void kv_put(struct meta_txn *txn, enum kv_table table, struct str key, struct str value)
{
    put(txn, table, key, value, 0);
}

void kv_append(struct meta_txn *txn, enum kv_table table, struct str key, struct str value)
{
    put(txn, table, key, value, MDB_APPEND);
}

bool kv_del(struct meta_txn *txn, enum kv_table table, struct str key)
{
    MDB_val k = to_val(key);
    int rc = txn->rc != 0 ? MDB_NOTFOUND : mdb_del(txn->txn, txn->kv->tables[table], &k, NULL);

    if (absent(rc))
        return false;
    txn->wrote = true;
    kv_note(txn, rc, "delete", kv_table_names[table]);
    return rc == 0;
}

void kv_clear(struct meta_txn *txn, enum kv_table table)
{
    if (txn->rc != 0)
        return;
    txn->wrote = true;
    kv_note(txn, mdb_drop(txn->txn, txn->kv->tables[table], 0), "clear", kv_table_names[table]);
}

bool kv_last(struct meta_txn *txn, enum kv_table table, struct str *key)
{
    MDB_cursor *cursor = NULL;
    MDB_val k, v;
    int rc = has_table(txn, table) ? mdb_cursor_open(txn->txn, txn->kv->tables[table], &cursor) : MDB_NOTFOUND;

    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
        mdb_cursor_close(cursor);
    }
    if (rc == 0)
        *key = from_val(k);
    else if (!absent(rc))
        kv_note(txn, rc, "walk", kv_table_names[table]);
    return rc == 0;
}

void kv_walk_begin(struct kv_walk *walk, struct meta_txn *txn, enum kv_table table, struct str prefix, struct str after)
{
    MDB_cursor *cursor = NULL;

    if (has_table(txn, table))
        kv_note(txn, mdb_cursor_open(txn->txn, txn->kv->tables[table], &cursor), "walk", kv_table_names[table]);
    *walk = (struct kv_walk){.txn = txn, .table = table, .prefix = prefix, .after = after, .cursor = cursor};
}

static bool step(struct kv_walk *walk)
{
    MDB_val k = to_val(walk->after.n > 0 ? walk->after : walk->prefix);
    MDB_val v;
    MDB_cursor_op op = walk->started ? MDB_NEXT : k.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE;
    int rc = mdb_cursor_get(walk->cursor, &k, &v, op);

    walk->started = true;
    if (rc != 0) {
        kv_note(walk->txn, absent(rc) ? 0 : rc, "walk", kv_table_names[walk->table]);
        return false;
    }
    walk->key = from_val(k);
    walk->value = from_val(v);
    return str_starts(walk->key, walk->prefix);
}

bool kv_walk_next(struct kv_walk *walk)
{
    bool first = !walk->started;

    if (walk->cursor == NULL || walk->txn->rc != 0 || !step(walk))
        return false;
    return first && !walk->inclusive && walk->after.n > 0 && str_eq(walk->key, walk->after) ? step(walk) : true;
}

void kv_walk_seek(struct kv_walk *walk, struct str key)
{
    walk->after = key;
    walk->inclusive = true;
    walk->started = false;
}

void kv_walk_end(struct kv_walk *walk)
{
    if (walk->cursor != NULL)
        mdb_cursor_close(walk->cursor);
    walk->cursor = NULL;
}
