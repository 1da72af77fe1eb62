/*
 * The load program's modes of work. A mode is a row of the table in load.c; the main program connects, lets all threads
 * start at one moment, and measures until the last one is done.
 *
 * Thread: a worker is one thread; options and target are read-only and shared.
 */
#ifndef BERTH_TESTS_BENCH_LOAD_H
#define BERTH_TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "tests/bench/client.h"
#include "tests/bench/histogram.h"

struct options {
    const char *const *arguments; /* of the mode */
    uint64_t connections;
    uint64_t threads; /* of shared modes; 0: a few */
    double seconds;   /* how long, for modes that go by time */
    uint64_t count;   /* how often per connection, for modes that go by number */
    uint64_t mebibytes;
    uint64_t seed;   /* another seed, another content */
    uint64_t expect; /* status */
    bool wait;       /* for a line on standard input before the clock starts */
};

/* Operations of one kind: how many, how long each took, how many bytes of content they moved. */
struct tally {
    uint64_t operations;
    uint64_t bytes;
    struct histogram latency;
};

struct worker {
    const struct options *options;
    const struct target *target;
    unsigned index;
    /* its connections; open when `prepare` is called */
    struct client **clients;
    size_t client_count;
    void *state; /* of the mode: made by prepare, freed by free_state */
    /* results */
    struct tally done;
    struct tally pushed; /* of modes that do something else, too */
};

/* Nanoseconds of a clock that never jumps. */
uint64_t load_clock(void);
/* When modes that go by time and begin now have to end. */
uint64_t load_deadline(const struct options *options);
/* One more operation, which began at `began` of that clock and ends now. */
void tally_finish(struct tally *tally, uint64_t began);
/* The same for worker->done. */
void worker_finish(struct worker *worker, uint64_t began);
/* Another number for each run (--seed), worker and `n` (below 2^24). */
uint64_t worker_number(const struct worker *worker, uint64_t n);

struct mode {
    const char *name;
    const char *arguments;
    const char *purpose;
    int argument_count;
    bool shared; /* a few threads serve all connections in turn; otherwise one thread per connection */
    bool hold;   /* keeps its connections open until standard input ends */
    int (*prepare)(struct worker *worker, struct err *e); /* before the clock starts; may be NULL */
    int (*run)(struct worker *worker, struct err *e);
    void (*free_state)(struct worker *worker); /* may be NULL */
};

/* load_requests.c */
int requests_run(struct worker *worker, struct err *e);
int idle_run(struct worker *worker, struct err *e);
int pull_run(struct worker *worker, struct err *e);

/* load_handshakes.c */
int handshakes_prepare(struct worker *worker, struct err *e);
int handshakes_run(struct worker *worker, struct err *e);
int handshakes_resumed_run(struct worker *worker, struct err *e);
void handshakes_free(struct worker *worker);

/* load_push.c */
int push_prepare(struct worker *worker, struct err *e);
int push_run(struct worker *worker, struct err *e);
int uploads_run(struct worker *worker, struct err *e);
void push_free(struct worker *worker);

/* load_images.c */
int images_run(struct worker *worker, struct err *e);

/* load_mixed.c */
int mixed_prepare(struct worker *worker, struct err *e);
int mixed_run(struct worker *worker, struct err *e);
int tail_prepare(struct worker *worker, struct err *e);
int tail_run(struct worker *worker, struct err *e);
void mixed_free(struct worker *worker);

#endif
