/*
 * The sweeper: gives back the space of blobs that nobody needs, while pushes and pulls go on.
 *
 * A blob may go when no manifest names it and its lease is over: nobody has pushed, asked for or mounted it, and no
 * manifest that named it was deleted, for `grace_s` seconds. Leases and references are judged again inside the change
 * that removes the record, and pins (pin.h) keep a push of the same digest apart from the removal of the file.
 *
 * A walk has three parts: blobs that may go; memberships that may end, because no manifest of their repository names
 * the blob and their lease is over, though others need it; and, if it is asked for, the folders of blobs/ with files
 * that no record speaks of (a crash between adopting a file and committing its record, or between removing the record
 * and the file). The first two cost what they find, the last one looks at every file.
 *
 * It is cut into small steps; between two of them nothing is locked and nothing is held. Its place is kept in memory: a
 * walk that is given up begins anew, and what was removed stays removed.
 *
 * Thread: a struct sweep belongs to one thread, which blocks in every step: a thread of its own, or a tool.
 */
#ifndef BERTH_STORAGE_SWEEP_H
#define BERTH_STORAGE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/store.h"

struct sweep;

enum sweep_reason {
    SWEEP_UNREFERENCED, /* no manifest names it, and its lease is over */
    SWEEP_UNRECORDED,   /* a file that no record speaks of */
};

struct sweep_item {
    struct digest digest;
    uint64_t size;  /* bytes */
    uint64_t since; /* wall-clock seconds: last needed, or when the file came */
    enum sweep_reason reason;
};

struct sweep_options {
    uint64_t grace_s;                                       /* 0: leases count for nothing */
    bool skips_files;                                       /* no walk over the folders */
    bool dry_run;                                           /* nothing is removed; `item` hears what would be */
    bool alone;                                             /* no other sweep steps while this one is there */
    void (*item)(const struct sweep_item *item, void *arg); /* or NULL; also hears of what was removed */
    void *arg;
};

/* What steps freed, or would have. */
struct sweep_freed {
    uint64_t blobs;
    uint64_t bytes;
    uint64_t left; /* files that could not be removed: a walk over the folders finds them */
};

/* `store` outlives the sweep. ERR_BUSY: another is alone, and this one was to be. */
struct sweep *sweep_new(const struct store *store, const struct sweep_options *options, struct err *e);
void sweep_free(struct sweep **sweep);
/* Whether walks go over the folders, from now on. Between two walks. */
void sweep_skip_files(struct sweep *sweep, bool skips_files);

/* One step: at most 16 blobs, 64 memberships, or one folder. `now` is in wall-clock seconds. Adds to `freed`. *more is
 * false when the walk has come to its end; the next step begins another. On failure nothing is half done, and the next
 * step begins another walk, too. A file that cannot be removed is logged, counted and found again as one without a
 * record. ERR_BUSY: sweeps are held back (store.h), another is alone or leases cannot be believed (clock_watch.h); then
 * the walk keeps its place. A dry run is never held back. */
int sweep_step(struct sweep *sweep, uint64_t now, struct sweep_freed *freed, bool *more, struct err *e);

#endif
