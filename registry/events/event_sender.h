/*
 * Telling one endpoint: a thread that reads the queue from the endpoint's place on, leaves out what the endpoint ignores,
 * and posts the rest in order. An envelope holds one event, or up to SENDER_EVENTS_MOST when several wait; after a
 * failure it is one at a time until the endpoint accepts again. Only then is the next sent: 2xx, or 3xx behind
 * redirects, is acceptance; anything else is tried again for ever, with pauses (event_retry.h).
 *
 * Thread: start, stop and text are for the thread that starts and stops the server; what it counts is atomic.
 */
#ifndef BERTH_EVENTS_EVENT_SENDER_H
#define BERTH_EVENTS_EVENT_SENDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/events/event_json.h"
#include "registry/events/event_queue.h"

enum { SENDER_EVENTS_MOST = 32, SENDER_BYTES_MOST = 1024 * 1024, SENDER_STATUSES = 600 };

struct event_sender;

/* What it has done. Written by its thread alone. */
struct event_counts {
    _Atomic uint64_t delivered;                 /* events */
    _Atomic uint64_t failures;                  /* attempts that got no answer, or one that does not accept */
    _Atomic uint64_t statuses[SENDER_STATUSES]; /* answers by their status */
};

struct event_sender_options {
    const struct config_endpoint *endpoint;
    const struct event_context *context;
    struct event_queue *queue;
    size_t reader; /* number of the endpoint in the queue */
    struct meta *meta;
    bool references;
};

/* Everything outlives it. -1 also when libcurl or the endpoint's authorities cannot be had. */
struct event_sender *event_sender_start(const struct event_sender_options *options, struct err *e);
/* After event_queue_stop(). Waits for the request under way, SENDER_STOP_MS at most. */
void event_sender_stop(struct event_sender **sender);
enum { SENDER_STOP_MS = 10 * 1000 };

const struct event_counts *event_sender_counts(const struct event_sender *sender);

#endif
