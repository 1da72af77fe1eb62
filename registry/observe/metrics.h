/*
 * What the server counts of itself, and how Prometheus reads it (text exposition format 0.0.4). One table, metrics.def,
 * names every number; METRIC_<id> is its first column.
 *
 * Thread: any; numbers are atomics of their own, without order between them.
 */
#ifndef BERTH_OBSERVE_METRICS_H
#define BERTH_OBSERVE_METRICS_H

#include <stdint.h>

#include "registry/base/str.h"

enum metric {
#define FAMILY(id, type, name, help)
#define METRIC(id, family, labels) METRIC_##id,
#include "registry/observe/metrics.def"
#undef METRIC
#undef FAMILY
    METRIC_COUNT
};

/* Count `n` more. For counters. */
void metric_add(enum metric metric, uint64_t n);
/* The value now. For gauges; one that was never set is not shown. */
void metric_set(enum metric metric, int64_t value);
/* There is nothing to show any more. For gauges. */
void metric_hide(enum metric metric);

/* Append all of it as Prometheus reads it. */
void metrics_text(struct sbuf *out);

#endif
