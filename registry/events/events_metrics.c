#include "registry/events/events_metrics.h"

#include <stdio.h>

#include "registry/observe/exposition.h"

enum figure { PENDING, DELIVERED, FAILURES, DROPPED, FIGURES };

static const struct {
    const char *name, *type, *help;
} families[FIGURES] = {
    [PENDING] = {"berth_notifications_pending", "gauge", "Events that an endpoint has not been told yet, about."},
    [DELIVERED] = {"berth_notifications_delivered_total", "counter", "Events that an endpoint has accepted."},
    [FAILURES] = {"berth_notifications_failures_total", "counter",
                  "Attempts to tell an endpoint that it did not accept."},
    [DROPPED] = {"berth_notifications_dropped_total", "counter",
                 "Events that an endpoint was never told, because the queue was full."},
};

static uint64_t value_of(const struct event_figures *figures, enum figure figure)
{
    switch (figure) {
    case PENDING:
        return figures->pending;
    case DELIVERED:
        return figures->counts->delivered;
    case FAILURES:
        return figures->counts->failures;
    default:
        return figures->dropped;
    }
}

static void put_figure(struct sbuf *out, const struct event_figures *figures, enum figure figure)
{
    struct sbuf labels = {0};

    expose_label(&labels, "endpoint", str_of(figures->endpoint));
    expose_number(out, families[figure].name, sbuf_text(&labels), (int64_t)value_of(figures, figure));
    sbuf_free(&labels);
}

static void put_statuses(struct sbuf *out, const struct event_figures *figures)
{
    for (int status = 0; status < SENDER_STATUSES; status++) {
        uint64_t n = figures->counts->statuses[status];
        struct sbuf labels = {0};
        char code[12];

        if (n == 0)
            continue;
        snprintf(code, sizeof(code), "%d", status);
        expose_label(&labels, "endpoint", str_of(figures->endpoint));
        expose_label(&labels, "code", str_of(code));
        expose_number(out, "berth_notifications_responses_total", sbuf_text(&labels), (int64_t)n);
        sbuf_free(&labels);
    }
}

void events_metrics_text(const struct event_figures *figures, size_t n, uint64_t lost_pulls, struct sbuf *out)
{
    for (int figure = 0; figure < FIGURES; figure++) {
        expose_head(out, families[figure].name, families[figure].type, families[figure].help);
        for (size_t i = 0; i < n; i++)
            put_figure(out, &figures[i], (enum figure)figure);
    }
    expose_head(out, "berth_notifications_responses_total", "counter", "Answers of an endpoint by their status code.");
    for (size_t i = 0; i < n; i++)
        put_statuses(out, &figures[i]);
    expose_head(out, "berth_notifications_lost_pulls_total", "counter",
                "Pulls that no endpoint is told, because more came than could be written down.");
    expose_number(out, "berth_notifications_lost_pulls_total", "", (int64_t)lost_pulls);
}
