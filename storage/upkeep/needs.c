/*
 * For each repository that holds the blob its manifests are walked over in search of a set of digests: first the blob
 * alone, then the manifests just found that are themselves named by indexes, until nothing new turns up.
 */
#include "storage/upkeep/needs.h"

#include <string.h>

#include "storage/meta/meta_internal.h"

enum {
    SLICE = 256,    /* manifests read in one snapshot */
    WANTED = 64,    /* digests looked for at a time; the damage is described well enough by then */
    DEPTH_MOST = 8, /* indexes of indexes */
};

struct search {
    struct meta_reader *reader;
    void (*item)(const struct need *need, void *arg);
    void *arg;
    size_t left; /* needs that may still be told */
    bool more;

    /* the repository under way */
    uint32_t id;
    struct digest wanted[WANTED];
    size_t wanted_count;
    struct digest found[WANTED]; /* to be looked for next */
    size_t found_count;
};

static void tell(struct search *s, const struct need *need)
{
    if (s->left == 0) {
        s->more = true;
        return;
    }
    s->left--;
    s->item(need, s->arg);
}

/* ---- one manifest ---- */

/* Parsing is only needed where a digest may be written with escapes. */
static bool names(const struct manifest_record *record, const struct digest *d)
{
    struct manifest parsed;
    char text[DIGEST_TEXT_MAX];
    size_t n = digest_format(d, text);
    bool found = false;

    if (memchr(record->bytes.p, '\\', record->bytes.n) == NULL &&
        memmem(record->bytes.p, record->bytes.n, text, n) == NULL)
        return false;
    if (manifest_parse(record->bytes, record->media_type, &parsed, NULL) != 0)
        return false;
    for (size_t i = 0; i < parsed.reference_count && !found; i++)
        found = digest_equal(&parsed.references[i].digest, d);
    manifest_free(&parsed);
    return found;
}

static void tell_manifest(struct search *s, struct meta_txn *txn, struct str repository, const struct digest *d)
{
    struct need need = {.repository = repository, .has_manifest = true, .manifest = *d};
    struct kv_walk walk;
    struct key prefix;
    bool tagged = false;

    key_id_digest(&prefix, s->id, d);
    kv_walk_begin(&walk, txn, KV_MANIFEST_TAGS, key_str(&prefix), (struct str){0});
    while (!s->more && kv_walk_next(&walk)) {
        tagged = true;
        need.tag = str_from(walk.key, prefix.n);
        tell(s, &need);
    }
    kv_walk_end(&walk);
    if (!tagged)
        tell(s, &need);
    if (s->found_count < WANTED && references_from(txn, s->id, d) > 0)
        s->found[s->found_count++] = *d;
}

static void look_at(struct search *s, struct meta_txn *txn, struct str repository, const struct kv_walk *walk)
{
    struct str tail = str_from(walk->key, 4);
    struct manifest_record record;
    struct digest d;

    if (digest_from_key((const uint8_t *)tail.p, tail.n, &d) != tail.n || !manifest_decode(walk->value, &record))
        return; /* the metadata check's */
    for (size_t i = 0; i < s->wanted_count; i++)
        if (names(&record, &s->wanted[i])) {
            tell_manifest(s, txn, repository, &d);
            return;
        }
}

/* ---- one repository ---- */

/* Some manifests behind `after`, which moves on. */
static int walk_slice(struct search *s, struct key *after, bool *at_end, struct err *e)
{
    struct meta_txn *txn = meta_read(s->reader, e);
    struct key prefix = {.n = 0};
    struct kv_walk walk;
    struct str repository;
    int rc;

    if (txn == NULL)
        return -1;
    key_u32(&prefix, s->id);
    *at_end = !repo_name_of(txn, s->id, &repository);
    kv_walk_begin(&walk, txn, KV_MANIFESTS, key_str(&prefix), key_str(after));
    for (unsigned n = 0; n < SLICE && !*at_end && !s->more; n++) {
        *at_end = !kv_walk_next(&walk);
        if (*at_end)
            break;
        look_at(s, txn, repository, &walk);
        after->n = 0;
        key_bytes(after, walk.key);
    }
    kv_walk_end(&walk);
    rc = kv_status(txn, e);
    meta_done(s->reader);
    return rc;
}

