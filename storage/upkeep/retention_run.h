/*
 * Retention at work: judges the tags of repositories (retention.h) and deletes those that are to go, in small changes.
 * Each looks again at its tags: one that was moved or pulled meanwhile stays. Every deletion is an event, and can be
 * undone (meta_history.h); the manifests are left to untagged.h.
 *
 * Tags pass by in pages, each with a snapshot of its own, so memory and snapshots do not grow with a repository; only
 * as many tags as a rule keeps for being the last are remembered, by name. A first pass finds those; a tag that comes
 * after it is newer and stays.
 *
 * Thread: blocks; a tool's, or one that may wait for the metadata writer.
 */
#ifndef BERTH_STORAGE_RETENTION_RUN_H
#define BERTH_STORAGE_RETENTION_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "storage/meta/meta.h"
#include "storage/upkeep/retention.h"

struct retention_item {
    struct str repository;
    const struct retention_rule *rule; /* NULL: there is none for the repository, and `tag` is empty */
    struct retention_tag tag;
};

struct retention_options {
    const struct retention *rules;
    uint64_t now; /* wall-clock seconds */
    bool dry_run; /* nothing is deleted */
    /* or NULL; hears of every tag in a dry run, else of those that were deleted */
    void (*item)(const struct retention_item *item, void *arg);
    void *arg;
    struct interrupt interrupt; /* asked between two changes: ends it with ERR_BUSY */
};

/* In all repositories, or in one: ERR_NOT_FOUND when that is not known. Adds to *removed how many tags went, or would.
 * On failure what was deleted until then stays so. */
int retention_run(struct meta *meta, const struct retention_options *options, uint64_t *removed, struct err *e);
int retention_run_in(struct meta *meta, struct str repository, const struct retention_options *options,
                     uint64_t *removed, struct err *e);

#endif
