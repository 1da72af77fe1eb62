#include "registry/observe/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "registry/observe/exposition.h"
#include "registry/server.h"
#include "registry/side.h"

/* Clients' connections. The first loop counts its listeners too, until it drains. */
static int64_t connections_of(const struct server *server, unsigned loop, bool draining)
{
    int64_t n = (int64_t)atomic_load(&server->loops[loop].connection_count);

    if (loop == 0 && !draining)
        n -= (int64_t)(1 + side_count(server->side));
    return n < 0 ? 0 : n;
}

static void put_connections(const struct server *server, bool draining, struct sbuf *out)
{
    int64_t all = 0;
    char labels[32];

    expose_head(out, "berth_loop_connections", "gauge", "Open connections of clients, by the event loop they are on.");
    for (unsigned i = 0; i < server->loop_count; i++) {
        int64_t n = connections_of(server, i, draining);

        snprintf(labels, sizeof(labels), "loop=\"%u\"", i);
        expose_number(out, "berth_loop_connections", labels, n);
        all += n;
    }
    expose_head(out, "berth_connections", "gauge", "Open connections of clients, the one that asks included.");
    expose_number(out, "berth_connections", "", all);
}

static void put_requests(const struct server *server, struct sbuf *out)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers, here and below */
    const struct request_counts **counts = xcalloc(server->loop_count, sizeof(*counts));

    for (unsigned i = 0; i < server->loop_count; i++)
        counts[i] = &server->loops[i].requests;
    request_counts_text(counts, server->loop_count, out);
    free(counts);
}

static void put_lags(const struct server *server, struct sbuf *out)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
    const struct loop_lag **lags = xcalloc(server->loop_count, sizeof(*lags));

    for (unsigned i = 0; i < server->loop_count; i++)
        lags[i] = &server->loops[i].lag;
    loop_lag_text(lags, server->loop_count, out);
    free(lags);
}

void report_loops(const struct server *server, bool draining, struct sbuf *out)
{
    put_connections(server, draining, out);
    put_requests(server, out);
    put_lags(server, out);
}
