#include "registry/housekeeper.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/health/health.h"
#include "registry/log_files.h"
#include "registry/observe/metrics.h"
#include "registry/rules.h"
#include "registry/served.h"
#include "registry/process/service_manager.h"
#include "registry/process/watchdog.h"
#include "storage/upload_census.h"

enum {
    HOUSEKEEPING_MS = 500, /* a change is in force after two looks at the most */
    DRAIN_POLL_MS = 20,
    FIRST_PURGE_MS = 60 * 1000, /* so that a server that is restarted daily purges too */
    PURGE_AT_ONCE = 1000,
    PURGE_AGAIN_MS = 60 * 1000, /* while the clock is not to be believed */
    COUNTED_AT_ONCE = 4000,     /* files of unfinished uploads */
};

static size_t connections(const struct server *server)
{
    size_t n = 0;

    for (unsigned i = 0; i < server->loop_count; i++)
        n += atomic_load(&server->loops[i].connection_count);
    return n;
}

unsigned house_refresh(struct server *server, bool force)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    unsigned fresh = 0;

    pthread_mutex_lock(&one_at_a_time);
    if (server->users != NULL && users_refresh(server->users, force))
        fresh |= SERVED_USERS;
    if (rules_refresh(server->rules, force))
        fresh |= SERVED_RULES;
    if (server->tls != NULL && tls_refresh(server->tls, force))
        fresh |= SERVED_TLS;
    pthread_mutex_unlock(&one_at_a_time);
    return fresh;
}

/* Purge stale uploads when their time has come; returns when to look again: soon, if there may be more, or if the clock
 * was set forward, which makes all of them look old. */
static uint64_t purge_uploads(struct server *server, uint64_t due_ms)
{
    const struct config *config = server->config;
    uint64_t now_ms = clock_monotonic_ms();
    struct err e;
    size_t purged;

    if (!config->upload_purging.enabled || live_is_readonly(&server->live) || now_ms < due_ms)
        return due_ms;
    if (store_purge_uploads(server->store, config->upload_purging.age_s, PURGE_AT_ONCE, config->upload_purging.dry_run,
                            &purged, &e) != 0)
        return now_ms + PURGE_AGAIN_MS;
    if (!config->upload_purging.dry_run)
        metric_add(METRIC_UPLOADS_EXPIRED, purged);
    if (purged > 0)
        log_info("%zu stale uploads purged", purged);
    return purged == PURGE_AT_ONCE ? now_ms : now_ms + config->upload_purging.interval_s * 1000;
}

static void wait_for_signals(struct server *server, const sigset_t *signals, struct watchdog *watchdog)
{
    const struct timespec pause = {HOUSEKEEPING_MS / 1000, HOUSEKEEPING_MS % 1000 * 1000000L};
    uint64_t purge_due_ms = clock_monotonic_ms() + FIRST_PURGE_MS;

    for (;;) {
        int number = sigtimedwait(signals, NULL, &pause);

        if (number == SIGTERM || number == SIGINT) {
            log_info("%s: draining, at most %llu ms", number == SIGTERM ? "SIGTERM" : "SIGINT",
                     (unsigned long long)server->config->drain_timeout_ms);
            return;
        }
        if (number == SIGHUP) {
            log_info("SIGHUP: reading certificates, users and access rules again");
            service_reloading();
        }
        if (log_files_follow(server->log_files, number == SIGUSR1) > 0 || number == SIGUSR1)
            log_info(number == SIGUSR1 ? "SIGUSR1: log files opened again" : "log files opened again: they were moved");
        house_refresh(server, number == SIGHUP);
        if (number == SIGHUP)
            service_ready();
        health_watch(server->health);
        watchdog_look(watchdog, clock_monotonic_ms());
        uploads_count_some(server->store->uploads, COUNTED_AT_ONCE);
        purge_due_ms = purge_uploads(server, purge_due_ms);
    }
}

static void drain(struct server *server)
{
    const struct timespec pause = {0, DRAIN_POLL_MS * 1000000L};
    uint64_t deadline_ms = clock_monotonic_ms() + server->config->drain_timeout_ms;

    for (unsigned i = 0; i < server->loop_count; i++)
        loop_drain(&server->loops[i]);
    while (connections(server) > 0 && clock_monotonic_ms() < deadline_ms)
        nanosleep(&pause, NULL);
    if (connections(server) > 0)
        log_warn("%zu connections cut at the end of http.draintimeout", connections(server));
}

void house_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGHUP);
    sigaddset(out, SIGUSR1);
}

void keep_house(struct server *server)
{
    struct watchdog *watchdog = watchdog_new(server->loops, server->loop_count, clock_monotonic_ms());
    sigset_t signals;

    house_signals(&signals);
    wait_for_signals(server, &signals, watchdog);
    watchdog_free(&watchdog); /* who stops is not watched */
    live_set_stopping(&server->live);
    service_stopping();
    drain(server);
}
