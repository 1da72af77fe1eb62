/*
 * What happened to tags and manifests, and undoing it.
 *
 *   push, delete, retention ──▶ an event, in the very change that does it (meta_tag.c, meta_manifest.c)
 *   berth tags history      ──▶ meta_history(): the events of a tag, the newest first
 *   berth tags restore      ──▶ meta_tag_restore(): the tag points to where it did, which is an event as well
 *   the sweeper             ──▶ meta_history_forget(): the oldest events go (meta_forget.c)
 *
 * As long as an event names a manifest, the manifest can be put back. One that no tag leads to any more is kept
 * (untagged.h). One that was deleted by its digest is kept aside, out of everybody's sight, in `removed`; its blobs are
 * not kept: their lease began anew with the deletion, so that for the grace at least they are still there.
 *
 * All this has limits whoever pushes and deletes (meta_record.h): of a tag's events, and of all, the oldest go; and of the
 * manifests kept aside the oldest of the repository that deletes another one, or that one is not kept.
 *
 * An event has one digest: that of the manifest which the tag pointed to before; or, where there was no tag before, of
 * the one it points to since. The rest follows from the event after it, or from the tag as it is.
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_HISTORY_H
#define BERTH_STORAGE_META_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "registry/base/str.h"
#include "storage/meta/meta.h"
#include "storage/meta/meta_record.h"

/* ---- looking back ---- */

struct tag_event {
    struct str tag; /* borrowed from the snapshot */
    enum event_kind kind;
    uint64_t when; /* wall-clock seconds */
    bool was;      /* was there such a tag before? */
    bool is;       /* and after? */
    struct digest from;
    struct digest to;
};

/* Where a walk over the history has come to. Zeros: at its beginning. */
struct history_place {
    struct key last;
    bool is; /* the tag after the event that comes next */
    struct digest to;
};

typedef void meta_event_cb(const struct tag_event *event, void *arg);

struct history_query {
    struct str repository;
    struct str tag; /* empty: all */
    size_t limit;   /* events */
};
/* Calls `item` for the events that are asked for, the newest first; those of all tags in their
 * byte order, one tag after the other. `place` goes along and must be zeros at first. *more: something follows.
 * ERR_NOT_FOUND for an unknown repository. */
int meta_history(struct meta_txn *txn, const struct history_query *query, struct history_place *place,
                 meta_event_cb *item, void *arg, bool *more, struct err *e);

typedef void meta_removed_cb(const struct digest *d, uint64_t when, void *arg);
/* Calls `item` for at most `limit` of the deleted manifests that are kept aside, in digest order, those after `last`
 * (exclusive; NULL: from the start). */
int meta_removed(struct meta_txn *txn, struct str repository, const struct digest *last, size_t limit,
                 meta_removed_cb *item, void *arg, bool *more, struct err *e);

/* ---- undoing ---- */

struct tag_restore {
    struct str repository;
    struct str tag;
    const struct digest *digest; /* where the tag shall point to; NULL: where it did */
    bool has_at;                 /* at the time `at`; otherwise before the last event */
    uint64_t at;                 /* wall-clock seconds */
    uint64_t now;
    bool allow_missing;          /* as in struct manifest_put */
    bool allow_missing_children; /* entries of an index need not be there (validation.manifests.indexes) */

    /* what was done */
    bool was; /* the tag was there */
    struct digest from;
    struct digest to;
    size_t manifests; /* that were put back */
};

/* Points the tag to where it pointed, and puts the manifest back if it was deleted, with those of its children that
 * were. ERR_NOT_FOUND: the history does not say, or there was no such tag, or the manifest is gone. ERR_EXISTS: the tag
 * points there already. ERR_REFERENCE and ERR_INVALID as of meta_manifest_put(): the text names the blob that is gone. */
int meta_tag_restore(struct meta_txn *txn, struct tag_restore *restore, struct err *e);

/* ---- forgetting ---- */

/* Events older than `before` (wall-clock seconds, exclusive) are forgotten, the oldest first and at most `limit`, and
 * with the last one that names a manifest the possibility to put it back. One dated after `latest` goes when the next
 * that is not does: a clock that was wrong must not keep it for ever, and one that is wrong now must not have everything
 * forgotten. *more: there may be others left. *forgotten counts. */
int meta_history_forget(struct meta_txn *txn, uint64_t before, uint64_t latest, size_t limit, size_t *forgotten,
                        bool *more, struct err *e);

/* The same in small changes until nothing is left to forget; waits for each. `interrupt` (or NULL) is asked
 * between two of them and ends it with ERR_BUSY. */
int history_forget_all(struct meta *meta, uint64_t before, uint64_t latest, const struct interrupt *interrupt,
                       uint64_t *forgotten, struct err *e);

#endif
