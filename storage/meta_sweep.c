/*
 * What the sweeper asks of the tables: which blobs nobody needs (invariant 5 of meta_record.h), and to forget one.
 */
#include "storage/meta_internal.h"

static bool is_idle(const struct blob_record *blob, uint64_t needed_before)
{
    return blob->references == 0 && blob->last_needed < needed_before;
}

static bool entry_of(const struct kv_walk *walk, struct digest *d, struct blob_record *blob)
{
    if (digest_from_key((const uint8_t *)walk->key.p, walk->key.n, d) == walk->key.n && blob_decode(walk->value, blob))
        return true;
    return kv_damaged(walk->txn, KV_BLOBS);
}

int meta_blobs_idle(struct meta_txn *txn, const struct idle_query *query, meta_idle_cb *item, void *arg,
                    struct digest *last, bool *more, struct err *e)
{
    struct key after = {.n = 0};
    struct kv_walk walk;
    size_t found = 0, looked = 0;
    struct blob_record blob = {0};

    *more = false;
    if (query->last != NULL)
        key_digest(&after, query->last);
    kv_walk_begin(&walk, txn, KV_BLOBS, (struct str){0}, key_str(&after));
    while (kv_walk_next(&walk)) {
        if (found == query->limit || looked == query->looks) {
            *more = true;
            break;
        }
        if (!entry_of(&walk, last, &blob))
            break;
        looked++;
        if (!is_idle(&blob, query->needed_before))
            continue;
        found++;
        item(last, &(struct blob_info){.size = blob.size, .last_needed = blob.last_needed}, arg);
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}

int meta_blob_known(struct meta_txn *txn, const struct digest *d, bool *known, struct err *e)
{
    struct key key = {.n = 0};

    key_digest(&key, d);
    *known = kv_has(txn, KV_BLOBS, key_str(&key));
    return kv_status(txn, e);
}

static void let_go(struct meta_txn *txn, uint32_t id, const struct digest *d, struct blob_record *blob)
{
    struct repo_record repo;
    struct key name;

    if (!repo_name_copy(txn, id, &name))
        return;
    if (!repo_load(txn, key_str(&name), &repo)) {
        kv_damaged(txn, KV_REPOS);
        return;
    }
    member_drop(txn, key_str(&name), &repo, d, blob);
    repo_save(txn, key_str(&name), &repo);
}

int meta_blob_forget(struct meta_txn *txn, const struct digest *d, uint64_t needed_before, size_t *holders,
                     bool *removed, struct err *e)
{
    struct blob_record blob;
    uint32_t id = 0;

    *removed = false;
    if (!blob_load(txn, d, &blob) || !is_idle(&blob, needed_before))
        return kv_status(txn, e);
    while (blob.holders > 0 && *holders > 0 && holder_first(txn, d, &id)) {
        let_go(txn, id, d, &blob);
        --*holders;
    }
    if (blob.holders > 0) {
        blob_save(txn, d, &blob);
        return kv_status(txn, e);
    }
    blob_drop(txn, d);
    *removed = true;
    return kv_status(txn, e);
}
