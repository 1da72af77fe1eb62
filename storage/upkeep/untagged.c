/*
 * Per repository: read all its manifests (load), mark what is kept from the tags on (mark), and remove the rest in
 * batches (remove_doomed).
 *
 * Order of removal. `named_by` counts the doomed manifests that name a doomed one; who is named by none left is ready.
 * Digests cannot form a circle, so everybody becomes ready. Subjects are not part of that order: an index, its child and
 * a list of both that is attached to the child would have to wait for each other.
 */
#include "storage/upkeep/untagged.h"

#include <stdlib.h>
#include <string.h>

#include "storage/meta/meta_internal.h"
#include "storage/upkeep/repositories.h"

enum { BATCH = 64 };

struct node {
    struct digest digest;
    uint64_t pushed;
    uint64_t size;
    uint32_t named_by; /* doomed manifests not yet taken */
    bool kept;
};

struct plan {
    struct meta_change change; /* first */
    const struct untagged_options *options;
    struct str repository;
    uint32_t id;
    struct node *nodes; /* in the order of their digests */
    size_t count, capacity;

    size_t *queue; /* numbers of nodes: first of those that are kept, then of those that are ready to go */
    size_t first, last;

    struct node *batch[BATCH];
    bool gone[BATCH];
    size_t batch_count;
};

/* ---- the manifests of a repository ---- */

static int compare(const void *a, const void *b)
{
    const struct digest *x = a;
    const struct digest *y = &((const struct node *)b)->digest;

    if (x->alg != y->alg)
        return x->alg < y->alg ? -1 : 1;
    return memcmp(x->raw, y->raw, sizeof(x->raw));
}

static struct node *find(const struct plan *plan, const struct digest *d)
{
    return plan->count > 0 ? bsearch(d, plan->nodes, plan->count, sizeof(*plan->nodes), compare) : NULL;
}

static bool add_node(struct plan *plan, const struct kv_walk *walk, size_t prefix)
{
    struct str tail = str_from(walk->key, prefix);
    struct manifest_record record;
    struct node node = {0};

    if (digest_from_key((const uint8_t *)tail.p, tail.n, &node.digest) != tail.n ||
        !manifest_decode(walk->value, &record))
        return kv_damaged(walk->txn, KV_MANIFESTS);
    node.pushed = record.pushed;
    node.size = record.bytes.n;
    if (plan->count == plan->capacity) {
        plan->capacity = plan->capacity * 2 + 64;
        plan->nodes = xrealloc(plan->nodes, plan->capacity * sizeof(*plan->nodes));
    }
    plan->nodes[plan->count++] = node;
    return true;
}

static void load(struct plan *plan, struct meta_txn *txn)
{
    struct key prefix = {.n = 0};
    struct repo_record repo;
    struct kv_walk walk;

    plan->count = 0;
    repo_load(txn, plan->repository, &repo);
    plan->id = repo.id;
    key_u32(&prefix, plan->id);
    kv_walk_begin(&walk, txn, KV_MANIFESTS, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk) && add_node(plan, &walk, prefix.n))
        ;
    kv_walk_end(&walk);
    plan->queue = xrealloc(plan->queue, (plan->count + 1) * sizeof(*plan->queue));
    plan->first = plan->last = 0;
}

static void enqueue(struct plan *plan, const struct node *node)
{
    plan->queue[plan->last++] = (size_t)(node - plan->nodes);
}

typedef void visit_named(struct plan *plan, struct node *named);

/* Call `visit` for each manifest of the repository that the one in `record` names, as often as it does. */
static void each_named_in(struct plan *plan, struct meta_txn *txn, const struct manifest_record *record,
                          visit_named *visit)
{
    struct manifest parsed;

    if (manifest_parse(record->bytes, record->media_type, &parsed, NULL) != 0) {
        kv_damaged(txn, KV_MANIFESTS);
        return;
    }
    for (size_t i = 0; i < parsed.reference_count; i++) {
        struct node *named = find(plan, &parsed.references[i].digest);

        if (named != NULL)
            visit(plan, named);
    }
    manifest_free(&parsed);
}

static void each_named(struct plan *plan, struct meta_txn *txn, const struct node *node, visit_named *visit)
{
    struct manifest_record record;

    if (manifest_load(txn, plan->id, &node->digest, &record))
        each_named_in(plan, txn, &record, visit);
}

/* ---- what is kept ---- */

