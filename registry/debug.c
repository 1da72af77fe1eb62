#include "registry/debug.h"

#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/exposition.h"
#include "registry/metrics.h"
#include "registry/net/crowd.h"
#include "registry/server.h"
#include "registry/side.h"
#include "storage/meta/meta_usage.h"

/* Clients' connections. The first loop counts its listeners too, until it drains. */
static void count_connections(const struct loop *here)
{
    const struct server *server = here->server;
    int64_t all = 0, fewest = INT64_MAX, most = 0;

    for (unsigned i = 0; i < server->loop_count; i++) {
        int64_t n = (int64_t)atomic_load(&server->loops[i].connection_count);

        if (i == 0 && !here->draining)
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

/* What nobody counts while it happens. */
static void look_at_storage(const struct loop *here)
{
    struct err e;
    struct meta_txn *txn = meta_read(here->reader, &e);
    struct usage all;
    uint64_t blobs, bytes;
    int rc;

    if (txn == NULL) {
        log_error("metrics: %s", e.text);
        return;
    }
    rc = meta_stored(txn, &blobs, &bytes, &e) == 0 && meta_usage(txn, (struct str){0}, &all, &e) == 0 ? 0 : -1;
    meta_done(here->reader);
    if (rc != 0) {
        log_error("metrics: %s", e.text);
        return;
    }
    metric_set(METRIC_STORED_BLOBS, (int64_t)blobs);
    metric_set(METRIC_STORED_BYTES, (int64_t)bytes);
    metric_set(METRIC_LOGICAL_BYTES, (int64_t)all.logical);
}

static void look_around(const struct loop *here)
{
    const struct server *server = here->server;
    struct tls *tls = server->tls;

    look_at_storage(here);
    count_connections(here);
    metric_set(METRIC_CONNECTIONS_LIMIT, (int64_t)crowd_most(server->crowd));
    metric_set(METRIC_QUEUE_DISK, (int64_t)workers_waiting(server->workers, LANE_DISK));
    metric_set(METRIC_QUEUE_HASH, (int64_t)workers_waiting(server->workers, LANE_HASH));
    metric_set(METRIC_QUEUE_SUSPECT, (int64_t)workers_waiting(server->workers, LANE_SUSPECT));
    metric_set(METRIC_QUEUE_COMMIT, (int64_t)meta_waiting(server->store->meta));
    metric_set(METRIC_UPLOADS, (int64_t)uploads_total(server->store->uploads));
    if (tls != NULL)
        metric_set(METRIC_CERTIFICATE_LEFT, tls_certificate_left_s(tls));
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

static void show_metrics(h2o_req_t *req)
{
    struct sbuf text = {0};

    look_around(side_loop(req));
    metrics_text(&text);
    show_loops(side_loop(req)->server, &text);
    side_reply(req, 200, EXPOSITION_TYPE, (struct str){text.p, text.n});
    sbuf_free(&text);
}

int debug_handle(h2o_handler_t *handler, h2o_req_t *req)
{
    const struct config *config = side_loop(req)->server->config;
    struct str path = side_path(req);
    bool health = str_eq(path, STR("/debug/health"));
    bool metrics = config->prometheus_enabled && str_eq(path, str_of(config->prometheus_path));

    (void)handler;
    if (!health && !metrics)
        side_say(req, 404, "nothing here");
    else if (!side_is_read(req))
        side_refuse_method(req);
    else if (health)
        side_reply(req, 200, "application/json", STR("{}"));
    else
        show_metrics(req);
    return 0;
}
