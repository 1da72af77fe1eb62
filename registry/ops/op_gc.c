/*
 * `berth gc`: what the server's sweeper does (storage/upkeep/sweep.h), in one go and without pauses, and the removal of untagged
 * manifests (storage/upkeep/untagged.h).
 *
 * A manifest that goes begins the leases of its blobs anew. So what only it named is freed a grace later, by the next
 * run or by the server, unless --grace 0s says that nobody is in the middle of anything. What can still be put back
 * (storage/meta/meta_history.h) does not go, unless --forget-history says that nobody will.
 */
#include "registry/ops/operations.h"

#include <stdio.h>
#include <stdlib.h>

/* storage */
#include "storage/clock_watch.h"
#include "storage/meta/meta_history.h"
#include "storage/upkeep/sweep.h"
#include "storage/upkeep/untagged.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/size_text.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/config/duration.h"
#include "registry/observe/metrics.h"

struct gc {
    struct op *op;
    uint64_t grace_s;
    bool untagged;
    bool forgets;
    bool dry_run;
    bool quiet;
    uint64_t events;
    uint64_t manifests;
    struct sweep_freed freed;
};

/* ---- for people ---- */

static void say_manifest(const struct untagged_item *item, void *arg)
{
    const struct gc *gc = arg;
    char digest[DIGEST_TEXT_MAX], pushed[CLOCK_TEXT_ROOM];

    if (gc->quiet || !gc->dry_run)
        return;
    digest_format(&item->digest, digest);
    clock_text((int64_t)item->pushed, pushed);
    op_print(gc->op, "would remove manifest %.*s@%s: no tag leads to it, pushed %s", (int)item->repository.n,
             item->repository.p, digest, pushed);
}

static void say_blob(const struct sweep_item *item, void *arg)
{
    const struct gc *gc = arg;
    char digest[DIGEST_TEXT_MAX], size[SIZE_TEXT_ROOM], since[CLOCK_TEXT_ROOM];

    if (gc->quiet || !gc->dry_run)
        return;
    digest_format(&item->digest, digest);
    clock_text((int64_t)item->since, since);
    op_print(gc->op, "would remove blob %s, %s: %s %s", digest, size_text(item->size, size),
             item->reason == SWEEP_UNREFERENCED ? "no manifest names it, last needed"
                                                : "no repository knows it, here since",
             since);
}

static void say_result(const struct gc *gc)
{
    const char *would = gc->dry_run ? "would be " : "";
    char size[SIZE_TEXT_ROOM];

    if (gc->quiet)
        return;
    if (gc->forgets && !gc->dry_run)
        op_print(gc->op, "%llu events of the history forgotten", (unsigned long long)gc->events);
    if (gc->untagged)
        op_print(gc->op, "%llu untagged manifests %sremoved%s", (unsigned long long)gc->manifests, would,
                 gc->manifests == 0 ? ""
                 : gc->grace_s > 0  ? "; the blobs that only they name go when the grace is over"
                 : gc->dry_run      ? "; the blobs that only they name would go with them"
                                    : "");
    op_print(gc->op, "%llu blobs %sremoved, %s (%llu in bytes) %sfreed", (unsigned long long)gc->freed.blobs, would,
             size_text(gc->freed.bytes, size), (unsigned long long)gc->freed.bytes, would);
}

/* ---- the work ---- */

/* What is too old, or everything. */
static int forget_history(struct gc *gc, struct err *e)
{
    const struct interrupt interrupt = op_interrupt(gc->op);
    uint64_t now = clock_wall_s(), keep = gc->op->config->history_keep_s;
    uint64_t before = gc->forgets ? UINT64_MAX : now > keep ? now - keep : 0;

    if (gc->dry_run)
        return 0;
    if (!gc->forgets && clock_watch_check(gc->op->store->clock, gc->grace_s, e) != 0)
        return -1;
    if (!gc->quiet)
        op_progress(gc->op, "forgetting old history");
    return history_forget_all(gc->op->store->meta, before, now + keep, &interrupt, &gc->events, e);
}

static int remove_untagged(struct gc *gc, struct err *e)
{
    const struct untagged_options options = {.grace_s = gc->grace_s,
                                             .now = clock_wall_s(),
                                             .asked = gc->op->store->asked,
                                             .dry_run = gc->dry_run,
                                             .as_if_forgotten = gc->dry_run && gc->forgets,
                                             .item = say_manifest,
                                             .interrupt = op_interrupt(gc->op),
                                             .arg = gc};

    if (!gc->dry_run && clock_watch_check(gc->op->store->clock, gc->grace_s, e) != 0)
        return -1;
    if (!gc->quiet)
        op_progress(gc->op, "looking for untagged manifests");
    return untagged_remove(gc->op->store->meta, &options, &gc->manifests, e);
}

static int remove_blobs(struct gc *gc, struct err *e)
{
    const struct sweep_options options = {
        .grace_s = gc->grace_s, .dry_run = gc->dry_run, .alone = !gc->dry_run, .item = say_blob, .arg = gc};
    struct sweep *sweep = sweep_new(gc->op->store, &options, e);
    bool more = true;
    int rc = sweep == NULL ? -1 : 0;
    char size[SIZE_TEXT_ROOM];

    while (rc == 0 && more) {
        if (op_cancelled(gc->op))
            rc = err_set(e, ERR_BUSY, "cancelled; what was removed stays removed");
        else
            rc = sweep_step(sweep, clock_wall_s(), &gc->freed, &more, e);
        if (!gc->quiet)
            op_progress(gc->op, "%llu blobs, %s", (unsigned long long)gc->freed.blobs,
                        size_text(gc->freed.bytes, size));
    }
    sweep_free(&sweep);
    return rc;
}

static void count(const struct gc *gc)
{
    if (gc->dry_run)
        return;
    metric_add(METRIC_SWEPT_BLOBS, gc->freed.blobs);
    metric_add(METRIC_SWEPT_BYTES, gc->freed.bytes);
}

static int take_grace(const struct op *op, uint64_t *grace_s, struct err *e)
{
    uint64_t nanoseconds;

    *grace_s = op->config->garbage_collection.grace_s;
    if (!op->call->given[OPTION_GRACE])
        return 0;
    if (duration_parse(str_of(op->call->values[OPTION_GRACE]), &nanoseconds, e) != 0)
        return err_wrap(e, "--grace");
    *grace_s = nanoseconds / 1000000000 + (nanoseconds % 1000000000 != 0);
    return 0;
}

int op_gc(struct op *op, int *status, struct err *e)
{
    struct gc gc = {.op = op,
                    .untagged = op->call->given[OPTION_DELETE_UNTAGGED],
                    .forgets = op->call->given[OPTION_FORGET_HISTORY],
                    .dry_run = op->call->given[OPTION_DRY_RUN],
                    .quiet = op->call->given[OPTION_QUIET]};
    int rc;

    if (take_grace(op, &gc.grace_s, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    rc = forget_history(&gc, e);
    if (rc == 0 && gc.untagged)
        rc = remove_untagged(&gc, e);
    if (rc == 0)
        rc = remove_blobs(&gc, e);
    count(&gc);
    say_result(&gc);
    return rc;
}
