/*
 * Blobs: who holds which, how many manifests name each, and until when an unreferenced one is kept.
 * Invariants 3 to 5 and 9 of meta_record.h are kept here.
 */
#include "storage/meta/meta_internal.h"

#include "registry/base/clock.h"

/* ---- records ---- */

bool blob_load(struct meta_txn *txn, const struct digest *d, struct blob_record *out)
{
    struct key key = {.n = 0};
    struct str value;

    key_digest(&key, d);
    if (kv_get(txn, KV_BLOBS, key_str(&key), &value)) {
        if (blob_decode(value, out))
            return true;
        kv_damaged(txn, KV_BLOBS);
    }
    *out = (struct blob_record){0};
    return false;
}

void idle_key(struct key *key, uint64_t last_needed, const struct digest *d)
{
    key->n = 0;
    key_u64(key, last_needed);
    key_digest(key, d);
}

void idle_put(struct meta_txn *txn, uint64_t last_needed, const struct digest *d)
{
    struct key key;

    idle_key(&key, last_needed, d);
    kv_put(txn, KV_IDLE, key_str(&key), (struct str){"", 0});
}

/* Invariant 9 is kept here, whatever the change: what was stored before says which entry there is. */
static void idle_follow(struct meta_txn *txn, const struct digest *d, const struct blob_record *old,
                        const struct blob_record *new)
{
    struct key key;

    if (old != NULL && new != NULL && old->last_needed == new->last_needed &&
        (old->references == 0) == (new->references == 0))
        return;
    if (old != NULL && old->references == 0) {
        idle_key(&key, old->last_needed, d);
        if (!kv_del(txn, KV_IDLE, key_str(&key)))
            kv_damaged(txn, KV_IDLE);
    }
    if (new != NULL &&new->references == 0)
        idle_put(txn, new->last_needed, d);
}

void blob_save(struct meta_txn *txn, const struct digest *d, const struct blob_record *blob)
{
    struct key key = {.n = 0};
    char value[BLOB_RECORD_SIZE];
    struct blob_record old;
    bool known = blob_load(txn, d, &old);

    if (!known || old.size != blob->size)
        stored_change(txn, known ? 0 : 1, (int64_t)(blob->size - old.size));
    idle_follow(txn, d, known ? &old : NULL, blob);
    key_digest(&key, d);
    blob_encode(blob, value);
    kv_put(txn, KV_BLOBS, key_str(&key), (struct str){value, sizeof(value)});
}

void blob_drop(struct meta_txn *txn, const struct digest *d)
{
    struct key key = {.n = 0};
    struct blob_record old;

    if (!blob_load(txn, d, &old))
        return;
    stored_change(txn, -1, -(int64_t)old.size);
    idle_follow(txn, d, &old, NULL);
    key_digest(&key, d);
    kv_del(txn, KV_BLOBS, key_str(&key));
}

bool blob_load_held(struct meta_txn *txn, uint32_t id, const struct digest *d, struct blob_record *out)
{
    uint64_t since;

    if (!member_load(txn, id, d, &since))
        return false;
    return blob_load(txn, d, out) || kv_damaged(txn, KV_BLOBS);
}

static void renew(struct blob_record *blob, uint64_t now)
{
    if (now > blob->last_needed)
        blob->last_needed = now;
}

/* ---- references ---- */

uint64_t references_from(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key key;
    struct str value;
    uint64_t count = 0;

    key_id_digest(&key, id, d);
    if (kv_get(txn, KV_REFS, key_str(&key), &value) && (!u64_decode(value, &count) || count == 0))
        kv_damaged(txn, KV_REFS);
    return count;
}

static void set_references_from(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t count)
{
    struct key key;
    char value[8];

    key_id_digest(&key, id, d);
    u64_encode(count, value);
    if (count > 0)
        kv_put(txn, KV_REFS, key_str(&key), (struct str){value, sizeof(value)});
    else
        kv_del(txn, KV_REFS, key_str(&key));
}

/* Whoever asked for the blob while it was referenced had no reason to renew its lease: it begins when the last
 * reference goes. */
void blob_lower(struct meta_txn *txn, struct blob_record *blob, uint64_t count)
{
    if (count > blob->references)
        kv_damaged(txn, KV_BLOBS);
    blob->references -= count;
    if (count > 0 && blob->references == 0)
        renew(blob, clock_wall_s());
}

void reference_came(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    uint64_t count = references_from(txn, id, d);
    struct blob_record blob;

    if (count == 0)
        member_fasten(txn, id, d);
    set_references_from(txn, id, d, count + 1);
    if (!blob_load_held(txn, id, d, &blob))
        return;
    blob.references++;
    blob_save(txn, d, &blob);
}

