/*
 * What the sweeper does beside sweeping (sweeper.h): rules of retention, forgetting old history, and the removal of
 * manifests that no tag leads to. Each is one call, logs what it did and what failed, and counts it in the metrics.
 *
 * Thread: blocks for as long as it takes; waits for the metadata writer.
 */
#ifndef BERTH_BACKGROUND_UPKEEP_H
#define BERTH_BACKGROUND_UPKEEP_H

#include "registry/base/interrupt.h"
#include "registry/config/config.h"
#include "storage/store.h"

struct upkeep {
    const struct config *config;
    const struct store *store;
    struct interrupt interrupt; /* asked between two changes */
};

void upkeep_retention(const struct upkeep *upkeep);
void upkeep_history(const struct upkeep *upkeep);
void upkeep_untagged(const struct upkeep *upkeep);

#endif
