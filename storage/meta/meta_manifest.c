/*
 * Manifests: which digests they name (invariants 3 and 7 of meta_record.h), and their bytes.
 *
 * What a manifest names is taken from its bytes, when it comes and again when it goes, as a set: a digest counts once
 * however often the manifest repeats it. So what one adds the other takes away. manifest_parse() must therefore go on
 * accepting what it has ever accepted, and find the same digests in it.
 */
#include "storage/meta/meta_internal.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/clock.h"
#include "storage/reference.h"

enum { TAGS_AT_ONCE = 512 }; /* that one deletion takes along: what bounds how long it keeps others waiting */

/* ---- the set of digests a manifest names ---- */

struct digest_set {
    size_t n;
    const struct digest **digests; /* borrowed from the manifest */
};

static int compare(const void *a, const void *b)
{
    const struct digest *x = *(const struct digest *const *)a;
    const struct digest *y = *(const struct digest *const *)b;

    if (x->alg != y->alg)
        return x->alg < y->alg ? -1 : 1;
    return memcmp(x->raw, y->raw, sizeof(x->raw));
}

static struct digest_set set_of(const struct manifest *m)
{
    struct digest_set set = {0, xcalloc(m->reference_count + 1, sizeof(struct digest *))};
    size_t all = m->reference_count;

    for (size_t i = 0; i < all; i++)
        set.digests[i] = &m->references[i].digest;
    qsort(set.digests, all, sizeof(struct digest *), compare);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || !digest_equal(set.digests[i], set.digests[set.n - 1]))
            set.digests[set.n++] = set.digests[i];
    return set;
}

static void set_free(struct digest_set *set)
{
    free(set->digests);
    *set = (struct digest_set){0};
}

/* ---- records ---- */

bool manifest_load(struct meta_txn *txn, uint32_t id, const struct digest *d, struct manifest_record *out)
{
    struct key key;
    struct str value;

    key_id_digest(&key, id, d);
    if (!kv_get(txn, KV_MANIFESTS, key_str(&key), &value))
        return false;
    return manifest_decode(value, out) || kv_damaged(txn, KV_MANIFESTS);
}

static void save(struct meta_txn *txn, uint32_t id, const struct manifest_put *put)
{
    const struct manifest *m = put->manifest;
    struct manifest_record record = {
        .pushed = put->now,
        .media_type = str_of(m->media_type),
        .artifact_type = str_of(m->artifact_type),
        .has_subject = m->has_subject,
        .subject = m->subject,
        .bytes = put->bytes,
    };
    struct sbuf value = {0};
    struct key key;

    key_id_digest(&key, id, &put->digest);
    manifest_encode(&record, &value);
    kv_put(txn, KV_MANIFESTS, key_str(&key), (struct str){value.p, value.n});
    sbuf_free(&value);
}

/* ---- put ---- */

static int check_fields(const struct manifest_put *put, struct err *e)
{
    const struct manifest *m = put->manifest;

    if (repo_name_check(put->repository, e) != 0)
        return -1;
    if (strlen(m->media_type) > RECORD_TYPE_MAX ||
        (m->artifact_type != NULL && strlen(m->artifact_type) > RECORD_TYPE_MAX))
        return err_set(e, ERR_INVALID, "a media type or artifact type is longer than %d bytes", RECORD_TYPE_MAX);
    for (size_t i = 0; i < put->tag_count; i++)
        if (put->tags[i].n == 0 || put->tags[i].n > TAG_MAX)
            return err_set(e, ERR_INVALID, "a tag has 1 to %d bytes, this one has %zu", TAG_MAX, put->tags[i].n);
    return 0;
}

/* The size of what `ref` names if the repository holds it. An index may list blobs as well: build tools keep their
 * caches as an index of layers. */
static bool find(struct meta_txn *txn, uint32_t id, const struct reference *ref, uint64_t *size)
{
    struct manifest_record child;
    struct blob_record blob;

    if (ref->kind == REFERENCE_CHILD && manifest_load(txn, id, &ref->digest, &child)) {
        *size = child.bytes.n;
        return true;
    }
    if (!blob_load_held(txn, id, &ref->digest, &blob))
        return false;
    *size = blob.size;
    return true;
}

