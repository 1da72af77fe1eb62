#include "registry/report.h"

#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/metrics.h"
#include "registry/net/crowd.h"
#include "registry/server.h"
#include "registry/side.h"
#include "storage/meta/meta_usage.h"

/* Clients' connections. The first loop counts its listeners too, until it drains. */
static void count_connections(const struct report *report)
{
    const struct server *server = report->server;
    int64_t all = 0, fewest = INT64_MAX, most = 0;

    for (unsigned i = 0; i < server->loop_count; i++) {
        int64_t n = (int64_t)atomic_load(&server->loops[i].connection_count);

        if (i == 0 && !report->draining)
            n -= (int64_t)(1 + side_count(server->side));
        n = n < 0 ? 0 : n;
        all += n;
        fewest = n < fewest ? n : fewest;
        most = n > most ? n : most;
    }
    metric_set(METRIC_CONNECTIONS, all);
    metric_set(METRIC_LOOP_CONNECTIONS_FEWEST, fewest);
    metric_set(METRIC_LOOP_CONNECTIONS_MOST, most);
}

struct stored {
    uint64_t blobs, bytes;
    struct usage usage;
};

static int read_stored(const struct report *report, struct stored *out, struct err *e)
{
    struct meta_txn *txn = meta_read(report->reader, e);
    int rc = -1;

    if (txn == NULL)
        return -1;
    if (meta_stored(txn, &out->blobs, &out->bytes, e) == 0)
        rc = meta_usage(txn, (struct str){0}, &out->usage, e);
    meta_done(report->reader);
    return rc;
}

/* What nobody counts while it happens. A registry whose metadata cannot be read is one that must be looked at: the rest
 * is told all the same. */
static void look_at_storage(const struct report *report)
{
    static const enum metric shown[] = {METRIC_STORED_BLOBS, METRIC_STORED_BYTES, METRIC_LOGICAL_BYTES};
    struct stored stored = {0};
    struct err e;

    if (read_stored(report, &stored, &e) != 0) {
        log_error("metrics: %s", e.text);
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
            metric_hide(shown[i]);
        return;
    }
    metric_set(METRIC_STORED_BLOBS, (int64_t)stored.blobs);
    metric_set(METRIC_STORED_BYTES, (int64_t)stored.bytes);
    metric_set(METRIC_LOGICAL_BYTES, (int64_t)stored.usage.logical);
}

static void look_around(const struct report *report)
{
    const struct server *server = report->server;
    struct tls_ends ends;

    count_connections(report);
    metric_set(METRIC_CONNECTIONS_LIMIT, (int64_t)crowd_most(server->crowd));
    metric_set(METRIC_QUEUE_DISK, (int64_t)workers_waiting(server->workers, LANE_DISK));
    metric_set(METRIC_QUEUE_HASH, (int64_t)workers_waiting(server->workers, LANE_HASH));
    metric_set(METRIC_QUEUE_SUSPECT, (int64_t)workers_waiting(server->workers, LANE_SUSPECT));
    metric_set(METRIC_QUEUE_COMMIT, (int64_t)meta_waiting(server->store->meta));
    metric_set(METRIC_UPLOADS, (int64_t)uploads_total(server->store->uploads));
    if (server->tls != NULL) {
        tls_ends(server->tls, &ends);
        metric_set(METRIC_CERTIFICATE_LEFT, (int64_t)(ends.certificate - clock_wall_s()));
    }
}

static void show_requests(const struct server *server, struct sbuf *out)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const struct request_counts **counts = xcalloc(server->loop_count, sizeof(*counts));

    for (unsigned i = 0; i < server->loop_count; i++)
        counts[i] = &server->loops[i].requests;
    request_counts_text(counts, server->loop_count, out);
    free(counts);
}

static void show_loops(const struct server *server, struct sbuf *out)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const struct loop_lag **lags = xcalloc(server->loop_count, sizeof(*lags));

    for (unsigned i = 0; i < server->loop_count; i++)
        lags[i] = &server->loops[i].lag;
    loop_lag_text(lags, server->loop_count, out);
    free(lags);
}

int report_server(struct report *report, struct err *e)
{
    (void)e;
    look_at_storage(report);
    look_around(report);
    metrics_text(&report->text);
    show_requests(report->server, &report->text);
    show_loops(report->server, &report->text);
    report_process(&report->text);
    return 0;
}
