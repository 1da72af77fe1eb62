#include "registry/events/event_queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "registry/base/log.h"

enum { PIECE = 1000 /* records that one change removes: a millisecond or two of the writer */ };

struct place {
    char *reader;
    _Atomic uint64_t number;  /* of the first that it has not passed */
    uint64_t saved;           /* as it is in the table; of who tidies */
    _Atomic uint64_t dropped; /* records that it never had */
};

struct event_queue {
    struct meta *meta;
    uint64_t number;
    uint64_t limit;
    _Atomic uint64_t next; /* number of the next record; written on the writer's thread alone */
    size_t count;
    struct place *places;
    uint64_t looked; /* `next` when it was last tidied; of who tidies */
    bool over;       /* there was more to do then */

    /* waiting: who waits is counted before it looks, and who wakes counts before it looks for those */
    _Atomic uint64_t commits;
    atomic_uint waiting;
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

/* ---- open and close ---- */

struct beginning {
    struct meta_change change; /* first */
    struct event_queue *queue;
    const struct str *readers;
    uint64_t *places;
    uint64_t next;
};

static int apply_begin(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct beginning *b = (struct beginning *)change;

    return outbox_begin(txn, b->readers, b->queue->count, b->places, &b->next, &b->queue->number, e);
}

static int begin(struct event_queue *queue, const struct str *readers, struct err *e)
{
    struct beginning b = {.change = {.apply = apply_begin}, .queue = queue, .readers = readers};
    int rc;

    b.places = xcalloc(queue->count, sizeof(*b.places));
    rc = meta_write(queue->meta, &b.change);
    for (size_t i = 0; rc == 0 && i < queue->count; i++) {
        struct place *place = &queue->places[i];

        place->reader = str_dup(readers[i]);
        place->saved = b.places[i];
        atomic_store(&place->number, b.places[i]);
    }
    atomic_store(&queue->next, b.next);
    free(b.places);
    if (rc != 0)
        *e = b.change.err;
    return rc;
}

static void free_queue(struct event_queue **queue)
{
    for (size_t i = 0; i < (*queue)->count; i++)
        free((*queue)->places[i].reader);
    pthread_cond_destroy(&(*queue)->wake);
    pthread_mutex_destroy(&(*queue)->lock);
    free((*queue)->places);
    free(*queue);
    *queue = NULL;
}

struct event_queue *event_queue_open(struct meta *meta, const struct event_queue_options *options, struct err *e)
{
    struct event_queue *queue = xcalloc(1, sizeof(*queue));
    pthread_condattr_t monotonic;

