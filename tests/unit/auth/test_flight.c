#include "auth/flight.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

enum { THREADS = 8 };

/* Work that ends when the test says so. */
struct work {
    struct flights *flights;
    struct credential_key key;
    bool answer;
    atomic_int started;
    atomic_int joined;
    atomic_int yes;
    atomic_bool may_end;
};

static bool run(void *argument)
{
    struct work *w = argument;

    atomic_fetch_add(&w->started, 1);
    while (!atomic_load(&w->may_end))
        usleep(1000);
    return w->answer;
}

static void *join(void *argument)
{
    struct work *w = argument;

    atomic_fetch_add(&w->joined, 1);
    if (flights_join(w->flights, &w->key, run, w))
        atomic_fetch_add(&w->yes, 1);
    return NULL;
}

static void start(pthread_t *threads, struct work *w)
{
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, join, w) != 0)
            test_fail(__FILE__, __LINE__, "cannot start a thread");
    while (atomic_load(&w->joined) < THREADS || atomic_load(&w->started) == 0)
        usleep(1000);
    usleep(50 * 1000); /* for the slowest to get from `joined` to the wait */
}

static void finish(pthread_t *threads, struct work *w)
{
    atomic_store(&w->may_end, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

TEST(one_works, "threads with equal keys share one computation and its answer")
{
    for (int answer = 0; answer < 2; answer++) {
        struct work w = {.flights = flights_new(), .answer = answer != 0};
        pthread_t threads[THREADS];

        start(threads, &w);
        finish(threads, &w);
        CHECK_INT(w.started, 1);
        CHECK_INT(w.yes, answer ? THREADS : 0);
        flights_free(&w.flights);
        CHECK(w.flights == NULL);
    }
}

TEST(others_pass, "another key does not wait")
{
    struct work slow = {.flights = flights_new(), .answer = true};
    struct work quick = {.flights = slow.flights, .answer = true, .may_end = true};
    pthread_t threads[THREADS];

    quick.key.digest[31] = 1;
    start(threads, &slow);
    CHECK(flights_join(quick.flights, &quick.key, run, &quick));
    CHECK_INT(quick.started, 1);
    finish(threads, &slow);
    CHECK_INT(slow.yes, THREADS);
    flights_free(&slow.flights);
}

TEST(again, "who comes after an answer was given has it computed again")
{
    struct work w = {.flights = flights_new(), .answer = true, .may_end = true};

    CHECK(flights_join(w.flights, &w.key, run, &w));
    w.answer = false;
    CHECK(!flights_join(w.flights, &w.key, run, &w));
    CHECK_INT(w.started, 2);
    flights_free(&w.flights);
}
