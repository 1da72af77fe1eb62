/*
 * Tags: names that move from manifest to manifest (invariant 6 of meta_record.h).
 */
#include "storage/meta/meta_internal.h"

#include "registry/base/clock.h"
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

bool tag_load(struct meta_txn *txn, uint32_t id, struct str tag, struct tag_record *out)
{
    struct key key;
    struct str value;

    tag_key(&key, id, tag);
    if (!kv_get(txn, KV_TAGS, key_str(&key), &value))
        return false;
    return tag_decode(value, out) || kv_damaged(txn, KV_TAGS);
}

/* ---- moving and removing ---- */

static void write_tag(struct meta_txn *txn, uint32_t id, struct str tag, const struct tag_record *new)
{
    char value[TAG_RECORD_MAX];
    struct key key;

    manifest_tag_key(&key, id, &new->digest, tag);
    kv_put(txn, KV_MANIFEST_TAGS, key_str(&key), (struct str){"", 0});
    tag_key(&key, id, tag);
    kv_put(txn, KV_TAGS, key_str(&key), (struct str){value, tag_encode(new, value)});
}

/* Point the tag at `new`. A push of what it points to already is no event. */
static void point(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct tag_record *new,
                  enum event_kind came, enum event_kind moved)
{
    struct event_record event = {.when = new->moved, .kind = came, .id = repo->id, .digest = new->digest, .tag = tag};
    struct tag_record old;
    struct key key;

    if (tag_load(txn, repo->id, tag, &old)) {
        event.kind = moved;
        event.digest = old.digest;
        manifest_tag_key(&key, repo->id, &old.digest, tag);
        kv_del(txn, KV_MANIFEST_TAGS, key_str(&key));
    } else {
        repo->tags++;
    }
    write_tag(txn, repo->id, tag, new);
    if (event.kind == came || !digest_equal(&old.digest, &new->digest))
        event_happened(txn, &event);
}

void tag_move(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d, uint64_t now)
{
    point(txn, repo, tag, &(struct tag_record){.moved = now, .digest = *d}, EVENT_CREATED, EVENT_MOVED);
}

void tag_put_back(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d, uint64_t now)
{
    point(txn, repo, tag, &(struct tag_record){.moved = now, .digest = *d}, EVENT_RESTORED, EVENT_MOVED_BACK);
}

bool tag_is_elsewhere(struct meta_txn *txn, uint32_t id, struct str tag, const struct digest *d)
{
    struct tag_record record;

    return tag_load(txn, id, tag, &record) && !digest_equal(&record.digest, d);
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

static void drop(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d,
                 enum event_kind kind)
{
    struct key key;
    struct key reverse;

    tag_key(&key, repo->id, tag);
    manifest_tag_key(&reverse, repo->id, d, tag);
    if (!kv_del(txn, KV_TAGS, key_str(&key)) || !kv_del(txn, KV_MANIFEST_TAGS, key_str(&reverse)))
        kv_damaged(txn, KV_MANIFEST_TAGS);
    count_down(txn, KV_REPOS, &repo->tags);
    event_happened(
        txn, &(struct event_record){.when = clock_wall_s(), .kind = kind, .id = repo->id, .digest = *d, .tag = tag});
}

bool tag_drop_some(struct meta_txn *txn, struct repo_record *repo, const struct digest *d, size_t *limit)
{
    struct key tag;

    while (first_tag(txn, repo->id, d, &tag)) {
        if (*limit == 0)
            return false;
        --*limit;
        drop(txn, repo, key_str(&tag), d, EVENT_TAKEN);
    }
    return true;
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

    if (!repo_load(txn, repository, &repo) || !tag_load(txn, repo.id, tag, &record))
        return no_tag(txn, repository, tag, e);
    if (!manifest_load(txn, repo.id, &record.digest, &manifest)) {
        kv_damaged(txn, KV_TAGS);
        return kv_status(txn, e);
    }
    *out = (struct manifest_view){
        .repository = repo.id, .digest = record.digest, .media_type = manifest.media_type, .bytes = manifest.bytes};
    return 0;
}

int meta_tag_delete(struct meta_txn *txn, struct str repository, struct str tag, struct err *e)
{
    struct repo_record repo;
    struct tag_record record;

    if (!repo_load(txn, repository, &repo) || !tag_load(txn, repo.id, tag, &record))
        return no_tag(txn, repository, tag, e);
    drop(txn, &repo, tag, &record.digest, EVENT_DELETED);
    repo_save(txn, repository, &repo);
    return kv_status(txn, e);
}

int meta_tag_expire(struct meta_txn *txn, struct str repository, struct str tag, const struct digest *d, uint64_t moved,
                    bool *gone, struct err *e)
{
    struct repo_record repo;
    struct tag_record record;

    *gone = repo_load(txn, repository, &repo) && tag_load(txn, repo.id, tag, &record) && record.moved == moved &&
            digest_equal(&record.digest, d);
    if (*gone) {
        drop(txn, &repo, tag, d, EVENT_EXPIRED);
        repo_save(txn, repository, &repo);
    }
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
