/*
 * The metrics of notifications: one family after the other, a sample for each endpoint.
 *
 * Thread: any.
 */
#ifndef BERTH_EVENTS_EVENTS_METRICS_H
#define BERTH_EVENTS_EVENTS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "registry/base/str.h"
#include "registry/events/event_sender.h"

struct event_figures {
    const char *endpoint; /* its name */
    const struct event_counts *counts;
    uint64_t pending;
    uint64_t dropped;
};

/* Append them as Prometheus reads them. */
void events_metrics_text(const struct event_figures *figures, size_t n, uint64_t lost_pulls, struct sbuf *out);

#endif
