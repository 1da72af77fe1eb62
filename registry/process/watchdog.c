#include "registry/process/watchdog.h"

#include <stdbool.h>
#include <stdlib.h>

/* base */
#include "registry/base/log.h"
#include "registry/base/str.h"

/* registry */
#include "registry/process/service_manager.h"

struct watchdog {
    const struct loop *loops;
    unsigned n;
    uint64_t interval_ms; /* after which the service manager loses its patience */
    uint64_t said_ms;     /* when we said that we live */
    bool complained;      /* since then */
    uint64_t turns[];     /* of each loop at that time */
};

static void remember(struct watchdog *watchdog, uint64_t now_ms)
{
    for (unsigned i = 0; i < watchdog->n; i++)
        watchdog->turns[i] = loop_lag_turns(&watchdog->loops[i].lag);
    watchdog->said_ms = now_ms;
    watchdog->complained = false;
}

struct watchdog *watchdog_new(const struct loop *loops, unsigned n, uint64_t now_ms)
{
    uint64_t interval_ms = service_watchdog_ms();
    struct watchdog *watchdog;

    if (interval_ms == 0)
        return NULL;
    watchdog = xcalloc(1, sizeof(*watchdog) + n * sizeof(watchdog->turns[0]));
    watchdog->loops = loops;
    watchdog->n = n;
    watchdog->interval_ms = interval_ms;
    remember(watchdog, now_ms);
    return watchdog;
}

void watchdog_free(struct watchdog **watchdog)
{
    free(*watchdog);
    *watchdog = NULL;
}

/* The first loop that has not turned since we last spoke, or `n`. */
static unsigned find_still(const struct watchdog *watchdog)
{
    unsigned i = 0;

    while (i < watchdog->n && loop_lag_turns(&watchdog->loops[i].lag) != watchdog->turns[i])
        i++;
    return i;
}

void watchdog_look(struct watchdog *watchdog, uint64_t now_ms)
{
    unsigned still;

    if (watchdog == NULL || now_ms - watchdog->said_ms < watchdog->interval_ms / 4)
        return;
    still = find_still(watchdog);
    if (still == watchdog->n) {
        service_alive();
        remember(watchdog, now_ms);
    } else if (!watchdog->complained && now_ms - watchdog->said_ms >= watchdog->interval_ms / 2) {
        log_error("event loop %u has not turned for %llu ms; if it goes on like that the service manager starts the "
                  "server anew",
                  still, (unsigned long long)(now_ms - watchdog->said_ms));
        watchdog->complained = true;
    }
}
