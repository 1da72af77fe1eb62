#include "storage/meta/meta_pulls.h"

#include "storage/meta/meta_internal.h"

static bool pull_load(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t *when)
{
    struct key key;
    struct str value;

    *when = 0;
    key_id_digest(&key, id, d);
    if (!kv_get(txn, KV_PULLS, key_str(&key), &value))
        return false;
    return u64_decode(value, when) || kv_damaged(txn, KV_PULLS);
}

void pull_drop(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key key;

    key_id_digest(&key, id, d);
    kv_del(txn, KV_PULLS, key_str(&key));
}

static void note(struct meta_txn *txn, const struct pull *pull)
{
    struct manifest_record record;
    uint64_t known;
    char value[8];
    struct key key;

    if (!manifest_load(txn, pull->repository, &pull->digest, &record))
        return;
    if (pull_load(txn, pull->repository, &pull->digest, &known) && pull->when < known + PULL_ACCURACY_S)
        return;
    key_id_digest(&key, pull->repository, &pull->digest);
    u64_encode(pull->when, value);
    kv_put(txn, KV_PULLS, key_str(&key), (struct str){value, sizeof(value)});
}

int meta_pulls_note(struct meta_txn *txn, const struct pull *pulls, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        note(txn, &pulls[i]);
    return kv_status(txn, e);
}

int meta_pulls_begin(struct meta_txn *txn, uint64_t now, struct err *e)
{
    char value[8];

    u64_encode(now, value);
    if (!kv_has(txn, KV_INFO, STR("pulls-since")))
        kv_put(txn, KV_INFO, STR("pulls-since"), (struct str){value, sizeof(value)});
    return kv_status(txn, e);
}

uint64_t meta_pulls_since(struct meta_txn *txn, uint64_t now)
{
    struct str value;
    uint64_t since = now;

    if (kv_get(txn, KV_INFO, STR("pulls-since"), &value) && !u64_decode(value, &since))
        kv_damaged(txn, KV_INFO);
    return since;
}

/* ---- what is known of tags ---- */

static bool complete(struct meta_txn *txn, uint32_t id, struct str tag, const struct tag_record *record,
                     struct tag_info *out)
{
    struct manifest_record manifest;

    if (!manifest_load(txn, id, &record->digest, &manifest))
        return kv_damaged(txn, KV_TAGS);
    *out = (struct tag_info){.tag = tag, .digest = record->digest, .moved = record->moved, .pushed = manifest.pushed};
    pull_load(txn, id, &record->digest, &out->pulled);
    return true;
}

int meta_tag_info(struct meta_txn *txn, struct str repository, struct str tag, struct tag_info *out, struct err *e)
{
    struct repo_record repo;
    struct tag_record record;

    if (repo_load(txn, repository, &repo) && tag_load(txn, repo.id, tag, &record)) {
        complete(txn, repo.id, tag, &record, out);
        return kv_status(txn, e);
    }
    if (kv_status(txn, e) != 0)
        return -1;
    return err_set(e, ERR_NOT_FOUND, "%.*s: there is no tag %.*s", (int)repository.n, repository.p, (int)tag.n, tag.p);
}

static void walk_infos(struct meta_txn *txn, uint32_t id, struct str last, size_t limit, meta_tag_info_cb *item,
                       void *arg, bool *more)
{
    struct key prefix = {.n = 0}, after = {.n = 0};
    struct tag_record record;
    struct tag_info info;
    struct kv_walk walk;

    key_u32(&prefix, id);
    if (last.n > 0) {
        key_u32(&after, id);
        key_bytes(&after, last);
    }
    kv_walk_begin(&walk, txn, KV_TAGS, key_str(&prefix), key_str(&after));
    for (size_t given = 0; kv_walk_next(&walk); given++) {
        if (given == limit) {
            *more = true;
            break;
        }
        if (!tag_decode(walk.value, &record)) {
            kv_damaged(txn, KV_TAGS);
            break;
        }
        if (!complete(txn, id, str_from(walk.key, prefix.n), &record, &info))
            break;
        item(&info, arg);
    }
    kv_walk_end(&walk);
}

int meta_tag_infos(struct meta_txn *txn, struct str repository, struct str last, size_t limit, meta_tag_info_cb *item,
                   void *arg, bool *more, struct err *e)
{
    struct repo_record repo;

    *more = false;
    if (history_repository(txn, repository, &repo, e) != 0)
        return -1;
    walk_infos(txn, repo.id, last, limit, item, arg, more);
    return kv_status(txn, e);
}
