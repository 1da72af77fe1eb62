#include "registry/events/events.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "registry/background/background.h"
#include "registry/base/log.h"
#include "registry/base/pace.h"
#include "registry/base/clock.h"
#include "registry/base/rnd.h"
#include "registry/client/http_client.h"
#include "registry/config/address.h"
#include "registry/events/event_filter.h"
#include "registry/events/event_gather.h"
#include "registry/events/event_sender.h"
#include "registry/events/events_metrics.h"
#include "registry/server.h"

enum { TIDY_MS = 1000 };

struct events {
    struct event_context context;
    struct event_queue *queue;
    struct meta *meta;
    uint8_t run[EVENT_RUN_BYTES];
    char node[HOST_NAME_MAX + 8];
    _Atomic uint64_t lost_pulls;
    struct background keeper;
    bool keeps;
    struct pace pace;
    size_t count;
    const struct config_endpoint **endpoints;
    struct event_sender **senders;
};

struct events *events_of(const struct server *server)
{
    return server == NULL ? NULL : server->events;
}

/* ---- filling ---- */

bool events_wanted(const struct events *events, enum event_action action, struct str media_type)
{
    for (size_t i = 0; i < events->count; i++)
        if (event_filter_wants(events->endpoints[i], action, media_type))
            return true;
    return false;
}

void events_complete(const struct events *events, struct event *event)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    event->when_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    memcpy(event->run, events->run, sizeof(event->run));
}

void events_append(struct events *events, struct meta_txn *txn, struct event *event, struct str origin)
{
    struct sbuf record = {0};

    if (!events_wanted(events, event->action, event->media_type))
        return;
    events_complete(events, event);
    event_pack(event, origin, &record);
    event_queue_append(events->queue, txn, (struct str){record.p, record.n});
    sbuf_free(&record);
}

void events_committed(struct events *events)
{
    event_queue_wake(events->queue);
}

struct event_gather *events_gather_new(struct events *events)
{
    return events == NULL ? NULL : event_gather_new(events->meta, events->queue, &events->lost_pulls);
}

/* ---- keeping the queue small ---- */

static void tell_dropped(struct events *events, uint64_t dropped)
{
    uint64_t held;

    if (dropped > 0 && pace_take(&events->pace, clock_monotonic_ms(), PACE_MINUTE_MS, &held))
        log_error(
            "notifications: the queue is full (notifications.queue.limit): the oldest events are dropped, %" PRIu64
            " just now; see why an endpoint does not accept, or remove it",
            dropped);
}

static void *keep(void *arg)
{
    struct events *events = arg;

    while (background_rest(&events->keeper, TIDY_MS)) {
        bool more = true;

        while (more) {
            uint64_t dropped;
            struct err e;

            if (event_queue_tidy(events->queue, &dropped, &more, &e) != 0) {
                log_error("notifications: %s", e.text);
                break;
            }
            tell_dropped(events, dropped);
            more = more && background_rest(&events->keeper, 0);
        }
    }
    return NULL;
}

/* ---- start ---- */

/* "host:port", as distribution calls the node: the port is that of http.addr. */
static void name_node(struct events *events, const struct config *config)
{
    char *host = events->node;
    struct str addr = str_of(config->http_addr);
    size_t colon = addr.n;

    if (gethostname(host, HOST_NAME_MAX) != 0)
        strcpy(host, "localhost");
    host[HOST_NAME_MAX] = '\0';
    while (colon > 0 && addr.p[colon - 1] != ':')
        colon--;
    if (colon > 0 && addr.n - colon < 6 && strcmp(config->http_net, "tcp") == 0)
        strncat(host, addr.p + colon - 1, 6);
}

static struct events *new_events(const struct config *config, struct meta *meta)
{
    struct events *events = xcalloc(1, sizeof(*events));

