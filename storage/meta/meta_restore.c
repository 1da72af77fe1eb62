/*
 * Putting a tag back: find out where it pointed, put that manifest back if it was deleted, and move the tag.
 *
 * A manifest is put back as if it were pushed: parsed again and checked against what the repository holds now. So a
 * restored image is whole, or the answer says what is missing. What an index names is put back before it.
 */
#include "storage/meta/meta_history.h"

#include <stdlib.h>
#include <string.h>

#include "storage/meta/meta_internal.h"

enum {
    DEPTH_MOST = 16, /* indexes of indexes: each costs stack */
    EVENTS_AT_ONCE = 64,
};

/* ---- where did it point? ---- */

struct search {
    const struct tag_restore *restore;
    bool found; /* an event that comes into question */
    bool over;  /* an older one than is asked for */
    bool was;   /* before the oldest event that was found */
    struct digest from;
};

static void look_at(const struct tag_event *event, void *arg)
{
    struct search *search = arg;

    search->over |= search->restore->has_at ? event->when <= search->restore->at : search->found;
    if (search->over)
        return;
    search->found = true;
    search->was = event->was;
    search->from = event->from;
}

static int no_event(const struct tag_restore *r, const struct search *search, struct err *e)
{
    if (search->over)
        return err_set(e, ERR_EXISTS, "%.*s: nothing has happened to tag %.*s since then", (int)r->repository.n,
                       r->repository.p, (int)r->tag.n, r->tag.p);
    return err_set(e, ERR_NOT_FOUND,
                   "%.*s: nothing is known of what happened to tag %.*s; it was never there, or longer ago than "
                   "storage.maintenance.history.keep",
                   (int)r->repository.n, r->repository.p, (int)r->tag.n, r->tag.p);
}

static int find_former(struct meta_txn *txn, struct tag_restore *r, struct err *e)
{
    struct history_place place = {.last = {.n = 0}};
    const struct history_query query = {r->repository, r->tag, EVENTS_AT_ONCE};
    struct search search = {.restore = r};
    bool more = true;

    while (more && !search.over)
        if (meta_history(txn, &query, &place, look_at, &search, &more, e) != 0)
            return -1;
    if (!search.found)
        return no_event(r, &search, e);
    if (!search.was)
        return err_set(e, ERR_NOT_FOUND, "%.*s: there was no tag %.*s then; `berth tags history %.*s:%.*s` lists when",
                       (int)r->repository.n, r->repository.p, (int)r->tag.n, r->tag.p, (int)r->repository.n,
                       r->repository.p, (int)r->tag.n, r->tag.p);
    r->to = search.from;
    return 0;
}

/* ---- putting a manifest back ---- */

static int put_back(struct meta_txn *txn, struct tag_restore *r, uint32_t id, const struct digest *d, int depth,
                    struct err *e);

/* The children that were deleted come first; where they need not be there, nobody misses the others. */
static int put_children_back(struct meta_txn *txn, struct tag_restore *r, uint32_t id, struct manifest *m, int depth,
                             struct err *e)
{
    struct manifest_record there;
    struct removed_record removed;

    for (size_t i = 0; i < m->reference_count; i++) {
        struct reference *child = &m->references[i];

        if (child->kind != REFERENCE_CHILD)
            continue;
        child->optional |= r->allow_missing_children;
        if (!manifest_load(txn, id, &child->digest, &there) && removed_load(txn, id, &child->digest, &removed) &&
            put_back(txn, r, id, &child->digest, depth + 1, e) != 0)
            return -1;
    }
    return 0;
}

static int put_parsed_back(struct meta_txn *txn, struct tag_restore *r, uint32_t id, const struct digest *d,
                           struct manifest *m, struct str bytes, int depth, struct err *e)
{
    const struct manifest_put put = {.repository = r->repository,
                                     .digest = *d,
                                     .manifest = m,
                                     .bytes = bytes,
                                     .allow_missing = r->allow_missing,
                                     .now = r->now};

    if (put_children_back(txn, r, id, m, depth, e) != 0 || meta_manifest_put(txn, &put, e) != 0)
        return -1;
    event_happened(txn,
                   &(struct event_record){.when = r->now, .kind = EVENT_MANIFEST_RESTORED, .id = id, .digest = *d});
    r->manifests++;
    return kv_status(txn, e);
}

/* The bytes are copied: their place in the table does not outlive a write. */
static int put_back(struct meta_txn *txn, struct tag_restore *r, uint32_t id, const struct digest *d, int depth,
                    struct err *e)
{
    struct removed_record removed;
    struct sbuf bytes = {0};
    struct manifest parsed;
    char text[DIGEST_TEXT_MAX];
    int rc;

    digest_format(d, text);
    if (depth > DEPTH_MOST)
        return err_set(e, ERR_TOO_LARGE, "more than %d indexes within each other; put %s back by itself first",
                       DEPTH_MOST, text);
    if (!removed_load(txn, id, d, &removed)) {
        if (kv_status(txn, e) != 0)
            return -1;
        return err_set(e, ERR_NOT_FOUND, "%.*s: manifest %s is gone; push the image again", (int)r->repository.n,
                       r->repository.p, text);
    }
    if (manifest_parse(removed.manifest.bytes, removed.manifest.media_type, &parsed, NULL) != 0) {
        kv_damaged(txn, KV_REMOVED);
        return kv_status(txn, e);
    }
    sbuf_str(&bytes, removed.manifest.bytes);
    rc = put_parsed_back(txn, r, id, d, &parsed, (struct str){bytes.p, bytes.n}, depth, e);
    sbuf_free(&bytes);
    manifest_free(&parsed);
    return rc;
}

/* ---- the tag ---- */

static int see_to_manifest(struct meta_txn *txn, struct tag_restore *r, uint32_t id, struct err *e)
{
    struct manifest_record there;

    if (manifest_load(txn, id, &r->to, &there) || put_back(txn, r, id, &r->to, 0, e) == 0)
        return kv_status(txn, e);
    if (e != NULL && e->code == ERR_REFERENCE)
        return err_wrap(e, "tag %.*s cannot be put back, something of its image is gone", (int)r->tag.n, r->tag.p);
    return err_wrap(e, "tag %.*s cannot be put back", (int)r->tag.n, r->tag.p);
}

static int already_there(const struct tag_restore *r, struct err *e)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(&r->to, text);
    return err_set(e, ERR_EXISTS, "%.*s: tag %.*s points to %s as it is", (int)r->repository.n, r->repository.p,
                   (int)r->tag.n, r->tag.p, text);
}

int meta_tag_restore(struct meta_txn *txn, struct tag_restore *r, struct err *e)
{
    struct tag_record current = {0};
    struct repo_record repo;

    r->manifests = 0;
    if (history_repository(txn, r->repository, &repo, e) != 0)
        return -1;
    r->was = tag_load(txn, repo.id, r->tag, &current);
    r->from = current.digest;
    if (r->digest != NULL)
        r->to = *r->digest;
    else if (find_former(txn, r, e) != 0)
        return -1;
    if (r->was && digest_equal(&r->from, &r->to))
        return already_there(r, e);
    if (see_to_manifest(txn, r, repo.id, e) != 0)
        return -1;
    repo_load(txn, r->repository, &repo);
    tag_put_back(txn, &repo, r->tag, &r->to, r->now);
    repo_save(txn, r->repository, &repo);
    return kv_status(txn, e);
}
