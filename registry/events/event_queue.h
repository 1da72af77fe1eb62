/*
 * What is to be told, in the order in which it happened: records (event.h) in the metadata, appended in the commit of the
 * change that they speak of (storage/meta/meta_outbox.h). A reader is an endpoint; it reads from its place on and says
 * when it has passed something. What all have passed is removed; places are written at most once a second, so what was
 * told within the last second before a crash is told again.
 *
 * The queue has a limit: with more, the oldest go, whoever has not had them.
 *
 * Thread: event_queue_open() and event_queue_close() are for the thread that starts and stops the server;
 * event_queue_append() runs in changes, on the metadata writer; event_queue_tidy() belongs to one thread; the rest is for
 * any.
 */
#ifndef BERTH_EVENTS_EVENT_QUEUE_H
#define BERTH_EVENTS_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/meta/meta.h"
#include "storage/meta/meta_outbox.h"

struct event_queue;

struct event_queue_options {
    const struct str *readers; /* their names, each at most OUTBOX_NAME_MAX bytes; copied */
    size_t reader_count;
    uint64_t limit; /* bytes */
};

/* `meta` outlives it. Readers that were there before go on where they were; new ones begin here; what was kept for others
 * is kept no longer. Blocks. */
struct event_queue *event_queue_open(struct meta *meta, const struct event_queue_options *options, struct err *e);
/* Nobody waits any more. Writes the places. Blocks. */
void event_queue_close(struct event_queue **queue);
/* Its own number (event_json.h). */
uint64_t event_queue_number(const struct event_queue *queue);

/* ---- filling ---- */

void event_queue_append(struct event_queue *queue, struct meta_txn *txn, struct str record);
/* A commit that appended is on disk. */
void event_queue_wake(struct event_queue *queue);

/* ---- reading ---- */

/* Calls `item` for what the reader has not passed yet. */
int event_queue_read(struct event_queue *queue, size_t reader, struct meta_txn *txn, outbox_item *item, void *arg,
                     struct err *e);
/* The reader is through with everything below number `place`. */
void event_queue_pass(struct event_queue *queue, size_t reader, uint64_t place);

/* What event_queue_wait() compares with: take it before reading. */
uint64_t event_queue_mark(struct event_queue *queue);
/* Wait until something is appended after `mark` was taken, or for `ms` with something or nothing, or until it stops.
 * False: it stops. `mark` NULL: for the time alone. */
bool event_queue_wait(struct event_queue *queue, const uint64_t *mark, uint64_t ms);
/* From now on nobody waits. */
void event_queue_stop(struct event_queue *queue);

/* ---- keeping it small ---- */

/* Write places, remove what all have passed and, beyond the limit, the oldest; waits for a commit if there is anything to
 * do. *more: there is more to do. *dropped: of the records that went some reader had not had so many. */
int event_queue_tidy(struct event_queue *queue, uint64_t *dropped, bool *more, struct err *e);

/* ---- for metrics ---- */

/* About how many records the reader has not passed: numbers have gaps, and a change counts that is not yet committed. */
uint64_t event_queue_pending(const struct event_queue *queue, size_t reader);
/* Records that were dropped before the reader had them. */
uint64_t event_queue_dropped(const struct event_queue *queue, size_t reader);

#endif
