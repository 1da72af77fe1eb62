/*
 * Event loops, one per core, and the ways into them from other threads.
 *
 * A connection lives and dies on one loop. Nothing on a loop blocks: work that may block is a `struct job` that runs on
 * a worker (workers.h) or on the metadata writer and comes back to its loop as a message.
 *
 * Thread: loop_post() from any thread; everything else on the loop's own.
 */
#ifndef BERTH_NET_LOOP_H
#define BERTH_NET_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <h2o.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "registry/net/loop_lag.h"
#include "registry/observe/request_counts.h"

struct server;
struct meta_reader;
struct ruleset;
struct pulls;
struct event_gather;

/* Something to run on a loop. Embedded in what it is about. */
struct message {
    h2o_multithread_message_t super;
    void (*run)(struct message *message);
};

/* What a loop must know of a connection: the head of the driver's own structure. */
struct connection {
    h2o_linklist_t link;
    /* Called once a second with monotonic milliseconds; may close and free the connection. */
    void (*tick)(struct connection *connection, uint64_t now_ms);
    /* The loop drains or hurries: close when idle, or after the reply under way. May free the connection. */
    void (*drain)(struct connection *connection);
    /* Close and free at once. */
    void (*kill)(struct connection *connection);
};

/* Pieces of bodies (body.h), of one size. */
struct piece_stock {
    struct body_piece *spare;
    size_t spare_count;
    size_t in_use;
};

struct loop {
    /* of the thread that starts and stops it */
    pthread_t thread;
    bool running;

    /* made by the loop's thread before loop_start() returns, then read by any */
    struct server *server;
    unsigned index;
    h2o_multithread_receiver_t receiver;

    /* of the loop's thread. libh2o's buffers belong to the thread that made them: so does everything that holds one */
    h2o_loop_t *events;
    h2o_context_t context;
    struct meta_reader *reader;
    struct pulls *pulls;                /* what was pulled (pulls.h); NULL: that is not noted */
    struct event_gather *events_gather; /* pulls that endpoints are told of; NULL: there are none */
    struct ruleset *ruleset;            /* the access rules it works with (rules.h), or NULL */
    h2o_linklist_t connections;
    h2o_linklist_t yielded; /* messages that wait for a turn */
    uint64_t now_ms;
    uint64_t next_tick_ms;
    struct piece_stock small_pieces;
    struct piece_stock large_pieces;
    char *stream_room; /* what its streams share (stream.h) */
    uint64_t request_counter;
    unsigned warm_connections; /* those that keep buffers (http1_internal.h) */
    struct sbuf log_lines;     /* access-log lines of the last LOG_FLUSH_MS */
    uint64_t log_due_ms;
    size_t jobs;   /* submitted and not yet home (workers.h) */
    bool draining; /* it ends: nothing new is accepted */
    bool hurried;  /* connections end after the request under way; new ones may come, unless it is draining */
    bool stopping;

    uint64_t turn_ended_ms; /* wall clock */

    /* of any thread */
    struct loop_lag lag;            /* written by the loop's */
    struct request_counts requests; /* likewise */
    _Atomic uint64_t beat_ms;       /* monotonic, of its last tick: a loop that turns ticks once a second */
    atomic_size_t connection_count;
    atomic_uint posting; /* threads inside loop_post(), which touches the queue after the message can be seen */
};

/* Start the thread of loop number `index`; returns when messages can be posted to it. */
int loop_start(struct loop *loop, struct server *server, unsigned index, struct err *e);
/* Ask connections to finish; the loop goes on until loop_stop(). Any thread. */
void loop_drain(struct loop *loop);
/* From now on connections that are idle are closed, and others after the request under way, as in a drain; but new ones
 * are served, a request each. Or, not `hurried`, no longer. Any thread. */
void loop_hurry(struct loop *loop, bool hurried);
/* Close what is left, wait for jobs to come home, end the thread; waits for it. Nothing may be posted afterwards. Does
 * nothing for a loop that is not running. The thread that started it. */
void loop_stop(struct loop *loop);

/* What the loop's thread begins and ends with; loop_start() and loop_stop() see to it. A test may run a loop on its own
 * thread. */
int loop_init(struct loop *loop, struct server *server, unsigned index, struct err *e);
void loop_dispose(struct loop *loop);

/* Run the message on the loop, soon. */
void loop_post(struct loop *loop, struct message *message);

/* Run the message in another turn of the loop, after everything that is ready now and after those that yielded before:
 * one message a turn, so that long work cut into short pieces keeps nobody waiting for more than a piece. (What is
 * posted instead runs before sockets are looked at again.) It runs even when the loop is stopped. The loop's thread. */
void loop_yield(struct loop *loop, struct message *message);

/* An access-log line: appended to this buffer, whole with its line feed. Lines are handed over every tenth of a second,
 * so that requests share no lock. */
struct sbuf *loop_log_begin(struct loop *loop);
void loop_log_end(struct loop *loop);

void loop_connection_add(struct loop *loop, struct connection *connection);
void loop_connection_remove(struct loop *loop, struct connection *connection);

#endif