static int check_reference(struct meta_txn *txn, const struct manifest_put *put, uint32_t id,
                           const struct reference *ref, struct err *e)
{
    bool child = ref->kind == REFERENCE_CHILD;
    char parent[DIGEST_TEXT_MAX];
    char named[DIGEST_TEXT_MAX];
    uint64_t size;
    bool found = find(txn, id, ref, &size);

    if (found ? size == ref->size : put->allow_missing || ref->optional)
        return 0;
    digest_format(&put->digest, parent);
    digest_format(&ref->digest, named);
    if (found)
        return err_set(e, ERR_INVALID, "%.*s: manifest %s says that %s has %llu bytes, but it has %llu",
                       (int)put->repository.n, put->repository.p, parent, named, (unsigned long long)ref->size,
                       (unsigned long long)size);
    return err_set(e, ERR_REFERENCE, "%.*s: manifest %s names %s %s which this repository does not hold; push it first",
                   (int)put->repository.n, put->repository.p, parent, child ? "manifest" : "blob", named);
}

static int check_references(struct meta_txn *txn, const struct manifest_put *put, uint32_t id, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < put->manifest->reference_count && rc == 0; i++)
        rc = check_reference(txn, put, id, &put->manifest->references[i], e);
    /* What could not be read is not what is absent. */
    return kv_status(txn, e) != 0 ? -1 : rc;
}

static int check_tags(struct meta_txn *txn, const struct manifest_put *put, uint32_t id, struct err *e)
{
    for (size_t i = 0; put->keep_tags && i < put->tag_count; i++)
        if (tag_is_elsewhere(txn, id, put->tags[i], &put->digest))
            return err_set(e, ERR_EXISTS,
                           "%.*s: tag %.*s is there already and you may not move it; push under another tag",
                           (int)put->repository.n, put->repository.p, (int)put->tags[i].n, put->tags[i].p);
    return kv_status(txn, e);
}

static void add(struct meta_txn *txn, const struct manifest_put *put, struct repo_record *repo)
{
    struct digest_set named = set_of(put->manifest);

    save(txn, repo->id, put);
    for (size_t i = 0; i < named.n; i++)
        reference_came(txn, repo->id, named.digests[i]);
    if (put->manifest->has_subject)
        referrer_put(txn, repo->id, put);
    removed_drop(txn, repo->id, &put->digest);
    repo_manifest_came(txn, put->repository, repo, put->bytes.n);
    set_free(&named);
}

int meta_manifest_put(struct meta_txn *txn, const struct manifest_put *put, struct err *e)
{
    struct manifest_record stored;
    struct repo_record repo;

    if (check_fields(put, e) != 0)
        return -1;
    repo_load(txn, put->repository, &repo);
    if (check_tags(txn, put, repo.id, e) != 0 || check_references(txn, put, repo.id, e) != 0)
        return -1;
    repo_load_or_make(txn, put->repository, &repo);
    if (!manifest_load(txn, repo.id, &put->digest, &stored))
        add(txn, put, &repo);
    else if (stored.pushed < put->now)
        save(txn, repo.id, put);
    for (size_t i = 0; i < put->tag_count; i++)
        tag_move(txn, &repo, put->tags[i], &put->digest, put->now);
    repo_save(txn, put->repository, &repo);
    return kv_status(txn, e);
}

/* ---- get and delete ---- */

static int no_manifest(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e)
{
    char text[DIGEST_TEXT_MAX];

    if (kv_status(txn, e) != 0)
        return -1;
    digest_format(d, text);
    return err_set(e, ERR_NOT_FOUND, "%.*s: there is no manifest %s", (int)repository.n, repository.p, text);
}

int meta_manifest_get(struct meta_txn *txn, struct str repository, const struct digest *d, struct manifest_view *out,
                      struct err *e)
{
    struct manifest_record record;
    struct repo_record repo;

    if (!repo_load(txn, repository, &repo) || !manifest_load(txn, repo.id, d, &record))
        return no_manifest(txn, repository, d, e);
    *out = (struct manifest_view){
        .repository = repo.id, .digest = *d, .media_type = record.media_type, .bytes = record.bytes};
    return 0;
}

