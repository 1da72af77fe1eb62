/*
 * The worker pool: where what blocks is done, in lanes, so that hashing passwords never makes a pull wait for a thread,
 * nor guessing them somebody who knows his.
 *
 * Phases of a job:
 *   yours ── workers_submit ──▶ queued ──▶ run(job) on a worker ──▶ done(job) on job->loop ──▶ yours again
 * A job cannot be taken back. Its memory must live until done(); run() touches nothing that its loop may free
 * meanwhile. loop->jobs counts those under way, so that a loop does not end before they came home.
 *
 * Thread: submit from the job's loop; run on a worker, unlocked; done on the loop.
 */
#ifndef BERTH_NET_WORKERS_H
#define BERTH_NET_WORKERS_H

#include "registry/base/buckets.h"
#include "registry/net/loop.h"
#include "storage/meta/meta.h"

enum lane {
    LANE_DISK,    /* file operations: many threads, mostly waiting */
    LANE_HASH,    /* password hashes: one thread per core, at lower priority */
    LANE_SUSPECT, /* the same threads, when LANE_HASH is empty: hashes for who fails often */
    LANE_REPORT,  /* one thread: answers for monitoring, which come even when everybody else waits for the disk */
    LANE_COUNT,
};

struct job {
    void (*run)(struct job *job);
    void (*done)(struct job *job);
    struct loop *loop;
    /* the pool's */
    struct message message;
    struct job *next;
    uint64_t queued_us; /* monotonic */
};

struct workers;

struct workers *workers_start(unsigned disk_threads, unsigned hash_threads, struct err *e);
/* Waits for queued jobs to run, ends the threads, nulls. */
void workers_stop(struct workers **workers);
void workers_submit(struct workers *workers, enum lane lane, struct job *job);
/* How many jobs of the lane have not begun. Any thread. */
size_t workers_waiting(struct workers *workers, enum lane lane);
/* How long jobs of the lane waited until they began (scale_durations). Any thread; lives as long as the workers. */
const struct buckets *workers_waits(const struct workers *workers, enum lane lane);

/* Close a descriptor of a regular file. The last one of a file that was replaced or removed frees its blocks, which can
 * take long for a large one: that is left to a worker. From the loop. */
void workers_close(struct workers *workers, struct loop *loop, int fd);

/* A metadata change that ends on a loop: as a job, but apply() runs on the metadata writer and done() after its commit.
 */
struct commit {
    struct meta_change change; /* apply is the caller's; rc and err tell how it ended */
    struct job job;            /* done and loop are the caller's */
};

void commit_submit(struct meta *meta, struct commit *commit);

#endif