/* All manifests once, in search of s->wanted. */
static int walk_manifests(struct search *s, struct err *e)
{
    struct key after = {.n = 0};
    bool at_end = false;

    while (!at_end && !s->more)
        if (walk_slice(s, &after, &at_end, e) != 0)
            return -1;
    return 0;
}

static int tell_holder(struct search *s, struct err *e)
{
    struct meta_txn *txn = meta_read(s->reader, e);
    struct need need = {0};
    int rc;

    if (txn == NULL)
        return -1;
    if (repo_name_of(txn, s->id, &need.repository))
        tell(s, &need);
    rc = kv_status(txn, e);
    meta_done(s->reader);
    return rc;
}

static int search_repository(struct search *s, const struct digest *d, struct err *e)
{
    size_t left = s->left;

    s->wanted[0] = *d;
    s->wanted_count = 1;
    for (int depth = 0; depth < DEPTH_MOST && s->wanted_count > 0 && !s->more; depth++) {
        s->found_count = 0;
        if (walk_manifests(s, e) != 0)
            return -1;
        memcpy(s->wanted, s->found, s->found_count * sizeof(s->found[0]));
        s->wanted_count = s->found_count;
    }
    return s->left == left && !s->more ? tell_holder(s, e) : 0;
}

/* ---- all of them ---- */

/* The first holder after repository `id`. */
static int next_holder(struct search *s, const struct digest *d, bool *found, struct err *e)
{
    struct meta_txn *txn = meta_read(s->reader, e);
    struct key prefix = {.n = 0}, after = {.n = 0};
    struct kv_walk walk;
    int rc;

    if (txn == NULL)
        return -1;
    key_digest(&prefix, d);
    key_digest(&after, d);
    key_u32(&after, s->id);
    kv_walk_begin(&walk, txn, KV_HOLDERS, key_str(&prefix), key_str(&after));
    *found = kv_walk_next(&walk) && u32_decode(str_from(walk.key, prefix.n), &s->id);
    kv_walk_end(&walk);
    rc = kv_status(txn, e);
    meta_done(s->reader);
    return rc;
}

int needs_find(struct meta_reader *reader, const struct digest *d, size_t limit,
               void (*item)(const struct need *need, void *arg), void *arg, bool *more, struct err *e)
{
    struct search s = {.reader = reader, .item = item, .arg = arg, .left = limit};
    bool found = true;

    while (found && !s.more) {
        if (next_holder(&s, d, &found, e) != 0 || (found && search_repository(&s, d, e) != 0))
            return -1;
    }
    *more = s.more;
    return 0;
}

/* ---- as text ---- */

static void add_text(const struct need *need, void *arg)
{
    struct sbuf *out = arg;
    char digest[DIGEST_TEXT_MAX];

    if (out->n > 0)
        sbuf_str(out, STR(", "));
    sbuf_str(out, need->repository);
    if (!need->has_manifest)
        return;
    digest_format(&need->manifest, digest);
    if (need->tag.n > 0)
        sbuf_printf(out, ":%.*s", (int)need->tag.n, need->tag.p);
    else
        sbuf_printf(out, "@%s", digest);
}

int needs_text(struct meta_reader *reader, const struct digest *d, size_t limit, struct sbuf *out, struct err *e)
{
    struct sbuf list = {0};
    bool more = false;
    int rc = needs_find(reader, d, limit, add_text, &list, &more, e);

    if (rc == 0) {
        sbuf_str(out, list.n > 0 ? (struct str){list.p, list.n} : STR("nobody"));
        if (more)
            sbuf_str(out, STR(", and others"));
    }
    sbuf_free(&list);
    return rc;
}