static void keep(struct plan *plan, struct node *node)
{
    if (node->kept)
        return;
    node->kept = true;
    enqueue(plan, node);
}

static bool is_wanted(const struct plan *plan, const struct node *node)
{
    const struct untagged_options *options = plan->options;

    return options->grace_s > 0 && options->asked != NULL &&
           asked_within(options->asked, &node->digest, options->grace_s);
}

/* The whole grace has passed since it was pushed or asked for; a grace of 0 is over at once. */
static bool is_old(const struct plan *plan, const struct node *node)
{
    return plan->options->grace_s == 0 ||
           (node->pushed + plan->options->grace_s < plan->options->now && !is_wanted(plan, node));
}

static void keep_referrers(struct plan *plan, struct meta_txn *txn, const struct digest *subject)
{
    struct key prefix;
    struct kv_walk walk;

    key_id_digest(&prefix, plan->id, subject);
    kv_walk_begin(&walk, txn, KV_REFERRERS, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        struct str tail = str_from(walk.key, prefix.n);
        struct digest d;
        struct node *node;

        if (digest_from_key((const uint8_t *)tail.p, tail.n, &d) != tail.n || (node = find(plan, &d)) == NULL) {
            kv_damaged(txn, KV_REFERRERS);
            break;
        }
        keep(plan, node);
    }
    kv_walk_end(&walk);
}

/* An index that was deleted can be put back only with what it names. */
static void keep_for_removed(struct plan *plan, struct meta_txn *txn)
{
    struct key prefix = {.n = 0};
    struct removed_record removed;
    struct kv_walk walk;
    struct digest d;

    key_u32(&prefix, plan->id);
    kv_walk_begin(&walk, txn, KV_REMOVED, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        struct str tail = str_from(walk.key, prefix.n);

        if (digest_from_key((const uint8_t *)tail.p, tail.n, &d) != tail.n || !removed_decode(walk.value, &removed)) {
            kv_damaged(txn, KV_REMOVED);
            break;
        }
        each_named_in(plan, txn, &removed.manifest, keep);
        keep_referrers(plan, txn, &d);
    }
    kv_walk_end(&walk);
}

static bool is_root(const struct plan *plan, struct meta_txn *txn, const struct node *node)
{
    return !is_old(plan, node) || manifest_has_tag(txn, plan->id, &node->digest) ||
           (!plan->options->as_if_forgotten && manifest_is_recallable(txn, plan->id, &node->digest));
}

static void mark(struct plan *plan, struct meta_txn *txn)
{
    for (size_t i = 0; i < plan->count; i++)
        if (is_root(plan, txn, &plan->nodes[i]))
            keep(plan, &plan->nodes[i]);
    if (!plan->options->as_if_forgotten)
        keep_for_removed(plan, txn);
    while (plan->first < plan->last) {
        const struct node *node = &plan->nodes[plan->queue[plan->first++]];

        each_named(plan, txn, node, keep);
        keep_referrers(plan, txn, &node->digest);
    }
}

/* ---- what goes ---- */

static void count_named(struct plan *plan, struct node *named)
{
    (void)plan;
    named->named_by++;
}

static void release_named(struct plan *plan, struct node *named)
{
    if (!named->kept && named->named_by > 0 && --named->named_by == 0)
        enqueue(plan, named);
}

static void order(struct plan *plan, struct meta_txn *txn)
{
    plan->first = plan->last = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->nodes[i].kept)
            each_named(plan, txn, &plan->nodes[i], count_named);
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->nodes[i].kept && plan->nodes[i].named_by == 0)
            enqueue(plan, &plan->nodes[i]);
}

/* What it is attached to stays, or came since. */
static bool has_kept_subject(const struct plan *plan, struct meta_txn *txn, const struct manifest_record *record)
{
    struct manifest_record subject;
    const struct node *node;

    if (!record->has_subject || !manifest_load(txn, plan->id, &record->subject, &subject))
        return false;
    node = find(plan, &record->subject);
    return node == NULL || node->kept;
}

/* Parents went before it: what still names it came since. */
static bool is_still_doomed(const struct plan *plan, struct meta_txn *txn, const struct node *node)
{
    struct manifest_record record;

    return !is_wanted(plan, node) && manifest_load(txn, plan->id, &node->digest, &record) &&
           record.pushed == node->pushed && !manifest_has_tag(txn, plan->id, &node->digest) &&
           !manifest_is_recallable(txn, plan->id, &node->digest) &&
           references_from(txn, plan->id, &node->digest) == 0 && !has_kept_subject(plan, txn, &record);
}

