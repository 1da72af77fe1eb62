/*
 * A whole repository goes, in pieces: its manifests with their tags and referrers, as if each were deleted alone, then
 * what it holds. Name and number stay known (invariant 1 of meta_record.h).
 */
#include "storage/meta/meta_internal.h"

enum {
    PIECE_NAMES = 128, /* digests and tags that the manifests of one piece name and have, or one manifest */
    PIECE_MEMBERS = 128,
};

static bool first_manifest(struct meta_txn *txn, uint32_t id, struct digest *d, struct manifest_record *record)
{
    struct key prefix = {.n = 0};
    struct kv_walk walk;
    bool found;

    key_u32(&prefix, id);
    kv_walk_begin(&walk, txn, KV_MANIFESTS, key_str(&prefix), (struct str){0});
    found = kv_walk_next(&walk);
    if (found)
        found = (digest_from_key((const uint8_t *)walk.key.p + prefix.n, walk.key.n - prefix.n, d) ==
                     walk.key.n - prefix.n &&
                 manifest_decode(walk.value, record)) ||
                kv_damaged(txn, KV_MANIFESTS);
    kv_walk_end(&walk);
    return found;
}

/* What deleting it costs, roughly: its bytes bound what it can name. */
static size_t cost_of(const struct manifest_record *record)
{
    return 1 + record->bytes.n / 128;
}

/* False: there are more of them. */
static bool delete_manifests(struct meta_txn *txn, struct str name, uint32_t id, struct err *e)
{
    struct manifest_record record = {0};
    size_t left = PIECE_NAMES;
    struct digest d;
    bool more;

    while (left > 0 && first_manifest(txn, id, &d, &record)) {
        size_t cost = cost_of(&record);

        if (manifest_delete_some(txn, name, &d, &left, &more, e) != 0 || more)
            return false;
        left -= cost < left ? cost : left;
    }
    return !first_manifest(txn, id, &d, &record);
}

/* The next membership after `*place` that no manifest needs. */
static bool next_loose(struct meta_txn *txn, uint32_t id, struct repository_place *place, size_t *looks)
{
    struct key prefix = {.n = 0}, after = {.n = 0};
    struct kv_walk walk;
    bool found = false;

    key_u32(&prefix, id);
    if (place->begun)
        key_id_digest(&after, id, &place->digest);
    kv_walk_begin(&walk, txn, KV_MEMBERS, key_str(&prefix), key_str(&after));
    while (!found && *looks > 0 && kv_walk_next(&walk)) {
        struct str rest = str_from(walk.key, prefix.n);

        --*looks;
        place->begun = true;
        if (digest_from_key((const uint8_t *)rest.p, rest.n, &place->digest) != rest.n) {
            kv_damaged(txn, KV_MEMBERS);
            break;
        }
        found = references_from(txn, id, &place->digest) == 0;
    }
    kv_walk_end(&walk);
    return found;
}

static bool end_memberships(struct meta_txn *txn, struct str name, struct repo_record *repo,
                            struct repository_place *place)
{
    size_t looks = PIECE_MEMBERS;
    struct blob_record blob;

    while (next_loose(txn, repo->id, place, &looks)) {
        if (!blob_load(txn, &place->digest, &blob)) {
            kv_damaged(txn, KV_BLOBS);
            break;
        }
        member_drop(txn, name, repo, &place->digest, &blob);
        blob_save(txn, &place->digest, &blob);
    }
    repo_save(txn, name, repo);
    return looks > 0;
}

int meta_repository_delete(struct meta_txn *txn, struct str repository, const struct repository_place *from,
                           struct repository_piece *out, struct err *e)
{
    struct repo_record before, after;
    bool done;

    *out = (struct repository_piece){.place = *from};
    if (!repo_load(txn, repository, &before)) {
        if (kv_status(txn, e) != 0)
            return -1;
        return err_set(e, ERR_NOT_FOUND, "%.*s: nothing was ever pushed under this name", (int)repository.n,
                       repository.p);
    }
    done = from->begun || delete_manifests(txn, repository, before.id, e);
    repo_load(txn, repository, &after);
    if (done)
        done = end_memberships(txn, repository, &after, &out->place);
    out->manifests = before.manifests - after.manifests;
    out->tags = before.tags - after.tags;
    out->blobs = before.blobs - after.blobs;
    out->more = !done;
    return kv_status(txn, e);
}
