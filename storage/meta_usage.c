/*
 * Bytes by path, and in all (invariants 9 and 10 of meta_record.h).
 *
 * A change to "team/app" is counted at "team/app", "team" and "". So the sum for any path is one look-up, and a change
 * costs one more entry for each part of the name.
 */
#include "storage/meta_internal.h"

#include "storage/reference.h"

static void path_key(struct key *key, struct str path)
{
    key->n = 0;
    key_bytes(key, STR("/"));
    key_bytes(key, path);
}

static void usage_load(struct meta_txn *txn, struct str path, struct usage_record *out)
{
    struct key key;
    struct str value;

    *out = (struct usage_record){0};
    path_key(&key, path);
    if (kv_get(txn, KV_USAGE, key_str(&key), &value) && !usage_decode(value, out))
        kv_damaged(txn, KV_USAGE);
}

static void usage_save(struct meta_txn *txn, struct str path, const struct usage_record *usage)
{
    char value[PAIR_RECORD_SIZE];
    struct key key;

    path_key(&key, path);
    usage_encode(usage, value);
    if (usage->logical == 0 && usage->sole == 0)
        kv_del(txn, KV_USAGE, key_str(&key));
    else
        kv_put(txn, KV_USAGE, key_str(&key), (struct str){value, sizeof(value)});
}

static void add(struct meta_txn *txn, struct str path, int64_t logical, int64_t sole)
{
    struct usage_record usage;

    usage_load(txn, path, &usage);
    if (__builtin_add_overflow(usage.logical, logical, &usage.logical) ||
        __builtin_add_overflow(usage.sole, sole, &usage.sole))
        kv_damaged(txn, KV_USAGE);
    else
        usage_save(txn, path, &usage);
}

void usage_change(struct meta_txn *txn, struct str name, int64_t logical, int64_t sole)
{
    if (logical == 0 && sole == 0)
        return;
    add(txn, (struct str){0}, logical, sole);
    for (size_t n = 1; n <= name.n; n++)
        if (n == name.n || name.p[n] == '/')
            add(txn, (struct str){name.p, n}, logical, sole);
}

void stored_change(struct meta_txn *txn, int64_t blobs, int64_t bytes)
{
    struct stored_record stored = {0};
    char value[PAIR_RECORD_SIZE];
    struct str old;

    if (kv_get(txn, KV_INFO, STR("stored"), &old) && !stored_decode(old, &stored))
        kv_damaged(txn, KV_INFO);
    if (__builtin_add_overflow(stored.blobs, blobs, &stored.blobs) ||
        __builtin_add_overflow(stored.bytes, bytes, &stored.bytes))
        kv_damaged(txn, KV_INFO);
    stored_encode(&stored, value);
    kv_put(txn, KV_INFO, STR("stored"), (struct str){value, sizeof(value)});
}

/* ---- meta_usage.h ---- */

int meta_usage(struct meta_txn *txn, struct str path, struct usage *out, struct err *e)
{
    struct usage_record usage;

    usage_load(txn, path, &usage);
    *out = (struct usage){.logical = usage.logical, .sole = usage.sole};
    return kv_status(txn, e);
}

int meta_stored(struct meta_txn *txn, uint64_t *blobs, uint64_t *bytes, struct err *e)
{
    struct stored_record stored = {0};
    struct str value;

    if (kv_get(txn, KV_INFO, STR("stored"), &value) && !stored_decode(value, &stored))
        kv_damaged(txn, KV_INFO);
    *blobs = stored.blobs;
    *bytes = stored.bytes;
    return kv_status(txn, e);
}
