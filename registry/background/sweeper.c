#include "registry/background/sweeper.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/background/background.h"
#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/observe/metrics.h"
#include "registry/background/upkeep.h"
#include "storage/clock_watch.h"
#include "storage/upkeep/sweep.h"

enum {
    NICE = 15,
    FIRST_RUN_MS = 60 * 1000, /* so that a server that is restarted daily sweeps too */
    PAUSE_LEAST_MS = 1,
    HELD_BACK_MS = 200, /* by a backup, or a walk that somebody asked for */
    READONLY_MS = 500,  /* until it is asked again whether the server may be written to */
    FILES_EVERY_MS = 24 * 60 * 60 * 1000,
};

struct sweeper {
    const struct config *config;
    const struct live *live;
    atomic_bool at_work;
    const struct store *store;
    struct sweep *sweep;
    uint64_t sweep_due_ms, retention_due_ms; /* monotonic */
    uint64_t change_ms;                      /* when the last change began */
    uint64_t files_due_ms;                   /* when the folders are to be looked at again: at once, at first */
    struct background background;
};

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- one walk ---- */

/* Leases count for nothing while the clock is not to be believed: then the walk is given up, not held back. So it is
 * when the server becomes read-only. */
static bool may_sweep(const struct sweeper *sweeper)
{
    struct err e;

    return !live_is_readonly(sweeper->live) &&
           clock_watch_check(sweeper->store->clock, sweeper->config->garbage_collection.grace_s, &e) == 0;
}

static void count(const struct sweep_freed *freed, struct sweep_freed *total)
{
    metric_add(METRIC_SWEPT_BLOBS, freed->blobs);
    metric_add(METRIC_SWEPT_BYTES, freed->bytes);
    total->blobs += freed->blobs;
    total->bytes += freed->bytes;
    total->left += freed->left;
}

/* One step and the pause that it costs. */
static bool step(struct sweeper *sweeper, struct sweep_freed *total, bool *more, bool *failed)
{
    uint64_t began_ms = clock_monotonic_ms();
    struct sweep_freed freed = {0};
    struct err e;

    if (sweep_step(sweeper->sweep, clock_wall_s(), &freed, more, &e) != 0) {
        if (e.code == ERR_BUSY)
            return background_rest(&sweeper->background, HELD_BACK_MS);
        log_error("%s; the next sweep tries again", e.text);
        metric_add(METRIC_SWEEP_FAILURES, 1);
        *failed = true;
    } else if (!*more) {
        metric_set(METRIC_LAST_SWEEP, (int64_t)clock_wall_s());
    }
    count(&freed, total);
    return background_rest(&sweeper->background, most(most(clock_monotonic_ms() - began_ms, PAUSE_LEAST_MS),
                                                      freed.blobs * 1000 / sweeper->config->garbage_collection.rate));
}

/* False: the sweeper is to stop. */
static bool walk(struct sweeper *sweeper)
{
    uint64_t began_ms = clock_monotonic_ms();
    bool files = began_ms >= sweeper->files_due_ms;
    struct sweep_freed total = {0};
    bool more = true, goes_on = true, failed = false;

    sweep_skip_files(sweeper->sweep, !files);
    while (goes_on && more && may_sweep(sweeper))
        goes_on = step(sweeper, &total, &more, &failed);
    if (total.left > 0)
        sweeper->files_due_ms = 0;
    else if (files && !more && !failed)
        sweeper->files_due_ms = began_ms + FILES_EVERY_MS;
    if (total.blobs > 0)
        log_info("swept %llu blobs that nobody needed any more, %llu bytes, in %llu ms",
                 (unsigned long long)total.blobs, (unsigned long long)total.bytes,
                 (unsigned long long)(clock_monotonic_ms() - began_ms));
    return goes_on;
}

/* ---- what is due ---- */

/* Between two changes of the upkeep: a pause as long as the change took. */
static bool pause_or_stop(void *arg)
{
    struct sweeper *sweeper = arg;
    bool goes_on = background_rest(&sweeper->background,
                                   most(clock_monotonic_ms() - sweeper->change_ms, PAUSE_LEAST_MS));

    sweeper->change_ms = clock_monotonic_ms();
    return !goes_on || live_is_readonly(sweeper->live);
}

