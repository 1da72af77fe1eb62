#include "storage/meta/meta_take.h"

#include "storage/meta/meta_internal.h"

/* When the tag, which is not there, was deleted; 0: not that the history knows. */
static uint64_t deleted_at(struct meta_txn *txn, uint32_t id, struct str tag)
{
    struct event_record event;
    struct kv_walk walk;
    struct key prefix;
    uint64_t turned = 0;
    bool found;

    tag_events_key(&prefix, id, tag);
    kv_walk_begin(&walk, txn, KV_TAG_EVENTS, key_str(&prefix), (struct str){0});
    found = kv_walk_next(&walk) && u64_decode(str_from(walk.key, prefix.n), &turned);
    kv_walk_end(&walk);
    return found && event_load(txn, ~turned, &event) ? event.when : 0;
}

int meta_tag_take(struct meta_txn *txn, struct str repository, struct str tag, const struct digest *d, uint64_t when,
                  enum tag_take *end, struct err *e)
{
    struct manifest_record manifest;
    struct tag_record record;
    struct repo_record repo;
    bool known = repo_load(txn, repository, &repo);
    bool there = known && tag_load(txn, repo.id, tag, &record);

    if (there && digest_equal(&record.digest, d))
        *end = TAG_SAME;
    else if (!known || !manifest_load(txn, repo.id, d, &manifest))
        *end = TAG_DANGLING;
    else if ((there ? record.moved : deleted_at(txn, repo.id, tag)) > when)
        *end = TAG_NEWER;
    else
        *end = there ? TAG_MOVED : TAG_MADE;
    if (*end == TAG_MADE || *end == TAG_MOVED) {
        tag_move(txn, &repo, tag, d, when);
        repo_save(txn, repository, &repo);
    }
    return kv_status(txn, e);
}
