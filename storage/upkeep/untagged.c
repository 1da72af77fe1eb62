/*
 * Per repository: read all its manifests and decide (untagged_plan.c), then remove those that go in batches, each judged
 * again by the change that removes it.
 */
#include "storage/upkeep/untagged.h"

#include "storage/upkeep/repositories.h"
#include "storage/upkeep/untagged_plan.h"

enum { BATCH = 64 };

struct cleaning {
    struct meta_change change; /* first */
    struct plan plan;
    struct meta *meta;
    struct meta_reader *reader;
    uint64_t *removed;

    struct node *batch[BATCH];
    bool gone[BATCH];
    size_t batch_count;
};

/* ---- one batch ---- */

/* What it is attached to stays, or came since. */
static bool has_kept_subject(const struct plan *plan, struct meta_txn *txn, const struct manifest_record *record)
{
    struct manifest_record subject;
    const struct node *node;

    if (!record->has_subject || !manifest_load(txn, plan->id, &record->subject, &subject))
        return false;
    node = plan_find(plan, &record->subject);
    return node == NULL || node->kept;
}

/* Parents went before it: what still names it came since. */
static bool is_still_doomed(const struct plan *plan, struct meta_txn *txn, const struct node *node)
{
    struct manifest_record record;

    return !plan_is_wanted(plan, node) && manifest_load(txn, plan->id, &node->digest, &record) &&
           record.pushed == node->pushed && !manifest_has_tag(txn, plan->id, &node->digest) &&
           !manifest_is_recallable(txn, plan->id, &node->digest) &&
           references_from(txn, plan->id, &node->digest) == 0 && !has_kept_subject(plan, txn, &record);
}

/* Runs on the writer's thread, perhaps more than once. */
static int remove_batch(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct cleaning *c = (struct cleaning *)change;

    for (size_t i = 0; i < c->batch_count; i++) {
        struct node *node = c->batch[i];

        c->gone[i] = is_still_doomed(&c->plan, txn, node);
        if (!c->gone[i])
            node->kept = true;
        else if (manifest_drop(txn, c->plan.repository, &node->digest, e) != 0)
            return -1;
    }
    return kv_status(txn, e);
}

/* The next ones that are ready; none after the last. */
static int take_batch(struct cleaning *c, struct err *e)
{
    struct meta_txn *txn = meta_read(c->reader, e);
    struct node *node;
    int rc;

    if (txn == NULL)
        return -1;
    for (c->batch_count = 0; c->batch_count < BATCH && (node = plan_next(&c->plan, txn)) != NULL; c->batch_count++)
        c->batch[c->batch_count] = node;
    rc = kv_status(txn, e);
    meta_done(c->reader);
    return rc;
}

static int write_batch(struct cleaning *c, struct err *e)
{
    struct asked *asked = c->plan.options->asked;
    int rc;

    for (size_t i = 0; i < c->batch_count && asked != NULL; i++)
        asked_doom(asked, &c->batch[i]->digest);
    c->change = (struct meta_change){.apply = remove_batch};
    rc = meta_write(c->meta, &c->change);
    for (size_t i = 0; i < c->batch_count && asked != NULL; i++)
        asked_spare(asked, &c->batch[i]->digest);
    if (rc != 0 && e != NULL)
        *e = c->change.err;
    return rc;
}

/* ---- one repository ---- */

/* It went, or would. */
static void count(struct cleaning *c, const struct node *node)
{
    const struct untagged_options *options = c->plan.options;
    const struct untagged_item item = {
        .repository = c->plan.repository, .digest = node->digest, .size = node->size, .pushed = node->pushed};

    ++*c->removed;
    if (options->item != NULL)
        options->item(&item, options->arg);
}

static int check_cancelled(const struct untagged_options *options, struct err *e)
{
    return interrupt_check(&options->interrupt, "cancelled; what was removed stays removed", e);
}

static int remove_doomed(struct cleaning *c, struct err *e)
{
    for (;;) {
        if (check_cancelled(c->plan.options, e) != 0 || take_batch(c, e) != 0)
            return -1;
        if (c->batch_count == 0)
            return 0;
        if (write_batch(c, e) != 0)
            return -1;
        for (size_t i = 0; i < c->batch_count; i++)
            if (c->gone[i])
                count(c, c->batch[i]);
    }
}

static void count_doomed(struct cleaning *c)
{
    for (size_t i = 0; i < c->plan.count; i++)
        if (!c->plan.nodes[i].kept)
            count(c, &c->plan.nodes[i]);
}

static int clean_repository(struct str repository, void *arg, struct err *e)
{
    struct cleaning *c = arg;
    struct meta_txn *txn;
    int rc;

    if (check_cancelled(c->plan.options, e) != 0 || (txn = meta_read(c->reader, e)) == NULL)
        return -1;
    plan_make(&c->plan, repository, txn);
    rc = kv_status(txn, e);
    meta_done(c->reader);
    if (rc != 0)
        return -1;
    if (!c->plan.options->dry_run)
        return remove_doomed(c, e);
    count_doomed(c);
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
    plan_free(&c.plan);
    meta_reader_free(&c.reader);
    return rc;
}
