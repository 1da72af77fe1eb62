/*
 * Repositories: names and numbers, counters, and the catalog.
 */
#include "storage/meta/meta_internal.h"

#include "storage/reference.h"

int repo_name_check(struct str name, struct err *e)
{
    if (name.n > 0 && name.n <= REPOSITORY_NAME_MAX)
        return 0;
    return err_set(e, ERR_INVALID, "a repository name has 1 to %d bytes, this one has %zu", REPOSITORY_NAME_MAX,
                   name.n);
}

bool repo_load(struct meta_txn *txn, struct str name, struct repo_record *out)
{
    struct str value;

    if (kv_get(txn, KV_REPOS, name, &value)) {
        if (repo_decode(value, out))
            return true;
        kv_damaged(txn, KV_REPOS);
    }
    *out = (struct repo_record){0};
    return false;
}

void repo_save(struct meta_txn *txn, struct str name, const struct repo_record *repo)
{
    char value[REPO_RECORD_SIZE];

    repo_encode(repo, value);
    kv_put(txn, KV_REPOS, name, (struct str){value, sizeof(value)});
}

static uint32_t take_id(struct meta_txn *txn)
{
    uint32_t id = 1;
    struct str value;
    char next[4];

    if (kv_get(txn, KV_INFO, STR("next-repository"), &value) &&
        (!u32_decode(value, &id) || id == 0 || id == UINT32_MAX)) {
        kv_damaged(txn, KV_INFO);
        return 0;
    }
    u32_encode(id + 1, next);
    kv_put(txn, KV_INFO, STR("next-repository"), (struct str){next, sizeof(next)});
    return id;
}

void repo_load_or_make(struct meta_txn *txn, struct str name, struct repo_record *out)
{
    struct key key = {0};

    if (repo_load(txn, name, out))
        return;
    out->id = take_id(txn);
    key_u32(&key, out->id);
    kv_put(txn, KV_NAMES, key_str(&key), name);
}

bool repo_name_of(struct meta_txn *txn, uint32_t id, struct str *name)
{
    struct key key = {0};

    key_u32(&key, id);
    return kv_get(txn, KV_NAMES, key_str(&key), name) || kv_damaged(txn, KV_NAMES);
}

bool repo_name_copy(struct meta_txn *txn, uint32_t id, struct key *name)
{
    struct str stored;

    name->n = 0;
    if (!repo_name_of(txn, id, &stored))
        return false;
    key_bytes(name, stored);
    return true;
}

void count_down(struct meta_txn *txn, enum kv_table table, uint64_t *counter)
{
    if (*counter > 0)
        (*counter)--;
    else
        kv_damaged(txn, table);
}

void repo_manifest_came(struct meta_txn *txn, struct str name, struct repo_record *repo, size_t bytes)
{
    char id[4];

    usage_change(txn, name, (int64_t)bytes, (int64_t)bytes);
    if (repo->manifests++ > 0)
        return;
    u32_encode(repo->id, id);
    kv_put(txn, KV_CATALOG, name, (struct str){id, sizeof(id)});
}

void repo_manifest_went(struct meta_txn *txn, struct str name, struct repo_record *repo, size_t bytes)
{
    usage_change(txn, name, -(int64_t)bytes, -(int64_t)bytes);
    count_down(txn, KV_REPOS, &repo->manifests);
    if (repo->manifests == 0)
        kv_del(txn, KV_CATALOG, name);
}

bool meta_repository_exists(struct meta_txn *txn, struct str repository)
{
    return kv_has(txn, KV_REPOS, repository);
}

/* On from a name that was not taken. False: no other will be. */
static bool skip(struct kv_walk *walk, const struct catalog_query *query, void *arg)
{
    struct str to = query->seek == NULL ? walk->key : query->seek(walk->key, arg);

    if (to.n > 0 && str_cmp(to, walk->key) > 0)
        kv_walk_seek(walk, to);
    return to.n > 0;
}

int meta_catalog(struct meta_txn *txn, const struct catalog_query *query, meta_name_cb *item, void *arg, bool *more,
                 struct err *e)
{
    struct kv_walk walk;
    size_t given = 0, looked = 0;

    *more = false;
    kv_walk_begin(&walk, txn, KV_CATALOG, (struct str){0}, query->last);
    while (query->limit > 0 && kv_walk_next(&walk)) {
        if (given == query->limit || looked == query->looks) {
            *more = true;
            break;
        }
        looked++;
        if (item(walk.key, arg))
            given++;
        else if (!skip(&walk, query, arg))
            break;
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}
