/*
 * One check (health.h), and the kinds there are.
 *
 * Life: check_start(), then check_stop(). In between its own thread runs it, and any may ask how it stands.
 */
#ifndef BERTH_HEALTH_CHECK_H
#define BERTH_HEALTH_CHECK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "registry/base/err.h"
#include "registry/config/config.h"
#include "registry/live.h"

struct http_client;
struct check;

/* One run: 0, or -1 with what is wrong. May block; what has a deadline of its own keeps to it. */
typedef int check_run(struct check *check, struct err *e);

struct check {
    /* constant while it runs */
    const char *name; /* for people: borrowed */
    check_run *run;
    const struct config *config;       /* of the server */
    const struct config_check *wanted; /* NULL: the storage's */
    const struct live *live;
    uint64_t interval_ms;
    uint64_t threshold;
    uint64_t limit_ms;    /* of a run: longer, and it hangs */
    atomic_uint *failing; /* how many of the server's checks do */

    /* of its thread */
    pthread_t thread;
    struct http_client *client; /* made when it is first needed */

    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t began_ms; /* of the run under way, monotonic; 0: it rests */
    uint64_t failures; /* in a row */
    bool fails;
    char reason[ERR_TEXT_MAX];

    atomic_bool stopping;
};

int check_start(struct check *check, struct err *e);
/* False: it hangs, at `until` (CLOCK_REALTIME) still; then it and all that it borrows must stay. */
bool check_stop(struct check *check, const struct timespec *until);
/* Has the run under way taken too long? Then it fails. */
void check_watch(struct check *check);
/* Does it fail? Then `reason` is told. */
bool check_fails(struct check *check, char reason[ERR_TEXT_MAX]);

check_run check_run_storage, check_run_file, check_run_http, check_run_tcp;

#endif
