#include "registry/net/loop.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry/base/clock.h"
#include "registry/base/rnd.h"
#include "registry/net/body.h"
#include "registry/net/stream.h"
#include "registry/events/event_gather.h"
#include "registry/events/events.h"
#include "registry/background/pulls.h"
#include "registry/rules.h"
#include "registry/server.h"
#include "storage/meta/meta.h"

enum { TICK_MS = 1000, LOG_FLUSH_MS = 100, LOG_FLUSH_BYTES = 64 * 1024 };

struct control {
    struct message message;
    struct loop *loop;
    void (*action)(struct loop *loop);
};

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        struct message *message = H2O_STRUCT_FROM_MEMBER(struct message, super.link, messages->next);

        h2o_linklist_unlink(&message->super.link);
        message->run(message);
    }
}

void loop_yield(struct loop *loop, struct message *message)
{
    memset(&message->super, 0, sizeof(message->super));
    h2o_linklist_insert(&loop->yielded, &message->super.link);
}

/* Run what has waited longest. Returns whether there was something. */
static bool run_yielded(struct loop *loop)
{
    struct message *message;

    if (h2o_linklist_is_empty(&loop->yielded))
        return false;
    message = H2O_STRUCT_FROM_MEMBER(struct message, super.link, loop->yielded.next);
    h2o_linklist_unlink(&message->super.link);
    message->run(message);
    return true;
}

/* `visit` may free the connection it is given, but no other. */
static void each_connection(struct loop *loop, void (*visit)(struct loop *loop, struct connection *connection))
{
    h2o_linklist_t *node = loop->connections.next;

    while (node != &loop->connections) {
        h2o_linklist_t *next = node->next;

        visit(loop, H2O_STRUCT_FROM_MEMBER(struct connection, link, node));
        node = next;
    }
}

static void tick_one(struct loop *loop, struct connection *connection)
{
    connection->tick(connection, loop->now_ms);
}

static void drain_one(struct loop *loop, struct connection *connection)
{
    (void)loop;
    connection->drain(connection);
}

static void kill_one(struct loop *loop, struct connection *connection)
{
    (void)loop;
    connection->kill(connection);
}

static void flush_log(struct loop *loop)
{
    if (loop->log_lines.n > 0)
        access_log_add(loop->server->access_log, (struct str){loop->log_lines.p, loop->log_lines.n});
    loop->log_lines.n = 0;
}

struct sbuf *loop_log_begin(struct loop *loop)
{
    if (loop->log_lines.n == 0)
        loop->log_due_ms = loop->now_ms + LOG_FLUSH_MS;
    return &loop->log_lines;
}

void loop_log_end(struct loop *loop)
{
    if (loop->log_lines.n >= LOG_FLUSH_BYTES)
        flush_log(loop);
}

/* Milliseconds until something is due by the clock. */
static int32_t time_to_wait(const struct loop *loop)
{
    uint64_t due = loop->next_tick_ms;

    if (loop->log_lines.n > 0 && loop->log_due_ms < due)
        due = loop->log_due_ms;
    return due > loop->now_ms ? (int32_t)(due - loop->now_ms) : 0;
}

/* By the clock that libh2o looks at when it wakes. */
static uint64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A turn ends that began with the socket that was looked at first, or with what had yielded. */
static void end_turn(struct loop *loop, uint64_t began_ms)
{
    uint64_t ended_ms = wall_ms();

    /* The wall clock may have been set back. */
    loop_lag_note(&loop->lag, ended_ms > began_ms ? ended_ms - began_ms : 0);
    loop->turn_ended_ms = ended_ms;
    loop->now_ms = clock_monotonic_ms();
    if (loop->now_ms >= loop->log_due_ms)
        flush_log(loop);
    if (loop->now_ms < loop->next_tick_ms)
        return;
    loop->next_tick_ms = loop->now_ms + TICK_MS;
    atomic_store_explicit(&loop->beat_ms, loop->now_ms, memory_order_relaxed);
    each_connection(loop, tick_one);
    pulls_hold(loop->pulls, live_is_readonly(&loop->server->live));
    pulls_tick(loop->pulls, loop->now_ms);
    event_gather_tick(loop->events_gather);
}

/* ---- the thread ---- */

struct birth {
    struct loop *loop;
    struct server *server;
    unsigned index;
    struct err *e;
    int rc;
    h2o_sem_t done;
};