    events->meta = meta;
    rnd_bytes(events->run, sizeof(events->run));
    events->run[6] = (uint8_t)(0x40 | (events->run[6] & 0x0f)); /* a UUID of version 4 (RFC 9562 §5.4) */
    events->run[8] = (uint8_t)(0x80 | (events->run[8] & 0x3f));
    name_node(events, config);
    events->context = (struct event_context){
        .node = events->node, .base = config->http_host, .relative = config->http_relative_urls};
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): arrays of pointers, here and below */
    events->endpoints = xcalloc(config->notifications.count + 1, sizeof(*events->endpoints));
    events->senders = xcalloc(config->notifications.count + 1,
                              sizeof(*events->senders)); /* NOLINT(bugprone-sizeof-expression) */
    for (size_t i = 0; i < config->notifications.count; i++)
        if (!config->notifications.endpoints[i].disabled)
            events->endpoints[events->count++] = &config->notifications.endpoints[i];
    return events;
}

static int open_queue(struct events *events, const struct config *config, struct err *e)
{
    struct str *names = xcalloc(events->count, sizeof(*names));
    const struct event_queue_options options = {
        .readers = names, .reader_count = events->count, .limit = config->notifications.queue_limit};

    for (size_t i = 0; i < events->count; i++)
        names[i] = str_of(events->endpoints[i]->name);
    events->queue = event_queue_open(events->meta, &options, e);
    free(names);
    if (events->queue == NULL)
        return -1;
    events->context.queue = event_queue_number(events->queue);
    return 0;
}

static int start_sender(struct events *events, const struct config *config, size_t i, struct err *e)
{
    const struct event_sender_options options = {.endpoint = events->endpoints[i],
                                                 .context = &events->context,
                                                 .queue = events->queue,
                                                 .reader = i,
                                                 .meta = events->meta,
                                                 .references = config->notifications.references};
    struct str scheme = {0}, host = {0};

    http_url_origin(str_of(events->endpoints[i]->url), &scheme, &host);
    log_info("notifications: %s is told at %.*s%.*s; %" PRIu64 " events wait for it", events->endpoints[i]->name,
             (int)scheme.n, scheme.p, (int)host.n, host.p, event_queue_pending(events->queue, i));
    events->senders[i] = event_sender_start(&options, e);
    return events->senders[i] == NULL ? -1 : 0;
}

int events_start(const struct config *config, struct meta *meta, struct events **out, struct err *e)
{
    struct events *events = new_events(config, meta);
    int rc;

    *out = events;
    if (events->count == 0) {
        events_stop(out);
        return meta_outbox_forget(meta, e);
    }
    rc = open_queue(events, config, e);
    for (size_t i = 0; rc == 0 && i < events->count; i++)
        rc = start_sender(events, config, i, e);
    if (rc == 0)
        rc = background_start(&events->keeper, "queue of notifications", keep, events, e);
    events->keeps = rc == 0;
    if (rc != 0)
        events_stop(out);
    return rc;
}

void events_stop(struct events **events)
{
    struct events *ev = *events;

    if (ev == NULL)
        return;
    if (ev->keeps)
        background_stop(&ev->keeper);
    if (ev->queue != NULL)
        event_queue_stop(ev->queue);
    for (size_t i = 0; i < ev->count; i++)
        event_sender_stop(&ev->senders[i]);
    event_queue_close(&ev->queue);
    free(ev->senders);
    free(ev->endpoints);
    free(ev);
    *events = NULL;
}

/* ---- metrics ---- */

void events_text(const struct events *events, struct sbuf *out)
{
    struct event_figures *figures = xcalloc(events->count, sizeof(*figures));

    for (size_t i = 0; i < events->count; i++)
        figures[i] = (struct event_figures){.endpoint = events->endpoints[i]->name,
                                            .counts = event_sender_counts(events->senders[i]),
                                            .pending = event_queue_pending(events->queue, i),
                                            .dropped = event_queue_dropped(events->queue, i)};
    events_metrics_text(figures, events->count, atomic_load(&events->lost_pulls), out);
    free(figures);
}
