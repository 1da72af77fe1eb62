#include "registry/observe/report.h"

#include "auth/throttle.h"
#include "registry/base/clock.h"
#include "registry/events/events.h"
#include "registry/observe/metrics.h"
#include "registry/net/crowd.h"
#include "registry/server.h"

static void look_at_throttle(struct throttle *throttle)
{
    size_t addresses, users;

    if (throttle == NULL)
        return;
    throttle_count(throttle, clock_monotonic_ms(), &addresses, &users);
    metric_set(METRIC_THROTTLED_ADDRESSES, (int64_t)addresses);
    metric_set(METRIC_THROTTLED_USERS, (int64_t)users);
}

static void set_end(enum metric metric, uint64_t end_s)
{
    if (end_s > 0)
        metric_set(metric, (int64_t)end_s);
    else
        metric_hide(metric);
}

static void look_at_certificates(struct tls *tls)
{
    struct tls_ends ends;

    if (tls == NULL)
        return;
    tls_ends(tls, &ends);
    set_end(METRIC_CERTIFICATE_EXPIRY_SERVER, ends.certificate);
    set_end(METRIC_CERTIFICATE_EXPIRY_CLIENT_CA, ends.client_cas);
    set_end(METRIC_CERTIFICATE_EXPIRY_CLIENT_CRL, ends.client_crls);
}

static void look_at_queues(const struct server *server)
{
    metric_set(METRIC_QUEUE_DISK, (int64_t)workers_waiting(server->workers, LANE_DISK));
    metric_set(METRIC_QUEUE_HASH, (int64_t)workers_waiting(server->workers, LANE_HASH));
    metric_set(METRIC_QUEUE_SUSPECT, (int64_t)workers_waiting(server->workers, LANE_SUSPECT));
    metric_set(METRIC_QUEUE_REPORT, (int64_t)workers_waiting(server->workers, LANE_REPORT));
    metric_set(METRIC_QUEUE_COMMIT, (int64_t)meta_waiting(server->store->meta));
}

/* What nobody counts while it happens. */
static void look_around(const struct report *report)
{
    const struct server *server = report->server;

    report_store_look(report);
    look_at_queues(server);
    look_at_throttle(server->throttle);
    look_at_certificates(server->tls);
    metric_set(METRIC_CONNECTIONS_LIMIT, (int64_t)crowd_most(server->crowd));
    metric_set(METRIC_UPLOADS_OPEN, (int64_t)uploads_total(server->store->uploads));
    metric_set(METRIC_CLOCK, (int64_t)clock_wall_s());
}

int report_server(struct report *report, struct err *e)
{
    struct sbuf *text = &report->text;

    (void)e;
    look_around(report);
    metrics_text(text);
    report_loops(report->server, report->draining, text);
    report_queues(report->server, text);
    report_quotas(report);
    if (report->server->events != NULL)
        events_text(report->server->events, text);
    report_process(text);
    return 0;
}
