#include "storage/upkeep/untagged_plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- the manifests of a repository ---- */

static int compare(const void *a, const void *b)
{
    const struct digest *x = a;
    const struct digest *y = &((const struct node *)b)->digest;

    if (x->alg != y->alg)
        return x->alg < y->alg ? -1 : 1;
    return memcmp(x->raw, y->raw, sizeof(x->raw));
}

struct node *plan_find(const struct plan *plan, const struct digest *d)
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
        struct node *named = plan_find(plan, &parsed.references[i].digest);

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

bool plan_is_wanted(const struct plan *plan, const struct node *node)
{
    const struct untagged_options *options = plan->options;

    return options->grace_s > 0 && options->asked != NULL &&
           asked_within(options->asked, &node->digest, options->grace_s);
}

/* The whole grace has passed since it was pushed or asked for; a grace of 0 is over at once. */
static bool is_old(const struct plan *plan, const struct node *node)
{
    return plan->options->grace_s == 0 ||
           (node->pushed + plan->options->grace_s < plan->options->now && !plan_is_wanted(plan, node));
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

        if (digest_from_key((const uint8_t *)tail.p, tail.n, &d) != tail.n || (node = plan_find(plan, &d)) == NULL) {
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

/* ---- what goes, in order ---- */

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

struct node *plan_next(struct plan *plan, struct meta_txn *txn)
{
    struct node *node;

    if (plan->first == plan->last)
        return NULL;
    node = &plan->nodes[plan->queue[plan->first++]];
    each_named(plan, txn, node, release_named);
    return node;
}

/* ---- the whole ---- */

void plan_make(struct plan *plan, struct str repository, struct meta_txn *txn)
{
    plan->repository = repository;
    load(plan, txn);
    mark(plan, txn);
    order(plan, txn);
}

void plan_free(struct plan *plan)
{
    free(plan->nodes);
    free(plan->queue);
    plan->nodes = NULL;
    plan->queue = NULL;
}
