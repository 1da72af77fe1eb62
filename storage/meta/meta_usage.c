/*
 * Bytes by path, and in all (invariants 9 and 10 of meta_record.h).
 *
 * A change to "team/app" is counted at "team/app", "team" and "". So the sum for any path is one look-up, and a change
 * costs one more entry for each part of the name.
 */
#include "storage/meta/meta_internal.h"

#include <string.h>

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

void meta_totals(struct meta_txn *txn, struct meta_totals *out)
{
    out->repositories = kv_size(txn, KV_CATALOG).entries;
    out->manifests = kv_size(txn, KV_MANIFESTS).entries;
    out->tags = kv_size(txn, KV_TAGS).entries;
}

/* ---- repositories ---- */

/* On to the paths behind all that begin with `key` and a "/". */
static void skip_below(struct kv_walk *walk, struct key *after, struct str key)
{
    struct meta_txn *txn = walk->txn;
    struct str prefix = walk->prefix;

    after->n = 0;
    key_bytes(after, key);
    key_bytes(after, STR("/\xff"));
    kv_walk_end(walk);
    kv_walk_begin(walk, txn, KV_USAGE, prefix, key_str(after));
}

/* What is at a path without what is below it. */
static struct usage own_usage(struct meta_txn *txn, struct str path)
{
    struct usage_record all;
    struct key prefix, after = {.n = 0};
    struct kv_walk walk;

    usage_load(txn, path, &all);
    path_key(&prefix, path);
    key_bytes(&prefix, STR("/"));
    kv_walk_begin(&walk, txn, KV_USAGE, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        size_t part = prefix.n + str_find(str_from(walk.key, prefix.n), '/');
        struct usage_record below;

        if (part < walk.key.n) {
            skip_below(&walk, &after, (struct str){walk.key.p, part});
            continue;
        }
        if (!usage_decode(walk.value, &below) || below.logical > all.logical || below.sole > all.sole) {
            kv_damaged(txn, KV_USAGE);
            break;
        }
        all.logical -= below.logical;
        all.sole -= below.sole;
    }
    kv_walk_end(&walk);
    return (struct usage){.logical = all.logical, .sole = all.sole};
}

static void info_of(struct meta_txn *txn, struct str name, const struct repo_record *repo, struct repository_info *out)
{
    *out = (struct repository_info){.name = name,
                                    .usage = own_usage(txn, name),
                                    .blobs = repo->blobs,
                                    .manifests = repo->manifests,
                                    .tags = repo->tags};
}

int meta_repository_info(struct meta_txn *txn, struct str name, struct repository_info *out, struct err *e)
{
    struct repo_record repo;

    if (!repo_load(txn, name, &repo)) {
        if (kv_status(txn, e) != 0)
            return -1;
        return err_set(e, ERR_NOT_FOUND, "%.*s: nothing was ever pushed under this name", (int)name.n, name.p);
    }
    info_of(txn, name, &repo, out);
    return kv_status(txn, e);
}

static bool is_at_or_below(struct str name, struct str path)
{
    return path.n == 0 || (str_starts(name, path) && (name.n == path.n || name.p[path.n] == '/'));
}

int meta_repositories(struct meta_txn *txn, struct repository_walk *place, size_t looks, meta_repository_cb *item,
                      void *arg, bool *more, struct err *e)
{
    struct key after = {.n = 0};
    struct kv_walk walk;
    size_t looked = 0;

    *more = false;
    key_bytes(&after, str_of(place->last));
    kv_walk_begin(&walk, txn, KV_REPOS, place->path, key_str(&after));
    while (kv_walk_next(&walk)) {
        struct repository_info info;
        struct repo_record repo;

        *more = looked++ == looks;
        if (*more)
            break;
        if (!repo_decode(walk.value, &repo) || walk.key.n > REPOSITORY_NAME_MAX) {
            kv_damaged(txn, KV_REPOS);
            break;
        }
        memcpy(place->last, walk.key.p, walk.key.n);
        place->last[walk.key.n] = '\0';
        if (!is_at_or_below(walk.key, place->path) || repo.blobs + repo.manifests + repo.tags == 0)
            continue;
        info_of(txn, walk.key, &repo, &info);
        item(&info, arg);
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}
