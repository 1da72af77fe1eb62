/*
 * A thread that works in small steps for as long as the server runs, rests between them, and can be told to stop: the
 * sweeper, the scrubber. What it does, and at which priority, is its own affair.
 *
 * Life: background_start(), then background_stop(), which waits for the step under way. background_rest() belongs to the
 * thread itself.
 */
#ifndef BERTH_BACKGROUND_BACKGROUND_H
#define BERTH_BACKGROUND_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"

struct background {
    pthread_t thread;
    pthread_mutex_t lock; /* guards `stopping` */
    pthread_cond_t wake;
    bool stopping;
};

/* `run` is called with `arg` on the new thread; `name` is for the error. After a failure there is nothing to stop. */
int background_start(struct background *background, const char *name, void *(*run)(void *arg), void *arg,
                     struct err *e);

/* Rest for so long, 0 to look only, or until told to stop. False: stop. */
bool background_rest(struct background *background, uint64_t ms);

/* Returns when the thread has ended. */
void background_stop(struct background *background);

#endif
