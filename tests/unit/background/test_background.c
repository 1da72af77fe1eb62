#include "registry/background/background.h"

#include <sched.h>
#include <stdatomic.h>

#include "registry/base/clock.h"
#include "tests/unit/test.h"

struct worker {
    struct background background;
    uint64_t rest_ms;
    atomic_uint rests;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    while (background_rest(&w->background, w->rest_ms))
        atomic_fetch_add(&w->rests, 1);
    return NULL;
}

static void start(struct worker *w, uint64_t rest_ms)
{
    struct err e;

    w->rest_ms = rest_ms;
    atomic_init(&w->rests, 0);
    CHECK_INT(background_start(&w->background, "worker", work, w, &e), 0);
}

TEST(rests, "a rest lasts as long as was said, also over the end of a second")
{
    struct worker w;
    uint64_t began_ms = clock_monotonic_ms();

    start(&w, 300);
    while (atomic_load(&w.rests) < 4 && clock_monotonic_ms() - began_ms < 60000)
        sched_yield();
    CHECK(clock_monotonic_ms() - began_ms >= 1190); /* the clock of milliseconds cuts off what is less than one */
    background_stop(&w.background);
    CHECK(atomic_load(&w.rests) >= 4);
}

TEST(stops, "who rests for days stops at once, and looking for nothing does not wait")
{
    struct worker w;
    uint64_t began_ms = clock_monotonic_ms();

    start(&w, 7ULL * 24 * 60 * 60 * 1000);
    background_stop(&w.background);
    CHECK_INT(atomic_load(&w.rests), 0);
    start(&w, 0);
    while (atomic_load(&w.rests) < 1000 && clock_monotonic_ms() - began_ms < 60000)
        ;
    background_stop(&w.background);
    CHECK(atomic_load(&w.rests) >= 1000);
    CHECK(clock_monotonic_ms() - began_ms < 60000);
}
