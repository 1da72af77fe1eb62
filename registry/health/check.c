#include "registry/health/check.h"

#include <errno.h>
#include <stdio.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/client/http_client.h"

/* ---- how it stands; under the lock ---- */

static void set_fails(struct check *check, bool fails)
{
    if (check->fails == fails)
        return;
    check->fails = fails;
    if (fails) {
        atomic_fetch_add(check->failing, 1);
        log_error("health: %s: %s; requests get 503 until that is well again", check->name, check->reason);
    } else {
        atomic_fetch_sub(check->failing, 1);
        log_info("health: %s: well again", check->name);
    }
}

static void judge(struct check *check, int rc, const struct err *e)
{
    if (rc == 0) {
        check->failures = 0;
        set_fails(check, false);
        return;
    }
    snprintf(check->reason, sizeof(check->reason), "%s", e->text);
    if (++check->failures >= check->threshold)
        set_fails(check, true);
}

void check_watch(struct check *check)
{
    pthread_mutex_lock(&check->lock);
    if (check->began_ms != 0 && clock_monotonic_ms() - check->began_ms > check->limit_ms && !check->fails) {
        snprintf(check->reason, sizeof(check->reason), "no result for more than %llu s: it hangs",
                 (unsigned long long)(check->limit_ms / 1000));
        set_fails(check, true);
    }
    pthread_mutex_unlock(&check->lock);
}

bool check_fails(struct check *check, char reason[ERR_TEXT_MAX])
{
    bool fails;

    pthread_mutex_lock(&check->lock);
    fails = check->fails;
    if (fails)
        snprintf(reason, ERR_TEXT_MAX, "%s", check->reason);
    pthread_mutex_unlock(&check->lock);
    return fails;
}

/* ---- the thread ---- */

/* Until the next run is due, or the end. */
static void rest(struct check *check)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(check->interval_ms / 1000);
    until.tv_nsec += (long)(check->interval_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!atomic_load(&check->stopping) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&check->wake, &check->lock, &until);
}

static void *run(void *arg)
{
    struct check *check = arg;

    pthread_mutex_lock(&check->lock);
    while (!atomic_load(&check->stopping)) {
        struct err e;
        int rc;

        check->began_ms = clock_monotonic_ms();
        pthread_mutex_unlock(&check->lock);
        rc = check->run(check, &e);
        pthread_mutex_lock(&check->lock);
        check->began_ms = 0;
        if (!atomic_load(&check->stopping))
            judge(check, rc, &e);
        rest(check);
    }
    pthread_mutex_unlock(&check->lock);
    http_client_free(&check->client);
    return NULL;
}

/* ---- start and stop ---- */

int check_start(struct check *check, struct err *e)
{
    pthread_condattr_t monotonic;
    int rc;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&check->lock, NULL);
    pthread_cond_init(&check->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&check->stopping, false);
    rc = pthread_create(&check->thread, NULL, run, check);
    if (rc == 0)
        return 0;
    pthread_cond_destroy(&check->wake);
    pthread_mutex_destroy(&check->lock);
    errno = rc;
    return err_errno(e, "start the thread of health check %s", check->name);
}

bool check_stop(struct check *check, const struct timespec *until)
{
    pthread_mutex_lock(&check->lock);
    atomic_store(&check->stopping, true);
    pthread_cond_signal(&check->wake);
    pthread_mutex_unlock(&check->lock);
    if (pthread_timedjoin_np(check->thread, NULL, until) != 0)
        return false;
    pthread_cond_destroy(&check->wake);
    pthread_mutex_destroy(&check->lock);
    return true;
}
