#include "storage/meta/meta_contents.h"

#include "storage/meta/meta_internal.h"

struct contents {
    uint32_t id;
    union {
        meta_member_cb *member;
        meta_manifest_cb *manifest;
        meta_tag_cb *tag;
    } item;
    void *arg;
};

/* What stands behind the repository's number is a digest. */
static bool digest_of_key(struct str tail, struct digest *out)
{
    return digest_from_key((const uint8_t *)tail.p, tail.n, out) == tail.n;
}

static int visit_member(struct meta_txn *txn, const struct contents *c, struct str tail, struct str value,
                        struct err *e)
{
    struct blob_record blob;
    struct digest d;

    (void)value;
    if (!digest_of_key(tail, &d) || !blob_load(txn, &d, &blob)) {
        kv_damaged(txn, KV_MEMBERS);
        return kv_status(txn, e);
    }
    return c->item.member(&d, blob.size, c->arg, e);
}

static int visit_manifest(struct meta_txn *txn, const struct contents *c, struct str tail, struct str value,
                          struct err *e)
{
    struct manifest_record record;
    struct manifest_view view = {.repository = c->id};

    if (!digest_of_key(tail, &view.digest) || !manifest_decode(value, &record)) {
        kv_damaged(txn, KV_MANIFESTS);
        return kv_status(txn, e);
    }
    view.media_type = record.media_type;
    view.bytes = record.bytes;
    return c->item.manifest(&view, record.pushed, c->arg, e);
}

static int visit_tag(struct meta_txn *txn, const struct contents *c, struct str tail, struct str value, struct err *e)
{
    struct tag_record record;

    if (!tag_decode(value, &record)) {
        kv_damaged(txn, KV_TAGS);
        return kv_status(txn, e);
    }
    return c->item.tag(tail, &record.digest, record.moved, c->arg, e);
}

static int each(struct meta_txn *txn, struct str repository, enum kv_table table, struct contents *c,
                int (*visit)(struct meta_txn *, const struct contents *, struct str, struct str, struct err *),
                struct err *e)
{
    struct key prefix = {.n = 0};
    struct repo_record repo;
    struct kv_walk walk;
    int rc = 0;

    if (!repo_load(txn, repository, &repo))
        return kv_status(txn, e);
    c->id = repo.id;
    key_u32(&prefix, repo.id);
    kv_walk_begin(&walk, txn, table, key_str(&prefix), (struct str){0});
    while (rc == 0 && kv_walk_next(&walk))
        rc = visit(txn, c, str_from(walk.key, prefix.n), walk.value, e);
    kv_walk_end(&walk);
    return rc == 0 ? kv_status(txn, e) : rc;
}

int meta_members_each(struct meta_txn *txn, struct str repository, meta_member_cb *item, void *arg, struct err *e)
{
    return each(txn, repository, KV_MEMBERS, &(struct contents){.item.member = item, .arg = arg}, visit_member, e);
}

int meta_manifests_each(struct meta_txn *txn, struct str repository, meta_manifest_cb *item, void *arg, struct err *e)
{
    return each(txn, repository, KV_MANIFESTS, &(struct contents){.item.manifest = item, .arg = arg}, visit_manifest,
                e);
}

int meta_tags_each(struct meta_txn *txn, struct str repository, meta_tag_cb *item, void *arg, struct err *e)
{
    return each(txn, repository, KV_TAGS, &(struct contents){.item.tag = item, .arg = arg}, visit_tag, e);
}
