/*
 * What becomes of each manifest of one repository: which are kept, and in which order the others go. The inside of
 * untagged.c.
 *
 * Order of removal. `named_by` counts the doomed manifests that name a doomed one; who is named by none left is ready.
 * Digests cannot form a circle, so everybody becomes ready. Subjects are not part of that order: an index, its child and
 * a list of both that is attached to the child would have to wait for each other.
 *
 * Thread: that of the transaction it is given, one at a time. What goes wrong in a transaction is its error.
 */
#ifndef BERTH_STORAGE_UNTAGGED_PLAN_H
#define BERTH_STORAGE_UNTAGGED_PLAN_H

#include "storage/meta/meta_internal.h"
#include "storage/upkeep/untagged.h"

struct node {
    struct digest digest;
    uint64_t pushed;
    uint64_t size;
    uint32_t named_by; /* doomed manifests not yet taken */
    bool kept;
};

struct plan {
    const struct untagged_options *options;
    struct str repository;
    uint32_t id;
    struct node *nodes; /* in the order of their digests */
    size_t count, capacity;

    size_t *queue; /* numbers of nodes: first of those that are kept, then of those that are ready to go */
    size_t first, last;
};

/* Make it for that repository, whose name must outlive it. A plan may be made again for another one. */
void plan_make(struct plan *plan, struct str repository, struct meta_txn *txn);
void plan_free(struct plan *plan);

/* The next one to go, NULL after the last. What it names is read while it is there. */
struct node *plan_next(struct plan *plan, struct meta_txn *txn);

/* NULL: it was not there when the plan was made. */
struct node *plan_find(const struct plan *plan, const struct digest *d);

/* Was it asked for within the grace? */
bool plan_is_wanted(const struct plan *plan, const struct node *node);

#endif