void reference_went(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    uint64_t count = references_from(txn, id, d);
    struct blob_record blob;

    count_down(txn, KV_REFS, &count);
    set_references_from(txn, id, d, count);
    if (count == 0)
        member_loosen(txn, id, d);
    if (!blob_load_held(txn, id, d, &blob))
        return;
    blob_lower(txn, &blob, 1);
    blob_save(txn, d, &blob);
}

/* Make the repository a holder; one that is already begins its lease anew. */
static void hold(struct meta_txn *txn, struct str name, const struct digest *d, uint64_t now, struct blob_record *blob)
{
    struct repo_record repo;
    uint64_t since;

    repo_load_or_make(txn, name, &repo);
    if (member_load(txn, repo.id, d, &since)) {
        member_renew(txn, repo.id, d, now);
        return;
    }
    member_add(txn, name, &repo, d, now, blob);
    repo_save(txn, name, &repo);
}

/* ---- meta.h ---- */

static int no_blob(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e)
{
    char text[DIGEST_TEXT_MAX];

    if (kv_status(txn, e) != 0)
        return -1;
    digest_format(d, text);
    return err_set(e, ERR_NOT_FOUND, "%.*s: this repository holds no blob %s", (int)repository.n, repository.p, text);
}

int meta_blob_get(struct meta_txn *txn, struct str repository, const struct digest *d, struct blob_info *out,
                  struct err *e)
{
    struct repo_record repo;
    struct blob_record blob;
    uint64_t since;

    if (!repo_load(txn, repository, &repo) || !member_load(txn, repo.id, d, &since))
        return no_blob(txn, repository, d, e);
    if (!blob_load(txn, d, &blob))
        kv_damaged(txn, KV_BLOBS);
    *out = (struct blob_info){.size = blob.size,
                              .references = blob.references,
                              .last_needed = blob.last_needed,
                              .named_here = references_from(txn, repo.id, d) > 0,
                              .needed_here = since};
    return kv_status(txn, e);
}

int meta_blob_put(struct meta_txn *txn, struct str repository, const struct digest *d, uint64_t size, uint64_t now,
                  struct err *e)
{
    struct blob_record blob;

    if (repo_name_check(repository, e) != 0)
        return -1;
    blob_load(txn, d, &blob);
    if (blob.holders > 0 && blob.size != size)
        members_resize(txn, d, &blob, size);
    blob.size = size;
    renew(&blob, now);
    hold(txn, repository, d, now, &blob);
    blob_save(txn, d, &blob);
    return kv_status(txn, e);
}

int meta_blob_mount(struct meta_txn *txn, struct str repository, struct str from, const struct digest *d, uint64_t now,
                    struct err *e)
{
    struct repo_record source;
    struct blob_record blob;

    if (repo_name_check(repository, e) != 0)
        return -1;
    if (!repo_load(txn, from, &source) || !blob_load_held(txn, source.id, d, &blob))
        return no_blob(txn, from, d, e);
    renew(&blob, now);
    hold(txn, repository, d, now, &blob);
    blob_save(txn, d, &blob);
    return kv_status(txn, e);
}

int meta_blob_touch(struct meta_txn *txn, struct str repository, const struct digest *d, uint64_t now, struct err *e)
{
    struct repo_record repo;
    struct blob_record blob;

    if (!repo_load(txn, repository, &repo) || !blob_load_held(txn, repo.id, d, &blob))
        return no_blob(txn, repository, d, e);
    member_renew(txn, repo.id, d, now);
    /* Many HEADs of one second cost one write. */
    if (now > blob.last_needed) {
        renew(&blob, now);
        blob_save(txn, d, &blob);
    }
    return kv_status(txn, e);
}

int meta_blob_delete(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e)
{
    struct repo_record repo;
    struct blob_record blob;

    if (!repo_load(txn, repository, &repo) || !blob_load_held(txn, repo.id, d, &blob))
        return no_blob(txn, repository, d, e);
    member_drop(txn, repository, &repo, d, &blob);
    blob_save(txn, d, &blob);
    repo_save(txn, repository, &repo);
    return kv_status(txn, e);
}

bool meta_blob_holders(struct meta_txn *txn, const struct digest *d, bool (*visit)(struct str repository, void *arg),
                       void *arg)
{
    struct key prefix = {.n = 0};
    struct kv_walk walk;
    struct str name;
    uint32_t id;
    bool found = false;

    key_digest(&prefix, d);
    kv_walk_begin(&walk, txn, KV_HOLDERS, key_str(&prefix), (struct str){0});
    while (!found && kv_walk_next(&walk)) {
        if (!u32_decode(str_from(walk.key, prefix.n), &id))
            kv_damaged(txn, KV_HOLDERS);
        else if (repo_name_of(txn, id, &name))
            found = visit(name, arg);
    }
    kv_walk_end(&walk);
    return found;
}
