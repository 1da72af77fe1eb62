/*
 * Notifications: what is pushed, pulled, mounted and deleted is told to the endpoints of the configuration, as
 * distribution does. This is what the rest of the server sees of it.
 *
 *   a change that somebody asked for ── events_append() within it ──▶ queue ─▶ one sender an endpoint
 *   a pull ── events_gather() ── once a second ──────────────────────▶
 *
 * Without endpoints there is no struct events, and nothing is done: callers ask for NULL first.
 *
 * Thread: events_start(), events_stop() and events_text() as they say; events_append() runs in changes; the rest is for
 * any.
 */
#ifndef BERTH_EVENTS_EVENTS_H
#define BERTH_EVENTS_EVENTS_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/events/event.h"
#include "storage/meta/meta.h"

struct events;
struct event_gather;
struct server;

/* 0, and NULL in *out when no endpoint is enabled: then what may be left of a queue is forgotten. Everything outlives
 * it. Blocks. */
int events_start(const struct config *config, struct meta *meta, struct events **out, struct err *e);
/* What is not told by now is told after the next start. Waits for requests under way. The loops have ended. */
void events_stop(struct events **events);

/* A server's; NULL for NULL. */
struct events *events_of(const struct server *server);

/* Does any endpoint want to hear of it? */
bool events_wanted(const struct events *events, enum event_action action, struct str media_type);

/* Tell of what the change does; its time and the server's run are filled in, and its origin is `origin`, as
 * event_origin_pack() has it. */
void events_append(struct events *events, struct meta_txn *txn, struct event *event, struct str origin);
/* The commit that appended is on disk. */
void events_committed(struct events *events);

/* For a loop, to gather pulls in; NULL for NULL. */
struct event_gather *events_gather_new(struct events *events);
/* Fill in time and run of an event, as events_append() does. */
void events_complete(const struct events *events, struct event *event);

/* Append the metrics, as Prometheus reads them. Any thread. */
void events_text(const struct events *events, struct sbuf *out);

#endif