int loop_init(struct loop *loop, struct server *server, unsigned index, struct err *e)
{
    loop->server = server;
    loop->index = index;
    loop->reader = meta_reader_new(server->store->meta, e);
    if (loop->reader == NULL)
        return err_wrap(e, "event loop %u", loop->index);
    loop->pulls = pulls_new(server->store->meta);
    pulls_hold(loop->pulls, live_is_readonly(&server->live));
    loop->events_gather = events_gather_new(server->events);
    loop->stream_room = xmalloc(STREAM_ROOM_BYTES);
    loop->events = h2o_evloop_create();
    h2o_context_init(&loop->context, loop->events, &server->h2o);
    h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, on_messages);
    h2o_linklist_init_anchor(&loop->connections);
    h2o_linklist_init_anchor(&loop->yielded);
    loop->now_ms = clock_monotonic_ms();
    loop->next_tick_ms = loop->now_ms + TICK_MS;
    atomic_store(&loop->beat_ms, loop->now_ms);
    loop_lag_init(&loop->lag);
    rnd_bytes(&loop->request_counter, sizeof(loop->request_counter)); /* ids differ from those of the last run */
    return 0;
}

void loop_dispose(struct loop *loop)
{
    rules_let_go(loop);
    flush_log(loop);
    sbuf_free(&loop->log_lines);
    body_pieces_dispose(loop);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->receiver);
    /* One more turn lets libh2o free sockets that were closed, before the loop itself goes. */
    h2o_evloop_run(loop->events, 0);
    h2o_context_dispose(&loop->context);
    h2o_evloop_destroy(loop->events);
    free(loop->stream_room);
    event_gather_free(&loop->events_gather);
    pulls_free(&loop->pulls);
    meta_reader_free(&loop->reader);
}

static void *loop_main(void *argument)
{
    struct birth *birth = argument;
    struct loop *loop = birth->loop;
    int rc = loop_init(loop, birth->server, birth->index, birth->e);

    birth->rc = rc;
    h2o_sem_post(&birth->done); /* birth is gone from here on */
    if (rc != 0)
        return NULL;
    while (!loop->stopping) {
        /* What yielded may have written, and then waits for libh2o to tell it so. */
        bool busy = run_yielded(loop);

        while (h2o_evloop_run(loop->events, busy ? 0 : time_to_wait(loop)) != 0 && errno == EINTR)
            ;
        end_turn(loop, busy ? loop->turn_ended_ms : h2o_now(loop->events));
    }
    each_connection(loop, kill_one);
    while (run_yielded(loop))
        ;
    while (loop->jobs > 0)
        h2o_evloop_run(loop->events, TICK_MS);
    while (atomic_load(&loop->posting) > 0)
        sched_yield();
    loop_dispose(loop);
    return NULL;
}

int loop_start(struct loop *loop, struct server *server, unsigned index, struct err *e)
{
    struct birth birth = {.loop = loop, .server = server, .index = index, .e = e};
    int rc;

    h2o_sem_init(&birth.done, 0);
    rc = pthread_create(&loop->thread, NULL, loop_main, &birth);
    if (rc != 0) {
        errno = rc;
        birth.rc = err_errno(e, "start event loop %u", index);
    } else {
        h2o_sem_wait(&birth.done);
        if (birth.rc != 0)
            pthread_join(loop->thread, NULL);
    }
    h2o_sem_destroy(&birth.done);
    loop->running = birth.rc == 0;
    return birth.rc;
}

/* ---- orders from other threads ---- */

static void run_control(struct message *message)
{
    struct control *control = H2O_STRUCT_FROM_MEMBER(struct control, message, message);

    control->action(control->loop);
    free(control);
}

static void post_control(struct loop *loop, void (*action)(struct loop *loop))
{
    struct control *control = xcalloc(1, sizeof(*control));

    control->message.run = run_control;
    control->loop = loop;
    control->action = action;
    loop_post(loop, &control->message);
}

static void do_drain(struct loop *loop)
{
    loop->draining = loop->hurried = true;
    each_connection(loop, drain_one);
}

static void do_hurry(struct loop *loop)
{
    loop->hurried = true;
    each_connection(loop, drain_one);
}

static void do_take_time(struct loop *loop)
{
    loop->hurried = loop->draining;
}

static void do_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_drain(struct loop *loop)
{
    post_control(loop, do_drain);
}

void loop_hurry(struct loop *loop, bool hurried)
{
    post_control(loop, hurried ? do_hurry : do_take_time);
}

void loop_stop(struct loop *loop)
{
    if (!loop->running)
        return;
    post_control(loop, do_stop);
    pthread_join(loop->thread, NULL);
    loop->running = false;
}

void loop_post(struct loop *loop, struct message *message)
{
    memset(&message->super, 0, sizeof(message->super));
    atomic_fetch_add(&loop->posting, 1);
    h2o_multithread_send_message(&loop->receiver, &message->super);
    atomic_fetch_sub(&loop->posting, 1);
}

void loop_connection_add(struct loop *loop, struct connection *connection)
{
    h2o_linklist_insert(&loop->connections, &connection->link);
    atomic_fetch_add(&loop->connection_count, 1);
}

void loop_connection_remove(struct loop *loop, struct connection *connection)
{
    h2o_linklist_unlink(&connection->link);
    atomic_fetch_sub(&loop->connection_count, 1);
}
