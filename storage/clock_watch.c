#include "storage/clock_watch.h"

#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/base/str.h"

enum { JUMP_S = 60 /* clocks that are corrected by less do not matter */ };

struct clock_watch *clock_watch_new(void)
{
    struct clock_watch *watch = xcalloc(1, sizeof(*watch));

    pthread_mutex_init(&watch->lock, NULL);
    clock_watch_look(watch, clock_wall_s(), clock_monotonic_ms(), 0);
    return watch;
}

void clock_watch_free(struct clock_watch **watch)
{
    if (*watch == NULL)
        return;
    pthread_mutex_destroy(&(*watch)->lock);
    free(*watch);
    *watch = NULL;
}

uint64_t clock_watch_look(struct clock_watch *watch, uint64_t wall_s, uint64_t monotonic_ms, uint64_t grace_s)
{
    uint64_t expected_s = watch->wall_s + (monotonic_ms - watch->monotonic_ms) / 1000;
    uint64_t passed_s;

    if (watch->begun && wall_s > expected_s + JUMP_S) {
        log_warn("the clock was set forward by %llu s: nothing is swept until a grace has passed",
                 (unsigned long long)(wall_s - expected_s));
        watch->jumped = true;
        watch->jumped_ms = monotonic_ms;
    }
    watch->begun = true;
    watch->wall_s = wall_s;
    watch->monotonic_ms = monotonic_ms;
    passed_s = (monotonic_ms - watch->jumped_ms) / 1000;
    return watch->jumped && passed_s < grace_s ? grace_s - passed_s : 0;
}

int clock_watch_check(struct clock_watch *watch, uint64_t grace_s, struct err *e)
{
    uint64_t left_s;

    pthread_mutex_lock(&watch->lock);
    left_s = clock_watch_look(watch, clock_wall_s(), clock_monotonic_ms(), grace_s);
    pthread_mutex_unlock(&watch->lock);
    if (left_s == 0)
        return 0;
    return err_set(e, ERR_BUSY,
                   "the clock was set forward, so that what was just needed looks old; nothing is removed for %llu s "
                   "more (or with --grace 0s)",
                   (unsigned long long)left_s);
}
