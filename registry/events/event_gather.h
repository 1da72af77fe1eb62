/*
 * Events of pulls. A pull changes nothing, so it has no commit that its event could be part of, and must not cost one:
 * each loop gathers what was pulled from it and hands that to the metadata writer once a second, or when it is
 * GATHER_BYTES. A crash loses what was not handed over yet. While the writer has as many as GATHERS_MOST of a loop's
 * batches, pulls are not told of, and counted.
 *
 * Thread: a struct event_gather belongs to one loop.
 */
#ifndef BERTH_EVENTS_EVENT_GATHER_H
#define BERTH_EVENTS_EVENT_GATHER_H

#include <stdatomic.h>
#include <stdint.h>

#include "registry/events/event.h"
#include "registry/events/event_queue.h"

enum { GATHER_BYTES = 64 * 1024, GATHERS_MOST = 16 };

struct event_gather;

/* Both outlive it. *lost counts. */
struct event_gather *event_gather_new(struct meta *meta, struct event_queue *queue, _Atomic uint64_t *lost);
/* Hands over what is left, and waits until it is written. */
void event_gather_free(struct event_gather **gather);

/* Add a pull. `origin` is packed, in event_gather_room() for example. */
void event_gather_add(struct event_gather *gather, const struct event *event, struct str origin);
/* An empty buffer that lives until the next call, so that a pull allocates nothing. */
struct sbuf *event_gather_room(struct event_gather *gather);
/* Hand over what there is: once a second, and before a change that is told of, so that the order is kept. Never blocks;
 * does nothing for NULL. */
void event_gather_tick(struct event_gather *gather);

#endif
