#include "registry/health/health.h"

#include <stdlib.h>
#include <time.h>

#include "registry/base/log.h"
#include "registry/health/check.h"

enum {
    STOP_PATIENCE_S = 2,
    LOOK_UP_MS = 30 * 1000, /* that a resolver may take, besides the timeout */
};

struct health {
    atomic_uint failing;
    size_t n;
    struct check checks[];
};

static struct check *add(struct health *health, const struct config *config, const struct live *live)
{
    struct check *check = &health->checks[health->n];

    check->config = config;
    check->live = live;
    check->failing = &health->failing;
    return check;
}

static int add_storage(struct health *health, const struct config *config, const struct live *live, struct err *e)
{
    struct check *check = add(health, config, live);

    check->name = "storagedriver_filesystem";
    check->run = check_run_storage;
    check->interval_ms = config->storage_check.interval_ms;
    check->threshold = config->storage_check.threshold;
    /* As long as one that fails takes to be noticed; a threshold may be any number. */
    if (__builtin_mul_overflow(check->interval_ms, check->threshold, &check->limit_ms))
        check->limit_ms = UINT64_MAX;
    if (check_start(check, e) != 0)
        return -1;
    health->n++;
    return 0;
}

static int add_wanted(struct health *health, const struct config *config, const struct config_check *wanted,
                      const struct live *live, struct err *e)
{
    static check_run *const runs[] = {
        [CONFIG_CHECK_FILE] = check_run_file, [CONFIG_CHECK_HTTP] = check_run_http, [CONFIG_CHECK_TCP] = check_run_tcp};
    struct check *check = add(health, config, live);

    check->name = wanted->target;
    check->run = runs[wanted->kind];
    check->wanted = wanted;
    check->interval_ms = wanted->interval_ms;
    check->threshold = wanted->threshold;
    check->limit_ms = wanted->timeout_ms + LOOK_UP_MS;
    if (check_start(check, e) != 0)
        return -1;
    health->n++;
    return 0;
}

struct health *health_start(const struct config *config, const struct live *live, struct err *e)
{
    struct health *health = xcalloc(1, sizeof(*health) + (config->check_count + 1) * sizeof(struct check));
    int rc = config->storage_check.enabled ? add_storage(health, config, live, e) : 0;

    for (size_t i = 0; rc == 0 && i < config->check_count; i++)
        rc = add_wanted(health, config, &config->checks[i], live, e);
    if (rc != 0)
        health_stop(&health);
    return health;
}

void health_stop(struct health **health)
{
    struct health *h = *health;
    struct timespec until;
    bool stopped = true;

    if (h == NULL)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_PATIENCE_S;
    for (size_t i = 0; i < h->n; i++)
        stopped = check_stop(&h->checks[i], &until) && stopped;
    if (stopped)
        free(h);
    else
        log_warn("health: a check hangs; it is left behind");
    *health = NULL;
}

bool health_is_good(const struct health *health)
{
    return health == NULL || atomic_load_explicit(&health->failing, memory_order_relaxed) == 0;
}

void health_json(struct health *health, struct sbuf *out)
{
    char reason[ERR_TEXT_MAX];
    bool first = true;

    sbuf_put(out, "{", 1);
    for (size_t i = 0; health != NULL && i < health->n; i++) {
        if (!check_fails(&health->checks[i], reason))
            continue;
        if (!first)
            sbuf_put(out, ",", 1);
        first = false;
        sbuf_json(out, str_of(health->checks[i].name));
        sbuf_put(out, ":", 1);
        sbuf_json(out, str_of(reason));
    }
    sbuf_put(out, "}", 1);
}

void health_watch(struct health *health)
{
    for (size_t i = 0; health != NULL && i < health->n; i++)
        check_watch(&health->checks[i]);
}
