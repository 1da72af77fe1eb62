/*
 * Memberships: which repository holds which blob (invariants 2, 10 and 12 of meta_record.h).
 *
 * Everything that depends on who holds a blob is kept here: the two tables, the counters of repository and blob, the
 * references that begin or cease to count, the bytes, and the lease of a membership that no manifest needs.
 */
#include "storage/meta/meta_internal.h"

#include "registry/base/clock.h"

/* ---- leases of memberships ---- */

static void loose_key(struct key *key, uint64_t since, uint32_t id, const struct digest *d)
{
    key->n = 0;
    key_u64(key, since);
    key_u32(key, id);
    key_digest(key, d);
}

void loose_put(struct meta_txn *txn, uint64_t since, uint32_t id, const struct digest *d)
{
    struct key key;

    loose_key(&key, since, id, d);
    kv_put(txn, KV_LOOSE, key_str(&key), (struct str){"", 0});
}

static void loose_del(struct meta_txn *txn, uint64_t since, uint32_t id, const struct digest *d)
{
    struct key key;

    loose_key(&key, since, id, d);
    if (!kv_del(txn, KV_LOOSE, key_str(&key)))
        kv_damaged(txn, KV_LOOSE);
}

bool member_load(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t *since)
{
    struct key key;
    struct str value;

    *since = 0;
    key_id_digest(&key, id, d);
    if (!kv_get(txn, KV_MEMBERS, key_str(&key), &value))
        return false;
    return u64_decode(value, since) || kv_damaged(txn, KV_MEMBERS);
}

void member_save(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t since)
{
    struct key key;
    char value[8];

    key_id_digest(&key, id, d);
    u64_encode(since, value);
    kv_put(txn, KV_MEMBERS, key_str(&key), (struct str){value, sizeof(value)});
}

void member_fasten(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    uint64_t since;

    if (member_load(txn, id, d, &since))
        loose_del(txn, since, id, d);
}

void member_loosen(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    uint64_t now = clock_wall_s();
    uint64_t since;

    if (!member_load(txn, id, d, &since))
        return;
    if (now > since)
        since = now;
    member_save(txn, id, d, since);
    loose_put(txn, since, id, d);
}

void member_renew(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t now)
{
    uint64_t since;

    if (!member_load(txn, id, d, &since) || now <= since || references_from(txn, id, d) > 0)
        return;
    loose_del(txn, since, id, d);
    member_save(txn, id, d, now);
    loose_put(txn, now, id, d);
}

/* ---- coming and going ---- */

static void holder_key(struct key *key, const struct digest *d, uint32_t id)
{
    key->n = 0;
    key_digest(key, d);
    key_u32(key, id);
}

bool holder_first(struct meta_txn *txn, const struct digest *d, uint32_t *id)
{
    struct key prefix = {.n = 0};
    struct kv_walk walk;
    bool found;

    key_digest(&prefix, d);
    kv_walk_begin(&walk, txn, KV_HOLDERS, key_str(&prefix), (struct str){0});
    found = kv_walk_next(&walk) && u32_decode(str_from(walk.key, prefix.n), id);
    kv_walk_end(&walk);
    return found || kv_damaged(txn, KV_HOLDERS);
}

/* The one repository that holds the blob ceases (`bytes` below 0) or begins to be the only one. */
static void change_sole(struct meta_txn *txn, const struct digest *d, int64_t bytes)
{
    struct key name;
    uint32_t id = 0;

    if (holder_first(txn, d, &id) && repo_name_copy(txn, id, &name))
        usage_change(txn, key_str(&name), 0, bytes);
}

void member_add(struct meta_txn *txn, struct str name, struct repo_record *repo, const struct digest *d, uint64_t now,
                struct blob_record *blob)
{
    uint64_t references = references_from(txn, repo->id, d);
    int64_t size = (int64_t)blob->size;
    struct key holder;

    if (blob->holders == 1)
        change_sole(txn, d, -size);
    usage_change(txn, name, size, blob->holders == 0 ? size : 0);
    holder_key(&holder, d, repo->id);
    kv_put(txn, KV_HOLDERS, key_str(&holder), (struct str){"", 0});
    member_save(txn, repo->id, d, now);
    if (references == 0)
        loose_put(txn, now, repo->id, d);
    blob->holders++;
    blob->references += references;
    repo->blobs++;
}

void member_drop(struct meta_txn *txn, struct str name, struct repo_record *repo, const struct digest *d,
                 struct blob_record *blob)
{
    uint64_t references = references_from(txn, repo->id, d);
    int64_t size = (int64_t)blob->size;
    struct key member;
    struct key holder;
    uint64_t since;

    if (member_load(txn, repo->id, d, &since) && references == 0)
        loose_del(txn, since, repo->id, d);
    key_id_digest(&member, repo->id, d);
    holder_key(&holder, d, repo->id);
    if (!kv_del(txn, KV_MEMBERS, key_str(&member)) || !kv_del(txn, KV_HOLDERS, key_str(&holder)))
        kv_damaged(txn, KV_HOLDERS);
    count_down(txn, KV_BLOBS, &blob->holders);
    count_down(txn, KV_REPOS, &repo->blobs);
    blob_lower(txn, blob, references);
    usage_change(txn, name, -size, blob->holders == 0 ? -size : 0);
    if (blob->holders == 1)
        change_sole(txn, d, size);
}

/* A digest has one size for ever, so this is the repair of a record that said otherwise. */
void members_resize(struct meta_txn *txn, const struct digest *d, const struct blob_record *blob, uint64_t size)
{
    int64_t more = (int64_t)(size - blob->size);
    struct key prefix = {.n = 0};
    struct key after = {.n = 0};
    struct key name;
    struct kv_walk walk;
    uint32_t id = 0;

    key_digest(&prefix, d);
    for (uint64_t left = blob->holders; left > 0; left--) {
        bool found;

        kv_walk_begin(&walk, txn, KV_HOLDERS, key_str(&prefix), key_str(&after));
        found = kv_walk_next(&walk) && u32_decode(str_from(walk.key, prefix.n), &id);
        kv_walk_end(&walk);
        if (!found || !repo_name_copy(txn, id, &name)) {
            kv_damaged(txn, KV_HOLDERS);
            return;
        }
        usage_change(txn, key_str(&name), more, blob->holders == 1 ? more : 0);
        holder_key(&after, d, id);
    }
}
