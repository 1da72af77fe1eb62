/*
 * Deleted manifests that can be put back: kept aside, and no more of them than the limits of meta_record.h. No quota
 * counts them; a repository that deletes too much loses what it deleted first, and nobody else loses anything.
 */
#include "storage/meta/meta_history.h"
#include "storage/meta/meta_internal.h"

/* Finding the oldest is a walk over all: so it makes room for more than one. */
enum { EVICT_AT_ONCE = 64, EVICT_BYTES = REMOVED_BYTES_MOST / 64 };

/* ---- bytes ---- */

void removed_bytes_key(struct key *key, uint32_t id)
{
    key->n = 0;
    key_bytes(key, STR("removed"));
    key_u32(key, id);
}

uint64_t removed_cost(size_t bytes)
{
    return (uint64_t)bytes + REMOVED_ENTRY_COST;
}

static uint64_t bytes_of(struct meta_txn *txn, uint32_t id)
{
    uint64_t bytes = 0;
    struct str value;
    struct key key;

    removed_bytes_key(&key, id);
    if (kv_get(txn, KV_INFO, key_str(&key), &value) && !u64_decode(value, &bytes))
        kv_damaged(txn, KV_INFO);
    return bytes;
}

static void set_bytes(struct meta_txn *txn, uint32_t id, uint64_t bytes)
{
    char value[8];
    struct key key;

    removed_bytes_key(&key, id);
    u64_encode(bytes, value);
    if (bytes > 0)
        kv_put(txn, KV_INFO, key_str(&key), (struct str){value, sizeof(value)});
    else
        kv_del(txn, KV_INFO, key_str(&key));
}

static void add_bytes(struct meta_txn *txn, uint32_t id, uint64_t cost)
{
    set_bytes(txn, id, bytes_of(txn, id) + cost);
    set_bytes(txn, REMOVED_OF_ALL, bytes_of(txn, REMOVED_OF_ALL) + cost);
}

/* What was kept aside before anybody counted is not in the sums: they do not go below zero for it. */
static void take_bytes(struct meta_txn *txn, uint32_t id, uint64_t cost)
{
    const uint32_t sums[] = {id, REMOVED_OF_ALL};

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        uint64_t bytes = bytes_of(txn, sums[i]);

        set_bytes(txn, sums[i], bytes > cost ? bytes - cost : 0);
    }
}

static bool fits(struct meta_txn *txn, uint32_t id, uint64_t cost)
{
    return bytes_of(txn, id) + cost <= REMOVED_BYTES_MOST && bytes_of(txn, REMOVED_OF_ALL) + cost <= REMOVED_ALL_MOST;
}

/* ---- room for one more ---- */

struct old {
    uint64_t when;
    struct digest digest;
};

struct oldest {
    size_t n;
    struct old some[EVICT_AT_ONCE]; /* the oldest first */
};

static void take_old(struct oldest *oldest, struct old old)
{
    size_t i = oldest->n;

    if (oldest->n == EVICT_AT_ONCE && oldest->some[EVICT_AT_ONCE - 1].when <= old.when)
        return;
    if (oldest->n < EVICT_AT_ONCE)
        oldest->n++;
    else
        i--;
    for (; i > 0 && oldest->some[i - 1].when > old.when; i--)
        oldest->some[i] = oldest->some[i - 1];
    oldest->some[i] = old;
}

/* One walk over what REMOVED_BYTES_MOST has room for, some ten thousand entries at most. */
static void find_oldest(struct meta_txn *txn, uint32_t id, struct oldest *oldest)
{
    struct key prefix = {.n = 0};
    struct removed_record record;
    struct kv_walk walk;
    struct old old;

    oldest->n = 0;
    key_u32(&prefix, id);
    kv_walk_begin(&walk, txn, KV_REMOVED, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        struct str tail = str_from(walk.key, prefix.n);

        if (digest_from_key((const uint8_t *)tail.p, tail.n, &old.digest) != tail.n ||
            !removed_decode(walk.value, &record)) {
            kv_damaged(txn, KV_REMOVED);
            break;
        }
        old.when = record.when;
        take_old(oldest, old);
    }
    kv_walk_end(&walk);
}

/* False: there is still too little. */
static bool make_room(struct meta_txn *txn, uint32_t id, uint64_t cost)
{
    uint64_t ample = cost > EVICT_BYTES ? cost : EVICT_BYTES;
    struct oldest oldest;

    if (fits(txn, id, cost))
        return true;
    find_oldest(txn, id, &oldest);
    for (size_t i = 0; i < oldest.n && !fits(txn, id, ample); i++)
        removed_drop(txn, id, &oldest.some[i].digest);
    return fits(txn, id, cost);
}

/* ---- writing and reading ---- */

void removed_put(struct meta_txn *txn, uint32_t id, const struct digest *d, struct str removed)
{
    struct key key;

    removed_drop(txn, id, d);
    if (!make_room(txn, id, removed_cost(removed.n)))
        return;
    key_id_digest(&key, id, d);
    kv_put(txn, KV_REMOVED, key_str(&key), removed);
    add_bytes(txn, id, removed_cost(removed.n));
}

void removed_drop(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct str value;
    struct key key;
    uint64_t cost;

    key_id_digest(&key, id, d);
    if (!kv_get(txn, KV_REMOVED, key_str(&key), &value))
        return;
    cost = removed_cost(value.n);
    kv_del(txn, KV_REMOVED, key_str(&key));
    take_bytes(txn, id, cost);
}

bool removed_load(struct meta_txn *txn, uint32_t id, const struct digest *d, struct removed_record *out)
{
    struct key key;
    struct str value;

    key_id_digest(&key, id, d);
    if (!kv_get(txn, KV_REMOVED, key_str(&key), &value))
        return false;
    return removed_decode(value, out) || kv_damaged(txn, KV_REMOVED);
}

int meta_removed(struct meta_txn *txn, struct str repository, const struct digest *last, size_t limit,
                 meta_removed_cb *item, void *arg, bool *more, struct err *e)
{
    struct key prefix = {.n = 0}, after = {.n = 0};
    struct removed_record record;
    struct repo_record repo;
    struct kv_walk walk;
    struct digest d;

    *more = false;
    if (history_repository(txn, repository, &repo, e) != 0)
        return -1;
    key_u32(&prefix, repo.id);
    if (last != NULL)
        key_id_digest(&after, repo.id, last);
    kv_walk_begin(&walk, txn, KV_REMOVED, key_str(&prefix), key_str(&after));
    for (size_t given = 0; kv_walk_next(&walk); given++) {
        struct str tail = str_from(walk.key, prefix.n);

        if (given == limit) {
            *more = true;
            break;
        }
        if (digest_from_key((const uint8_t *)tail.p, tail.n, &d) != tail.n || !removed_decode(walk.value, &record)) {
            kv_damaged(txn, KV_REMOVED);
            break;
        }
        item(&d, record.when, arg);
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}
