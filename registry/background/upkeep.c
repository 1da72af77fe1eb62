#include "registry/background/upkeep.h"

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/observe/metrics.h"
#include "storage/meta/meta_history.h"
#include "storage/upkeep/retention_run.h"
#include "storage/upkeep/untagged.h"

/* Being told to stop is no failure. */
static void say_failure(const char *what, const struct err *e)
{
    if (e->code == ERR_BUSY)
        return;
    log_error("%s: %s; it is tried again", what, e->text);
    metric_add(METRIC_SWEEP_FAILURES, 1);
}

void upkeep_retention(const struct upkeep *upkeep)
{
    const struct retention_options options = {
        .rules = upkeep->config->retention.rules, .now = clock_wall_s(), .interrupt = upkeep->interrupt};
    uint64_t removed = 0;
    struct err e;

    if (retention_run(upkeep->store->meta, &options, &removed, &e) != 0)
        say_failure("retention", &e);
    metric_add(METRIC_EXPIRED_TAGS, removed);
    if (removed > 0)
        log_info("retention deleted %llu tags; `berth tags history` tells which, `berth tags restore` undoes it",
                 (unsigned long long)removed);
}

void upkeep_history(const struct upkeep *upkeep)
{
    uint64_t now = clock_wall_s(), keep = upkeep->config->history_keep_s, forgotten;
    struct err e;

    if (history_forget_all(upkeep->store->meta, now > keep ? now - keep : 0, now + keep, &upkeep->interrupt, &forgotten,
                           &e) != 0)
        say_failure("history", &e);
    if (forgotten > 0)
        log_debug("%llu old events of the history forgotten", (unsigned long long)forgotten);
}

void upkeep_untagged(const struct upkeep *upkeep)
{
    const struct untagged_options options = {.grace_s = upkeep->config->garbage_collection.grace_s,
                                             .now = clock_wall_s(),
                                             .asked = upkeep->store->asked,
                                             .interrupt = upkeep->interrupt};
    uint64_t removed = 0;
    struct err e;

    if (untagged_remove(upkeep->store->meta, &options, &removed, &e) != 0)
        say_failure("untagged manifests", &e);
    metric_add(METRIC_UNTAGGED_MANIFESTS, removed);
    if (removed > 0)
        log_info("removed %llu manifests that no tag leads to", (unsigned long long)removed);
}
