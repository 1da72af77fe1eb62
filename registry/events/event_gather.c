#include "registry/events/event_gather.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry/base/log.h"

enum { WAIT_NS = 1000 * 1000 };

/* Records, each behind its length as a u32 of this machine. */
struct batch {
    struct meta_change change; /* first */
    struct event_queue *queue;
    _Atomic uint64_t *lost;
    atomic_uint *under_way;
    size_t n;
    struct sbuf bytes;
};

struct event_gather {
    struct meta *meta;
    struct event_queue *queue;
    _Atomic uint64_t *lost;
    struct sbuf room;
    struct batch *batch;   /* NULL: nothing was pulled */
    atomic_uint under_way; /* batches that the writer has */
};

struct event_gather *event_gather_new(struct meta *meta, struct event_queue *queue, _Atomic uint64_t *lost)
{
    struct event_gather *gather = xcalloc(1, sizeof(*gather));

    gather->meta = meta;
    gather->queue = queue;
    gather->lost = lost;
    return gather;
}

/* ---- handing over ---- */

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    const struct batch *batch = (const struct batch *)change;
    struct str rest = {batch->bytes.p, batch->bytes.n};
    uint32_t length;

    (void)e;
    while (rest.n > 0) {
        memcpy(&length, rest.p, sizeof(length));
        rest = str_from(rest, sizeof(length));
        event_queue_append(batch->queue, txn, (struct str){rest.p, length});
        rest = str_from(rest, length);
    }
    return 0;
}

/* On the writer's thread. The last thing it touches is the counter: the loop may be gone then. */
static void finish(struct meta_change *change)
{
    struct batch *batch = (struct batch *)change;
    atomic_uint *under_way = batch->under_way;

    if (change->rc == 0) {
        event_queue_wake(batch->queue);
    } else {
        log_warn("notifications: %zu pulls are not told: %s", batch->n, change->err.text);
        atomic_fetch_add(batch->lost, batch->n);
    }
    sbuf_free(&batch->bytes);
    free(batch);
    atomic_fetch_sub(under_way, 1);
}

static void hand_over(struct event_gather *gather)
{
    struct batch *batch = gather->batch;

    gather->batch = NULL;
    batch->change = (struct meta_change){.apply = apply, .done = finish};
    atomic_fetch_add(&gather->under_way, 1);
    meta_submit(gather->meta, &batch->change);
}

void event_gather_tick(struct event_gather *gather)
{
    if (gather != NULL && gather->batch != NULL && atomic_load(&gather->under_way) < GATHERS_MOST)
        hand_over(gather);
}

void event_gather_free(struct event_gather **gather)
{
    const struct timespec pause = {0, WAIT_NS};

    if (*gather == NULL)
        return;
    if ((*gather)->batch != NULL)
        hand_over(*gather);
    while (atomic_load(&(*gather)->under_way) > 0)
        nanosleep(&pause, NULL);
    sbuf_free(&(*gather)->room);
    free(*gather);
    *gather = NULL;
}

/* ---- gathering ---- */

static struct batch *batch_with_room(struct event_gather *gather)
{
    if (gather->batch != NULL && gather->batch->bytes.n >= GATHER_BYTES) {
        if (atomic_load(&gather->under_way) >= GATHERS_MOST)
            return NULL;
        hand_over(gather);
    }
    if (gather->batch == NULL) {
        gather->batch = xcalloc(1, sizeof(*gather->batch));
        gather->batch->queue = gather->queue;
        gather->batch->lost = gather->lost;
        gather->batch->under_way = &gather->under_way;
    }
    return gather->batch;
}

void event_gather_add(struct event_gather *gather, const struct event *event, struct str origin)
{
    struct batch *batch = batch_with_room(gather);
    uint32_t length = 0;
    size_t at;

    if (batch == NULL) {
        atomic_fetch_add(gather->lost, 1);
        return;
    }
    at = batch->bytes.n;
    sbuf_put(&batch->bytes, &length, sizeof(length));
    event_pack(event, origin, &batch->bytes);
    length = (uint32_t)(batch->bytes.n - at - sizeof(length));
    memcpy(batch->bytes.p + at, &length, sizeof(length));
    batch->n++;
}

struct sbuf *event_gather_room(struct event_gather *gather)
{
    gather->room.n = 0;
    return &gather->room;
}
