/*
 * From schema 1 to 2: what follows from the tables of version 1 is filled in, in the transaction that writes the new
 * version. Killed in the middle, it is version 1 as before.
 *
 * The work is one walk over each of four tables, a few microseconds an entry; each repository's bytes are summed up
 * first and entered once.
 *
 * A membership that no manifest of its repository names begins its lease now if the blob is referenced from elsewhere:
 * version 1 renewed no lease of such a blob, so nobody knows when it was asked for.
 */
#include "storage/meta/meta_internal.h"

static uint64_t lease_of(const struct blob_record *blob, uint64_t now)
{
    return blob->references == 0 ? blob->last_needed : now;
}

/* A digest that is the whole rest of a key. */
static bool digest_behind(const struct kv_walk *walk, size_t n, struct digest *d)
{
    struct str rest = str_from(walk->key, n);

    return (rest.n > 0 && digest_from_key((const uint8_t *)rest.p, rest.n, d) == rest.n) ||
           kv_damaged(walk->txn, walk->table);
}

/* ---- blobs: "stored" and idle ---- */

static void fill_idle(struct meta_txn *txn)
{
    struct kv_walk walk;
    uint64_t blobs = 0, bytes = 0;

    kv_walk_begin(&walk, txn, KV_BLOBS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        struct blob_record blob;
        struct digest d;

        if (!digest_behind(&walk, 0, &d))
            break;
        if (!blob_decode(walk.value, &blob)) {
            kv_damaged(txn, KV_BLOBS);
            break;
        }
        blobs++;
        bytes += blob.size;
        if (blob.references == 0)
            idle_put(txn, blob.last_needed, &d);
    }
    kv_walk_end(&walk);
    stored_change(txn, (int64_t)blobs, (int64_t)bytes);
}

/* ---- members: usage and loose ---- */

/* The bytes of the repository that a walk is at. */
struct sum {
    uint32_t id; /* 0: none yet */
    int64_t logical;
    int64_t sole;
};

static void enter(struct meta_txn *txn, const struct sum *sum)
{
    struct key name;

    if (sum->id != 0 && repo_name_copy(txn, sum->id, &name))
        usage_change(txn, key_str(&name), sum->logical, sum->sole);
}

/* The entry's repository; the sum of the one before is entered. */
static bool turn_to(const struct kv_walk *walk, struct sum *sum)
{
    uint32_t id;

    if (walk->key.n < 4 || !u32_decode((struct str){walk->key.p, 4}, &id))
        return kv_damaged(walk->txn, walk->table);
    if (id == sum->id)
        return true;
    enter(walk->txn, sum);
    *sum = (struct sum){.id = id};
    return true;
}

static void fill_usage_of_blobs(struct meta_txn *txn, uint64_t now)
{
    struct sum sum = {0};
    struct kv_walk walk;
    struct blob_record blob;
    struct digest d;

    kv_walk_begin(&walk, txn, KV_MEMBERS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk) && digest_behind(&walk, 4, &d) && turn_to(&walk, &sum)) {
        if (!blob_load(txn, &d, &blob)) {
            kv_damaged(txn, KV_BLOBS);
            break;
        }
        sum.logical += (int64_t)blob.size;
        sum.sole += blob.holders == 1 ? (int64_t)blob.size : 0;
        if (references_from(txn, sum.id, &d) == 0)
            loose_put(txn, lease_of(&blob, now), sum.id, &d);
    }
    kv_walk_end(&walk);
    enter(txn, &sum);
}

/* By way of holders, because a table is not changed while it is walked over. */
static void fill_members(struct meta_txn *txn, uint64_t now)
{
    struct kv_walk walk;
    struct blob_record blob;
    struct digest d;
    uint32_t id;

    kv_walk_begin(&walk, txn, KV_HOLDERS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        size_t n = digest_from_key((const uint8_t *)walk.key.p, walk.key.n, &d);

        if (n == 0 || !u32_decode(str_from(walk.key, n), &id) || !blob_load(txn, &d, &blob)) {
            kv_damaged(txn, KV_HOLDERS);
            break;
        }
        member_save(txn, id, &d, lease_of(&blob, now));
    }
    kv_walk_end(&walk);
}

/* ---- manifests ---- */

static void fill_usage_of_manifests(struct meta_txn *txn)
{
    struct manifest_record record;
    struct sum sum = {0};
    struct kv_walk walk;

    kv_walk_begin(&walk, txn, KV_MANIFESTS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        if (!manifest_decode(walk.value, &record)) {
            kv_damaged(txn, KV_MANIFESTS);
            break;
        }
        if (!turn_to(&walk, &sum))
            break;
        sum.logical += (int64_t)record.bytes.n;
        sum.sole += (int64_t)record.bytes.n;
    }
    kv_walk_end(&walk);
    enter(txn, &sum);
}

void meta_upgrade(struct meta_txn *txn, uint64_t now)
{
    fill_idle(txn);
    fill_usage_of_blobs(txn, now);
    fill_members(txn, now);
    fill_usage_of_manifests(txn);
}