static void take_away(struct meta_txn *txn, struct str name, struct repo_record *repo, const struct digest *d,
                      const struct manifest *m, size_t bytes)
{
    struct digest_set named = set_of(m);
    struct key key;

    key_id_digest(&key, repo->id, d);
    kv_del(txn, KV_MANIFESTS, key_str(&key));
    for (size_t i = 0; i < named.n; i++)
        reference_went(txn, repo->id, named.digests[i]);
    if (m->has_subject)
        referrer_drop(txn, repo->id, &m->subject, d);
    pull_drop(txn, repo->id, d);
    repo_manifest_went(txn, name, repo, bytes);
    set_free(&named);
}

/* Its tags have gone before. */
static int delete (struct meta_txn *txn, struct str repository, const struct digest *d, uint32_t *id,
                   struct sbuf *removed, struct err *e)
{
    struct manifest_record record;
    struct repo_record repo;
    struct manifest parsed;

    if (!repo_load(txn, repository, &repo) || !manifest_load(txn, repo.id, d, &record))
        return no_manifest(txn, repository, d, e);
    if (manifest_parse(record.bytes, record.media_type, &parsed, NULL) != 0) {
        kv_damaged(txn, KV_MANIFESTS);
        return kv_status(txn, e);
    }
    *id = repo.id;
    if (removed != NULL)
        removed_encode(clock_wall_s(), &record, removed);
    take_away(txn, repository, &repo, d, &parsed, record.bytes.n);
    manifest_free(&parsed);
    repo_save(txn, repository, &repo);
    return kv_status(txn, e);
}

int manifest_drop(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e)
{
    uint32_t id;

    return delete (txn, repository, d, &id, NULL, e);
}

/* The tags go first. *more: some are left. */
static int delete_tags(struct meta_txn *txn, struct str repository, const struct digest *d, size_t *tags, bool *more,
                       struct err *e)
{
    struct manifest_record record;
    struct repo_record repo;

    if (!repo_load(txn, repository, &repo) || !manifest_load(txn, repo.id, d, &record))
        return no_manifest(txn, repository, d, e);
    if (!manifest_has_tag(txn, repo.id, d))
        return kv_status(txn, e);
    *more = !tag_drop_some(txn, &repo, d, tags);
    repo_save(txn, repository, &repo);
    return kv_status(txn, e);
}

int manifest_delete_some(struct meta_txn *txn, struct str repository, const struct digest *d, size_t *tags, bool *more,
                         struct err *e)
{
    struct event_record event = {.when = clock_wall_s(), .kind = EVENT_MANIFEST_DELETED, .digest = *d};
    struct sbuf removed = {0};
    int rc;

    *more = false;
    if (delete_tags(txn, repository, d, tags, more, e) != 0)
        return -1;
    if (*more)
        return 0;
    rc = delete (txn, repository, d, &event.id, &removed, e);
    if (rc == 0) {
        event_happened(txn, &event);
        removed_put(txn, event.id, d, (struct str){removed.p, removed.n});
        rc = kv_status(txn, e);
    }
    sbuf_free(&removed);
    return rc;
}

int meta_manifest_delete(struct meta_txn *txn, struct str repository, const struct digest *d, bool *more, struct err *e)
{
    size_t tags = TAGS_AT_ONCE;

    return manifest_delete_some(txn, repository, d, &tags, more, e);
}

void meta_manifest_tags(struct meta_txn *txn, struct str repository, const struct digest *d,
                        bool (*item)(struct str tag, void *arg), void *arg)
{
    struct repo_record repo;
    struct kv_walk walk;
    struct key prefix;
    size_t n = 0;

    if (!repo_load(txn, repository, &repo))
        return;
    key_id_digest(&prefix, repo.id, d);
    kv_walk_begin(&walk, txn, KV_MANIFEST_TAGS, key_str(&prefix), (struct str){0});
    while (n++ < TAGS_AT_ONCE && kv_walk_next(&walk) && item(str_from(walk.key, prefix.n), arg))
        ;
    kv_walk_end(&walk);
}