    queue->meta = meta;
    queue->limit = options->limit;
    queue->count = options->reader_count;
    queue->places = xcalloc(queue->count, sizeof(*queue->places));
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (begin(queue, options->readers, e) == 0)
        return queue;
    err_wrap(e, "notifications");
    free_queue(&queue);
    return NULL;
}

void event_queue_close(struct event_queue **queue)
{
    uint64_t dropped;
    bool more = true;
    struct err e;

    if (*queue == NULL)
        return;
    if (event_queue_tidy(*queue, &dropped, &more, &e) != 0)
        log_warn("notifications: %s; what was told last is told again", e.text);
    free_queue(queue);
}

uint64_t event_queue_number(const struct event_queue *queue)
{
    return queue->number;
}

/* ---- filling ---- */

void event_queue_append(struct event_queue *queue, struct meta_txn *txn, struct str record)
{
    outbox_put(txn, atomic_fetch_add(&queue->next, 1), record);
}

void event_queue_wake(struct event_queue *queue)
{
    atomic_fetch_add(&queue->commits, 1);
    if (atomic_load(&queue->waiting) == 0)
        return;
    pthread_mutex_lock(&queue->lock);
    pthread_cond_broadcast(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- reading ---- */

int event_queue_read(struct event_queue *queue, size_t reader, struct meta_txn *txn, outbox_item *item, void *arg,
                     struct err *e)
{
    return meta_outbox_read(txn, atomic_load(&queue->places[reader].number), item, arg, e);
}

void event_queue_pass(struct event_queue *queue, size_t reader, uint64_t place)
{
    atomic_store(&queue->places[reader].number, place);
}

uint64_t event_queue_mark(struct event_queue *queue)
{
    return atomic_load(&queue->commits);
}

static struct timespec in_ms(uint64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

bool event_queue_wait(struct event_queue *queue, const uint64_t *mark, uint64_t ms)
{
    const struct timespec until = in_ms(ms);
    int rc = 0;

    pthread_mutex_lock(&queue->lock);
    atomic_fetch_add(&queue->waiting, 1);
    while (rc == 0 && !atomic_load(&queue->stopping) && (mark == NULL || atomic_load(&queue->commits) == *mark))
        rc = pthread_cond_timedwait(&queue->wake, &queue->lock, &until);
    atomic_fetch_sub(&queue->waiting, 1);
    pthread_mutex_unlock(&queue->lock);
    return !atomic_load(&queue->stopping);
}

void event_queue_stop(struct event_queue *queue)
{
    atomic_store(&queue->stopping, true);
    event_queue_wake(queue);
}

/* ---- keeping it small ---- */

struct tidying {
    struct meta_change change; /* first */
    struct event_queue *queue;
    uint64_t *places;
    uint64_t next;   /* the queue's, before */
    uint64_t oldest; /* record that was there */
    uint64_t left;   /* and that is there now */
    bool more;
};

static bool take_number(uint64_t number, struct str bytes, void *arg)
{
    (void)bytes;
    *(uint64_t *)arg = number;
    return false;
}

static uint64_t lowest(const uint64_t *places, size_t n)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < n; i++)
        least = places[i] < least ? places[i] : least;
    return least;
}

static int apply_tidy(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct tidying *t = (struct tidying *)change;
    struct event_queue *queue = t->queue;

    for (size_t i = 0; i < queue->count; i++)
        if (t->places[i] != queue->places[i].saved)
            outbox_place_put(txn, str_of(queue->places[i].reader), t->places[i]);
    t->more = outbox_drop(txn, lowest(t->places, queue->count), PIECE) == PIECE;
    t->oldest = t->left = 0;
    if (t->more || meta_outbox_bytes(txn) <= queue->limit)
        return 0;
    t->left = t->next;
    if (meta_outbox_read(txn, 0, take_number, &t->oldest, e) != 0)
        return -1;
    outbox_drop(txn, UINT64_MAX, PIECE);
    t->more = meta_outbox_bytes(txn) > queue->limit;
    return meta_outbox_read(txn, 0, take_number, &t->left, e);
}

/* Who has not come as far as what is left has lost what is between. */
static uint64_t count_dropped(const struct tidying *t)
{
    uint64_t most = 0;

    for (size_t i = 0; i < t->queue->count; i++) {
        uint64_t from = t->places[i] > t->oldest ? t->places[i] : t->oldest;
        uint64_t lost = from < t->left ? t->left - from : 0;

        atomic_fetch_add(&t->queue->places[i].dropped, lost);
        most = lost > most ? lost : most;
    }
    return most;
}

static bool is_tidy(const struct event_queue *queue, const struct tidying *t)
{
    for (size_t i = 0; i < queue->count; i++)
        if (t->places[i] != queue->places[i].saved)
            return false;
    return t->next == queue->looked && !queue->over;
}

int event_queue_tidy(struct event_queue *queue, uint64_t *dropped, bool *more, struct err *e)
{
    struct tidying t = {.change = {.apply = apply_tidy}, .queue = queue, .next = atomic_load(&queue->next)};
    int rc = 0;

    *dropped = 0;
    *more = false;
    t.places = xcalloc(queue->count, sizeof(*t.places));
    for (size_t i = 0; i < queue->count; i++)
        t.places[i] = atomic_load(&queue->places[i].number);
    if (!is_tidy(queue, &t) && (rc = meta_write(queue->meta, &t.change)) == 0) {
        for (size_t i = 0; i < queue->count; i++)
            queue->places[i].saved = t.places[i];
        queue->looked = t.next;
        queue->over = *more = t.more;
        *dropped = count_dropped(&t);
    }
    if (rc != 0)
        *e = t.change.err;
    free(t.places);
    return rc;
}

/* ---- for metrics ---- */

uint64_t event_queue_pending(const struct event_queue *queue, size_t reader)
{
    uint64_t place = atomic_load(&queue->places[reader].number), next = atomic_load(&queue->next);

    return next > place ? next - place : 0;
}

uint64_t event_queue_dropped(const struct event_queue *queue, size_t reader)
{
    return atomic_load(&queue->places[reader].dropped);
}
