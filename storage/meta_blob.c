/*
 * Blobs: who holds which, how many manifests name each, and until when an unreferenced one is kept.
 * Invariants 2 to 5 of meta_record.h are kept here.
 */
#include "storage/meta_internal.h"

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

void blob_save(struct meta_txn *txn, const struct digest *d, const struct blob_record *blob)
{
    struct key key = {.n = 0};
    char value[BLOB_RECORD_SIZE];

    key_digest(&key, d);
    blob_encode(blob, value);
    kv_put(txn, KV_BLOBS, key_str(&key), (struct str){value, sizeof(value)});
}

bool blob_load_held(struct meta_txn *txn, uint32_t id, const struct digest *d, struct blob_record *out)
{
    struct key member;

    key_id_digest(&member, id, d);
    if (!kv_has(txn, KV_MEMBERS, key_str(&member)))
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
static void lower(struct meta_txn *txn, struct blob_record *blob, uint64_t count)
{
    if (count > blob->references)
        kv_damaged(txn, KV_BLOBS);
    blob->references -= count;
    if (count > 0 && blob->references == 0)
        renew(blob, clock_wall_s());
}

void reference_came(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct blob_record blob;

    set_references_from(txn, id, d, references_from(txn, id, d) + 1);
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
    if (!blob_load_held(txn, id, d, &blob))
        return;
    lower(txn, &blob, 1);
    blob_save(txn, d, &blob);
}

/* ---- holders ---- */

static void put_pair(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key member;
    struct key holder = {.n = 0};

    key_id_digest(&member, id, d);
    key_digest(&holder, d);
    key_u32(&holder, id);
    kv_put(txn, KV_MEMBERS, key_str(&member), (struct str){"", 0});
    kv_put(txn, KV_HOLDERS, key_str(&holder), (struct str){"", 0});
}

void holder_drop(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key member;
    struct key holder = {.n = 0};

    key_id_digest(&member, id, d);
    key_digest(&holder, d);
    key_u32(&holder, id);
    if (!kv_del(txn, KV_MEMBERS, key_str(&member)) || !kv_del(txn, KV_HOLDERS, key_str(&holder)))
        kv_damaged(txn, KV_HOLDERS);
}

/* Make the repository a holder; one that is already stays what it is. */
static void hold(struct meta_txn *txn, struct str name, const struct digest *d, struct blob_record *blob)
{
    struct repo_record repo;
    struct blob_record held;

    repo_load_or_make(txn, name, &repo);
    if (blob_load_held(txn, repo.id, d, &held))
        return;
    put_pair(txn, repo.id, d);
    blob->holders++;
    blob->references += references_from(txn, repo.id, d);
    repo.blobs++;
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

    if (!repo_load(txn, repository, &repo) || !blob_load_held(txn, repo.id, d, &blob))
        return no_blob(txn, repository, d, e);
    *out = (struct blob_info){.size = blob.size, .references = blob.references, .last_needed = blob.last_needed};
    return 0;
}

int meta_blob_put(struct meta_txn *txn, struct str repository, const struct digest *d, uint64_t size, uint64_t now,
                  struct err *e)
{
    struct blob_record blob;

    if (repo_name_check(repository, e) != 0)
        return -1;
    blob_load(txn, d, &blob);
    blob.size = size;
    renew(&blob, now);
    hold(txn, repository, d, &blob);
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
    hold(txn, repository, d, &blob);
    blob_save(txn, d, &blob);
    return kv_status(txn, e);
}

int meta_blob_touch(struct meta_txn *txn, const struct digest *d, uint64_t now, struct err *e)
{
    struct blob_record blob;
    char text[DIGEST_TEXT_MAX];

    if (blob_load(txn, d, &blob)) {
        /* Many HEADs of one second cost one write. */
        if (now > blob.last_needed) {
            renew(&blob, now);
            blob_save(txn, d, &blob);
        }
        return kv_status(txn, e);
    }
    if (kv_status(txn, e) != 0)
        return -1;
    digest_format(d, text);
    return err_set(e, ERR_NOT_FOUND, "there is no blob %s", text);
}

int meta_blob_delete(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e)
{
    struct repo_record repo;
    struct blob_record blob;

    if (!repo_load(txn, repository, &repo) || !blob_load_held(txn, repo.id, d, &blob))
        return no_blob(txn, repository, d, e);
    holder_drop(txn, repo.id, d);
    count_down(txn, KV_BLOBS, &blob.holders);
    lower(txn, &blob, references_from(txn, repo.id, d));
    blob_save(txn, d, &blob);
    count_down(txn, KV_REPOS, &repo.blobs);
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
