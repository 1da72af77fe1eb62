#include "registry/background/background.h"

#include <errno.h>
#include <time.h>

static void free_parts(struct background *background)
{
    pthread_cond_destroy(&background->wake);
    pthread_mutex_destroy(&background->lock);
}

int background_start(struct background *background, const char *name, void *(*run)(void *arg), void *arg, struct err *e)
{
    pthread_condattr_t monotonic;
    int rc;

    background->stopping = false;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&background->lock, NULL);
    pthread_cond_init(&background->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    rc = pthread_create(&background->thread, NULL, run, arg);
    if (rc == 0)
        return 0;
    free_parts(background);
    errno = rc;
    return err_errno(e, "start the %s's thread", name);
}

bool background_rest(struct background *background, uint64_t ms)
{
    struct timespec until;
    bool stopping;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&background->lock);
    while (!background->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&background->wake, &background->lock, &until);
    stopping = background->stopping;
    pthread_mutex_unlock(&background->lock);
    return !stopping;
}

void background_stop(struct background *background)
{
    pthread_mutex_lock(&background->lock);
    background->stopping = true;
    pthread_cond_signal(&background->wake);
    pthread_mutex_unlock(&background->lock);
    pthread_join(background->thread, NULL);
    free_parts(background);
}
