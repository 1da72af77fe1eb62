/*
 * Removing manifests that no tag leads to.
 *
 * A manifest is kept when it has a tag, or was pushed or asked for (asked.h) within the grace; when a kept manifest names
 * it, as an index does its children; and when it is a referrer of a kept manifest: signatures and attestations have no
 * tags. And so on from what is kept that way. What can be put back (meta_history.h) is kept, too: a manifest that a tag
 * pointed to lately, and what one that was deleted lately needs. Everything else goes: an index before its children, so
 * that what is left at any moment is whole.
 *
 * Each manifest of a repository is read a few times, however many others name it: the work grows with the manifests and
 * what they name, not with the paths between them. Memory: about a hundred bytes for each manifest of one repository.
 *
 * What goes is gone for good: this is the end of what was deleted or left behind, and no event.
 *
 * Removal is cut into small changes, and each looks again: a manifest that got a tag, a parent or a subject since, or
 * was pushed again, stays, and so does what it names.
 *
 * Thread: blocks; a tool's, or one that may wait for the metadata writer.
 */
#ifndef BERTH_STORAGE_UNTAGGED_H
#define BERTH_STORAGE_UNTAGGED_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "storage/asked.h"
#include "storage/meta/meta.h"

struct untagged_item {
    struct str repository;
    struct digest digest;
    uint64_t size;   /* bytes of the manifest itself */
    uint64_t pushed; /* wall-clock seconds */
};

struct untagged_options {
    uint64_t grace_s;
    uint64_t now;         /* wall-clock seconds */
    struct asked *asked;  /* or NULL: nobody asks for anything */
    bool dry_run;         /* nothing is removed; `item` hears what would be */
    bool as_if_forgotten; /* for a dry run: what can be put back is not kept for that */
    void (*item)(const struct untagged_item *item, void *arg); /* or NULL; also hears of what was removed */
    void *arg;
    struct interrupt interrupt; /* asked between two changes: ends it with ERR_BUSY */
};

/* In all repositories. *removed: how many manifests went, or would. On failure what was removed until then stays so. */
int untagged_remove(struct meta *meta, const struct untagged_options *options, uint64_t *removed, struct err *e);

#endif
