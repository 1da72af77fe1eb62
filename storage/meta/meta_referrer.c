/*
 * Referrers: the manifests of a repository that name another as their subject, by that subject. Each entry carries what
 * a descriptor in the list of referrers needs (OCI distribution-spec "Listing Referrers"), so that listing parses
 * nothing.
 */
#include "storage/meta/meta_internal.h"

enum { DESCRIPTOR_OVERHEAD = 220 }; /* bytes of a descriptor's JSON beside its strings, roughly */

static void referrer_key(struct key *key, uint32_t id, const struct digest *subject, const struct digest *d)
{
    key_id_digest(key, id, subject);
    key_digest(key, d);
}

void referrer_put(struct meta_txn *txn, uint32_t id, const struct manifest_put *put)
{
    const struct manifest *m = put->manifest;
    struct referrer_record record = {
        .size = put->bytes.n,
        .media_type = str_of(m->media_type),
        .artifact_type = str_of(m->artifact_type),
        .annotations = str_of(m->annotations),
    };
    struct sbuf value = {0};
    struct key key;

    referrer_key(&key, id, &m->subject, &put->digest);
    referrer_encode(&record, &value);
    kv_put(txn, KV_REFERRERS, key_str(&key), (struct str){value.p, value.n});
    sbuf_free(&value);
}

void referrer_drop(struct meta_txn *txn, uint32_t id, const struct digest *subject, const struct digest *d)
{
    struct key key;

    referrer_key(&key, id, subject, d);
    if (!kv_del(txn, KV_REFERRERS, key_str(&key)))
        kv_damaged(txn, KV_REFERRERS);
}

static bool view_of(struct meta_txn *txn, const struct kv_walk *walk, struct referrer_view *out)
{
    struct str tail = str_from(walk->key, walk->prefix.n);
    struct referrer_record record;

    if (digest_from_key((const uint8_t *)tail.p, tail.n, &out->digest) != tail.n ||
        !referrer_decode(walk->value, &record))
        return kv_damaged(txn, KV_REFERRERS);
    out->media_type = record.media_type;
    out->size = record.size;
    out->artifact_type = record.artifact_type;
    out->annotations = record.annotations;
    return true;
}

/* How much of a page is taken. */
struct page {
    size_t items_left;
    size_t bytes_left;
    bool empty;
};

/* The first entry goes onto a page however large it is: a list must come to its end. */
static bool fits(const struct page *page, size_t bytes)
{
    return page->items_left > 0 && (page->empty || bytes <= page->bytes_left);
}

static void fill(struct page *page, size_t bytes)
{
    page->items_left--;
    page->bytes_left -= bytes < page->bytes_left ? bytes : page->bytes_left;
    page->empty = false;
}

/* Give the entries that fit to `item`. */
static enum referrers_end fill_page(struct meta_txn *txn, struct kv_walk *walk, const struct referrer_query *query,
                                    meta_referrer_cb *item, void *arg, struct digest *seen)
{
    struct page page = {.items_left = query->limit, .bytes_left = query->byte_limit, .empty = !query->begun};
    struct referrer_view view;

    for (size_t looked = 0; kv_walk_next(walk) && view_of(txn, walk, &view); looked++) {
        size_t bytes = DESCRIPTOR_OVERHEAD + view.media_type.n + view.artifact_type.n + view.annotations.n;
        bool wanted = query->artifact_type.n == 0 || str_eq(query->artifact_type, view.artifact_type);

        if (looked == query->looks)
            return REFERRERS_PAUSE;
        if (wanted && !fits(&page, bytes))
            return REFERRERS_FULL;
        if (wanted) {
            fill(&page, bytes);
            item(&view, arg);
        }
        *seen = view.digest;
    }
    return REFERRERS_ALL;
}

int meta_referrers(struct meta_txn *txn, const struct referrer_query *query, meta_referrer_cb *item, void *arg,
                   struct digest *seen, enum referrers_end *end, struct err *e)
{
    struct repo_record repo;
    struct kv_walk walk;
    struct key prefix;
    struct key after = {.n = 0};

    *end = REFERRERS_ALL;
    if (!repo_load(txn, query->repository, &repo))
        return kv_status(txn, e);
    key_id_digest(&prefix, repo.id, query->subject);
    if (query->last != NULL)
        referrer_key(&after, repo.id, query->subject, query->last);
    kv_walk_begin(&walk, txn, KV_REFERRERS, key_str(&prefix), key_str(&after));
    *end = fill_page(txn, &walk, query, item, arg, seen);
    kv_walk_end(&walk);
    return kv_status(txn, e);
}