/* Runs on the writer's thread, perhaps more than once. */
static int remove_batch(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct plan *plan = (struct plan *)change;

    for (size_t i = 0; i < plan->batch_count; i++) {
        struct node *node = plan->batch[i];

        plan->gone[i] = is_still_doomed(plan, txn, node);
        if (!plan->gone[i])
            node->kept = true;
        else if (manifest_drop(txn, plan->repository, &node->digest, e) != 0)
            return -1;
    }
    return kv_status(txn, e);
}

static void report(const struct plan *plan, const struct node *node)
{
    if (plan->options->item != NULL)
        plan->options->item(
            &(struct untagged_item){
                .repository = plan->repository, .digest = node->digest, .size = node->size, .pushed = node->pushed},
            plan->options->arg);
}

/* The next ones that are ready. What they name is read while they are there. */
static int take_batch(struct plan *plan, struct meta_reader *reader, struct err *e)
{
    struct meta_txn *txn = meta_read(reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    for (plan->batch_count = 0; plan->batch_count < BATCH && plan->first < plan->last; plan->batch_count++) {
        struct node *node = &plan->nodes[plan->queue[plan->first++]];

        plan->batch[plan->batch_count] = node;
        each_named(plan, txn, node, release_named);
    }
    rc = kv_status(txn, e);
    meta_done(reader);
    return rc;
}

static int write_batch(struct plan *plan, struct meta *meta, struct err *e)
{
    struct asked *asked = plan->options->asked;
    int rc;

    for (size_t i = 0; i < plan->batch_count && asked != NULL; i++)
        asked_doom(asked, &plan->batch[i]->digest);
    plan->change = (struct meta_change){.apply = remove_batch};
    rc = meta_write(meta, &plan->change);
    for (size_t i = 0; i < plan->batch_count && asked != NULL; i++)
        asked_spare(asked, &plan->batch[i]->digest);
    if (rc != 0 && e != NULL)
        *e = plan->change.err;
    return rc;
}

static int check_cancelled(const struct plan *plan, struct err *e)
{
    if (plan->options->is_cancelled == NULL || !plan->options->is_cancelled(plan->options->arg))
        return 0;
    return err_set(e, ERR_BUSY, "cancelled; what was removed stays removed");
}

static int remove_doomed(struct plan *plan, struct meta *meta, struct meta_reader *reader, uint64_t *removed,
                         struct err *e)
{
    while (plan->first < plan->last) {
        if (check_cancelled(plan, e) != 0 || take_batch(plan, reader, e) != 0)
            return -1;
        if (write_batch(plan, meta, e) != 0)
            return -1;
        for (size_t i = 0; i < plan->batch_count; i++) {
            if (!plan->gone[i])
                continue;
            ++*removed;
            report(plan, plan->batch[i]);
        }
    }
    return 0;
}

static void report_doomed(const struct plan *plan, uint64_t *removed)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->nodes[i].kept)
            continue;
        ++*removed;
        report(plan, &plan->nodes[i]);
    }
}

/* ---- all repositories ---- */

struct cleaning {
    struct plan plan;
    struct meta *meta;
    struct meta_reader *reader;
    uint64_t *removed;
};

static int clean_repository(struct str repository, void *arg, struct err *e)
{
    struct cleaning *c = arg;
    struct plan *plan = &c->plan;
    struct meta_txn *txn;
    int rc;

    if (check_cancelled(plan, e) != 0 || (txn = meta_read(c->reader, e)) == NULL)
        return -1;
    plan->repository = repository;
    load(plan, txn);
    mark(plan, txn);
    order(plan, txn);
    rc = kv_status(txn, e);
    meta_done(c->reader);
    if (rc != 0)
        return -1;
    if (!plan->options->dry_run)
        return remove_doomed(plan, c->meta, c->reader, c->removed, e);
    report_doomed(plan, c->removed);
    return 0;
}

int untagged_remove(struct meta *meta, const struct untagged_options *options, uint64_t *removed, struct err *e)
{
    struct cleaning c = {
        .plan = {.options = options}, .meta = meta, .reader = meta_reader_new(meta, e), .removed = removed};
    int rc;

    *removed = 0;
    if (c.reader == NULL)
        return -1;
    rc = repositories_each(c.reader, clean_repository, &c, e);
    free(c.plan.nodes);
    free(c.plan.queue);
    meta_reader_free(&c.reader);
    return rc;
}