/* False: the sweeper is to stop. Retention comes first: what it lets go of can be forgotten later, and then removed. */
static bool look_after(struct sweeper *sweeper)
{
    const struct config *config = sweeper->config;
    const struct upkeep upkeep = {config, sweeper->store, {pause_or_stop, sweeper}};
    uint64_t now_ms = sweeper->change_ms = clock_monotonic_ms();
    bool trusted = may_sweep(sweeper);

    if (config->retention.enabled && now_ms >= sweeper->retention_due_ms) {
        sweeper->retention_due_ms = now_ms + config->retention.interval_s * 1000;
        if (trusted)
            upkeep_retention(&upkeep);
    }
    if (now_ms < sweeper->sweep_due_ms)
        return background_rest(&sweeper->background, 0);
    sweeper->sweep_due_ms = now_ms + config->garbage_collection.interval_s * 1000;
    if (trusted)
        upkeep_history(&upkeep);
    if (trusted && config->garbage_collection.enabled && config->garbage_collection.delete_untagged)
        upkeep_untagged(&upkeep);
    return background_rest(&sweeper->background, 0) && (!config->garbage_collection.enabled || walk(sweeper));
}

static bool work(struct sweeper *sweeper)
{
    bool goes_on;

    if (live_is_readonly(sweeper->live))
        return true;
    atomic_store(&sweeper->at_work, true);
    goes_on = look_after(sweeper);
    if (live_is_readonly(sweeper->live)) /* what was broken off is begun again when it may */
        sweeper->sweep_due_ms = sweeper->retention_due_ms = 0;
    atomic_store(&sweeper->at_work, false);
    return goes_on;
}

static uint64_t first_due(uint64_t interval_s)
{
    uint64_t ms = interval_s * 1000;

    return clock_monotonic_ms() + (ms < FIRST_RUN_MS ? ms : FIRST_RUN_MS);
}

static uint64_t time_to_wait(const struct sweeper *sweeper)
{
    uint64_t due = sweeper->sweep_due_ms, now_ms = clock_monotonic_ms();

    if (sweeper->config->retention.enabled && sweeper->retention_due_ms < due)
        due = sweeper->retention_due_ms;
    return due > now_ms ? due - now_ms : 0;
}

static void *run(void *arg)
{
    struct sweeper *sweeper = arg;

    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    sweeper->sweep_due_ms = first_due(sweeper->config->garbage_collection.interval_s);
    sweeper->retention_due_ms = first_due(sweeper->config->retention.interval_s);
    while (
        background_rest(&sweeper->background, live_is_readonly(sweeper->live) ? READONLY_MS : time_to_wait(sweeper)) &&
        work(sweeper))
        ;
    return NULL;
}

/* ---- start and stop ---- */

struct sweeper *sweeper_start(const struct config *config, const struct live *live, const struct store *store,
                              struct err *e)
{
    const struct sweep_options options = {.grace_s = config->garbage_collection.grace_s};
    struct sweeper *sweeper = xcalloc(1, sizeof(*sweeper));

    if (config->garbage_collection.enabled)
        metric_set(METRIC_SWEEP_INTERVAL, (int64_t)config->garbage_collection.interval_s);
    sweeper->config = config;
    sweeper->live = live;
    sweeper->store = store;
    if ((sweeper->sweep = sweep_new(store, &options, e)) == NULL)
        goto free_sweeper;
    if (background_start(&sweeper->background, "sweeper", run, sweeper, e) != 0)
        goto free_sweep;
    return sweeper;

free_sweep:
    sweep_free(&sweeper->sweep);
free_sweeper:
    free(sweeper);
    return NULL;
}

bool sweeper_is_at_work(const struct sweeper *sweeper)
{
    return atomic_load(&sweeper->at_work);
}

void sweeper_stop(struct sweeper **sweeper)
{
    struct sweeper *s = *sweeper;

    if (s == NULL)
        return;
    background_stop(&s->background);
    sweep_free(&s->sweep);
    free(s);
    *sweeper = NULL;
}
