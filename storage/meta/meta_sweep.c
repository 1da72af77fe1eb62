/*
 * What the sweeper asks of the tables: which blobs nobody needs, and which memberships (invariants 5, 9 and 12 of
 * meta_record.h), and to forget them. Both are found in the order in which their leases end, so that a walk costs what
 * it finds.
 */
#include "storage/meta/meta_internal.h"

static bool is_idle(const struct blob_record *blob, uint64_t needed_before)
{
    return blob->references == 0 && blob->last_needed < needed_before;
}

/* The u64 that the keys of `idle` and `loose` begin with. */
static bool since_of(const struct kv_walk *walk, uint64_t *since)
{
    return (walk->key.n > 8 && u64_decode((struct str){walk->key.p, 8}, since)) || kv_damaged(walk->txn, walk->table);
}

static bool digest_of_key(const struct kv_walk *walk, size_t from, struct digest *d)
{
    struct str rest = str_from(walk->key, from);

    return (rest.n > 0 && digest_from_key((const uint8_t *)rest.p, rest.n, d) == rest.n) ||
           kv_damaged(walk->txn, walk->table);
}

int meta_blobs_idle(struct meta_txn *txn, const struct idle_query *query, meta_idle_cb *item, void *arg,
                    struct idle_place *last, bool *more, struct err *e)
{
    struct key after = {.n = 0};
    struct kv_walk walk;
    struct blob_record blob;
    size_t found = 0;

    *more = false;
    *last = query->after;
    if (query->after.begun)
        idle_key(&after, query->after.last_needed, &query->after.digest);
    kv_walk_begin(&walk, txn, KV_IDLE, (struct str){0}, key_str(&after));
    while (kv_walk_next(&walk)) {
        struct idle_place place = {.begun = true};

        if (!since_of(&walk, &place.last_needed) || place.last_needed >= query->needed_before)
            break;
        *more = found == query->limit;
        if (*more || !digest_of_key(&walk, 8, &place.digest))
            break;
        if (!blob_load(txn, &place.digest, &blob))
            kv_damaged(txn, KV_IDLE);
        found++;
        *last = place;
        item(&place.digest, &(struct blob_info){.size = blob.size, .last_needed = blob.last_needed}, arg);
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

/* ---- memberships ---- */

/* The membership whose lease ends first, if it has. */
static bool first_lapsed(struct meta_txn *txn, uint64_t needed_before, uint32_t *id, struct digest *d)
{
    struct kv_walk walk;
    uint64_t since = 0;
    bool found;

    kv_walk_begin(&walk, txn, KV_LOOSE, (struct str){0}, (struct str){0});
    found = kv_walk_next(&walk) && since_of(&walk, &since) && since < needed_before;
    if (found)
        found = (walk.key.n > 12 && u32_decode((struct str){walk.key.p + 8, 4}, id) && digest_of_key(&walk, 12, d)) ||
                kv_damaged(txn, KV_LOOSE);
    kv_walk_end(&walk);
    return found;
}

int meta_members_lapsed(struct meta_txn *txn, uint64_t needed_before, bool *any, struct err *e)
{
    struct digest d;
    uint32_t id;

    *any = first_lapsed(txn, needed_before, &id, &d);
    return kv_status(txn, e);
}

int meta_members_forget(struct meta_txn *txn, uint64_t needed_before, size_t limit, struct err *e)
{
    struct blob_record blob;
    struct digest d;
    uint32_t id = 0;

    for (; limit > 0 && first_lapsed(txn, needed_before, &id, &d); limit--) {
        if (!blob_load_held(txn, id, &d, &blob)) {
            kv_damaged(txn, KV_LOOSE);
            break;
        }
        let_go(txn, id, &d, &blob);
        blob_save(txn, &d, &blob);
    }
    return kv_status(txn, e);
}
