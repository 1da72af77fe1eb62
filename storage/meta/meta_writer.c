#include "storage/meta/meta_writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "registry/base/clock.h"

struct writer {
    struct kv *kv;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct meta_change *first;
    struct meta_change **last; /* where the next one is linked in */
    atomic_size_t waiting;     /* written under the lock */
    bool stopping;
    struct commit_counts counts; /* of the writer's thread alone */
};

/* What is taken from the queue at a time. */
struct batch {
    size_t n;
    struct meta_change *changes[WRITER_BATCH];
    bool dropped[WRITER_BATCH]; /* failed half-way: it has its error and is not applied again */
};

static void fail_all(struct batch *b, const struct err *e)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->dropped[i])
            continue;
        b->changes[i]->rc = -1;
        b->changes[i]->err = *e;
    }
}

/* Run one change. False when the transaction cannot be used any further. */
static bool apply(struct meta_txn *txn, struct batch *b, size_t i)
{
    struct meta_change *c = b->changes[i];

    kv_mark(txn);
    c->err = (struct err){0};
    c->rc = c->apply(txn, c, &c->err);
    if (kv_map_full(txn))
        return false;
    if (c->rc == 0)
        c->rc = kv_status(txn, &c->err);
    b->dropped[i] = kv_status(txn, NULL) != 0 || (c->rc != 0 && kv_wrote(txn));
    return !b->dropped[i];
}

static int commit(struct writer *w, struct meta_txn *txn, struct err *e)
{
    uint64_t began_us = clock_monotonic_us();
    int rc = kv_commit(txn, e);

    buckets_note(&w->counts.syncs, &scale_durations, clock_monotonic_us() - began_us);
    if (rc != 0)
        count_more(&w->counts.failures, 1);
    return rc;
}

/* One transaction over the batch. True when every change has its outcome, false when it must run again. */
static bool attempt(struct writer *w, struct batch *b)
{
    struct err e = {0};
    struct meta_txn *txn = kv_write(w->kv, &e);
    bool usable = true;

    if (txn == NULL) {
        fail_all(b, &e);
        return true;
    }
    for (size_t i = 0; i < b->n && usable; i++)
        usable = b->dropped[i] || apply(txn, b, i);
    if (!usable)
        kv_abort(txn);
    else if (commit(w, txn, &e) == 0)
        return true;
    if (kv_map_full(txn)) {
        if (kv_grow(w->kv, &e) == 0)
            return false;
        usable = true;
    }
    if (usable)
        fail_all(b, &e);
    return usable;
}

static void link_in(struct writer *w, struct meta_change *change)
{
    change->next = NULL;
    change->queued_us = clock_monotonic_us();
    atomic_fetch_add_explicit(&w->waiting, 1, memory_order_relaxed);
    *w->last = change;
    w->last = &change->next;
}

/* Wait for changes and take the oldest. None: the writer is stopping and the queue is empty. */
static void take(struct writer *w, struct batch *b)
{
    b->n = 0;
    pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stopping)
        pthread_cond_wait(&w->wake, &w->lock);
    while (w->first != NULL && b->n < WRITER_BATCH) {
        b->dropped[b->n] = false;
        b->changes[b->n++] = w->first;
        w->first = w->first->next;
    }
    atomic_fetch_sub_explicit(&w->waiting, b->n, memory_order_relaxed);
    if (w->first == NULL)
        w->last = &w->first;
    pthread_mutex_unlock(&w->lock);
}

/* Apply the batch, again where it must be, and commit. */
static void carry_out(struct writer *w, struct batch *b)
{
    uint64_t began_us = clock_monotonic_us();

    for (size_t i = 0; i < b->n; i++)
        buckets_note(&w->counts.waits, &scale_durations, began_us - b->changes[i]->queued_us);
    while (!attempt(w, b))
        ;
    buckets_note(&w->counts.changes, &scale_numbers, b->n);
    buckets_note(&w->counts.durations, &scale_durations, clock_monotonic_us() - began_us);
}

static void *run(void *arg)
{
    struct writer *w = arg;
    struct batch b;

    for (take(w, &b); b.n > 0; take(w, &b)) {
        carry_out(w, &b);
        for (size_t i = 0; i < b.n; i++)
            b.changes[i]->done(b.changes[i]);
    }
    return NULL;
}

/* Signals are for other threads: the new one inherits a mask that blocks them all. */
static int start_thread(struct writer *w)
{
    sigset_t all;
    sigset_t before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct writer *writer_start(struct kv *kv, struct err *e)
{
    struct writer *w = xcalloc(1, sizeof(*w));

    w->kv = kv;
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (start_thread(w) == 0)
        return w;
    err_set(e, ERR_EXHAUSTED, "metadata: cannot start the writer thread; raise the limit on processes and threads");
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

void writer_submit(struct writer *w, struct meta_change *change)
{
    pthread_mutex_lock(&w->lock);
    link_in(w, change);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

size_t writer_waiting(const struct writer *w)
{
    return atomic_load_explicit(&w->waiting, memory_order_relaxed);
}

const struct commit_counts *writer_counts(const struct writer *w)
{
    return &w->counts;
}

void writer_stop(struct writer **writer)
{
    struct writer *w = *writer;

    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *writer = NULL;
}
