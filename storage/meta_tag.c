/*
 * Tags: names that move from manifest to manifest (invariant 6 of meta_record.h).
 */
#include "storage/meta_internal.h"

#include "storage/reference.h"

static void tag_key(struct key *key, uint32_t id, struct str tag)
{
    key->n = 0;
    key_u32(key, id);
    key_bytes(key, tag);
}

static void manifest_tag_key(struct key *key, uint32_t id, const struct digest *d, struct str tag)
{
    key_id_digest(key, id, d);
    key_bytes(key, tag);
}

static bool load(struct meta_txn *txn, uint32_t id, struct str tag, struct tag_record *out)
{
    struct key key;
    struct str value;

    tag_key(&key, id, tag);
    if (!kv_get(txn, KV_TAGS, key_str(&key), &value))
        return false;
    return tag_decode(value, out) || kv_damaged(txn, KV_TAGS);
}

/* ---- moving and removing ---- */

void tag_move(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d, uint64_t now)
{
    struct tag_record new = {.moved = now, .digest = *d};
    struct tag_record old;
    char value[TAG_RECORD_MAX];
    struct key key;

    if (load(txn, repo->id, tag, &old)) {
        manifest_tag_key(&key, repo->id, &old.digest, tag);
        kv_del(txn, KV_MANIFEST_TAGS, key_str(&key));
    } else {
        repo->tags++;
    }
    manifest_tag_key(&key, repo->id, d, tag);
    kv_put(txn, KV_MANIFEST_TAGS, key_str(&key), (struct str){"", 0});
    tag_key(&key, repo->id, tag);
    kv_put(txn, KV_TAGS, key_str(&key), (struct str){value, tag_encode(&new, value)});
}

bool tag_is_elsewhere(struct meta_txn *txn, uint32_t id, struct str tag, const struct digest *d)
{
    struct tag_record record;

    return load(txn, id, tag, &record) && !digest_equal(&record.digest, d);
}

/* The first tag of the manifest, copied: its place in the table does not outlive a deletion. */
static bool first_tag(struct meta_txn *txn, uint32_t id, const struct digest *d, struct key *out)
{
    struct kv_walk walk;
    struct key prefix;
    bool found;

    key_id_digest(&prefix, id, d);
    kv_walk_begin(&walk, txn, KV_MANIFEST_TAGS, key_str(&prefix), (struct str){0});
    found = kv_walk_next(&walk);
    if (found) {
        out->n = 0;
        key_bytes(out, str_from(walk.key, prefix.n));
    }
    kv_walk_end(&walk);
    return found;
}

bool manifest_has_tag(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key tag;

    return first_tag(txn, id, d, &tag);
}

static void drop(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d)
{
    struct key key;
    struct key reverse;

    tag_key(&key, repo->id, tag);
    manifest_tag_key(&reverse, repo->id, d, tag);
    if (!kv_del(txn, KV_TAGS, key_str(&key)) || !kv_del(txn, KV_MANIFEST_TAGS, key_str(&reverse)))
        kv_damaged(txn, KV_MANIFEST_TAGS);
    count_down(txn, KV_REPOS, &repo->tags);
}

void tag_drop_all(struct meta_txn *txn, struct repo_record *repo, const struct digest *d)
{
    struct key tag;

    while (first_tag(txn, repo->id, d, &tag))
        drop(txn, repo, key_str(&tag), d);
}

/* ---- meta.h ---- */

static int no_tag(struct meta_txn *txn, struct str repository, struct str tag, struct err *e)
{
    if (kv_status(txn, e) != 0)
        return -1;
    return err_set(e, ERR_NOT_FOUND, "%.*s: there is no tag %.*s", (int)repository.n, repository.p, (int)tag.n, tag.p);
}

/* The hottest path of all: three look-ups, keys on the stack, nothing allocated or formatted. */
int meta_tag_get(struct meta_txn *txn, struct str repository, struct str tag, struct manifest_view *out, struct err *e)
{
    struct manifest_record manifest;
    struct repo_record repo;
    struct tag_record record;

    if (!repo_load(txn, repository, &repo) || !load(txn, repo.id, tag, &record))
        return no_tag(txn, repository, tag, e);
    if (!manifest_load(txn, repo.id, &record.digest, &manifest)) {
        kv_damaged(txn, KV_TAGS);
        return kv_status(txn, e);
    }
    *out = (struct manifest_view){.digest = record.digest, .media_type = manifest.media_type, .bytes = manifest.bytes};
    return 0;
}

int meta_tag_delete(struct meta_txn *txn, struct str repository, struct str tag, struct err *e)
{
    struct repo_record repo;
    struct tag_record record;

    if (!repo_load(txn, repository, &repo) || !load(txn, repo.id, tag, &record))
        return no_tag(txn, repository, tag, e);
    drop(txn, &repo, tag, &record.digest);
    repo_save(txn, repository, &repo);
    return kv_status(txn, e);
}

static void walk_tags(struct meta_txn *txn, uint32_t id, struct str last, size_t limit, meta_name_cb *item, void *arg,
                      bool *more)
{
    struct key prefix = {.n = 0};
    struct key after;
    struct kv_walk walk;
    size_t given = 0;

    key_u32(&prefix, id);
    tag_key(&after, id, last);
    kv_walk_begin(&walk, txn, KV_TAGS, key_str(&prefix), last.n > 0 ? key_str(&after) : (struct str){0});
    while (kv_walk_next(&walk)) {
        if (given == limit) {
            *more = true;
            break;
        }
        if (item(str_from(walk.key, prefix.n), arg))
            given++;
    }
    kv_walk_end(&walk);
}

int meta_tags(struct meta_txn *txn, struct str repository, struct str last, size_t limit, meta_name_cb *item, void *arg,
              bool *more, struct err *e)
{
    struct repo_record repo;

    *more = false;
    if (!repo_load(txn, repository, &repo)) {
        if (kv_status(txn, e) != 0)
            return -1;
        return err_set(e, ERR_NOT_FOUND, "%.*s: nothing was ever pushed under this name", (int)repository.n,
                       repository.p);
    }
    if (limit > 0)
        walk_tags(txn, repo.id, last, limit, item, arg, more);
    return kv_status(txn, e);
}
