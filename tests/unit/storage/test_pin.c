#include <pthread.h>
#include <stdatomic.h>

#include "storage/pin.h"
#include "tests/unit/test.h"

static struct digest digest_number(unsigned number)
{
    struct digest d;

    digest_of(DIGEST_SHA256, &number, sizeof(number), &d);
    return d;
}

TEST(shared, "many hold a digest at a time, and nobody can claim it until the last has dropped it")
{
    struct pins *pins = pins_new();
    struct digest d = digest_number(1);
    struct pin first = {0}, second = {0}, claim = {0};

    pin_hold(pins, &first, &d);
    pin_hold(pins, &second, &d);
    CHECK(!pin_claim(pins, &claim, &d));
    pin_drop(pins, &first);
    CHECK(!pin_claim(pins, &claim, &d));
    pin_drop(pins, &claim); /* holds nothing */
    pin_drop(pins, &second);
    CHECK(pin_claim(pins, &claim, &d));
    pin_drop(pins, &claim);
    pin_drop(pins, &claim);
    pins_free(&pins);
    CHECK(pins == NULL);
    pins_free(&pins);
}

TEST(exclusive, "a claim keeps out other claims of that digest, and nobody else's")
{
    struct pins *pins = pins_new();
    struct pin claims[200] = {0}, again = {0};

    for (unsigned i = 0; i < 200; i++) {
        struct digest d = digest_number(i);

        CHECK(pin_claim(pins, &claims[i], &d));
        CHECK(!pin_claim(pins, &again, &d));
    }
    for (unsigned i = 0; i < 200; i++)
        pin_drop(pins, &claims[i]);
    for (unsigned i = 0; i < 200; i++) {
        struct digest d = digest_number(i);

        CHECK(pin_claim(pins, &again, &d));
        pin_drop(pins, &again);
    }
    pins_free(&pins);
}

TEST(algorithms, "digests that differ in their algorithm only are not the same")
{
    struct pins *pins = pins_new();
    struct digest d = {.alg = DIGEST_SHA256}, other = {.alg = DIGEST_SHA512};
    struct pin claim = {0}, pin = {0};

    CHECK(pin_claim(pins, &claim, &d));
    pin_hold(pins, &pin, &other);
    pin_drop(pins, &pin);
    pin_drop(pins, &claim);
    pins_free(&pins);
}

/* ---- threads ---- */

enum { DIGESTS = 3, HOLDERS = 4, CLAIMERS = 2, ROUNDS = 20000 };

static struct {
    struct pins *pins;
    atomic_int holding[DIGESTS];
    int claims[DIGESTS]; /* written while claimed, read while held: a race if the two overlap */
    atomic_uint claimed;
    atomic_uint met; /* a holder and a claimer at once */
} shared_state;

static void *hold_often(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    volatile int seen;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = (seed + i * 7) % DIGESTS;
        struct digest d = digest_number(number);
        struct pin pin = {0};

        pin_hold(shared_state.pins, &pin, &d);
        atomic_fetch_add(&shared_state.holding[number], 1);
        seen = shared_state.claims[number];
        (void)seen;
        atomic_fetch_sub(&shared_state.holding[number], 1);
        pin_drop(shared_state.pins, &pin);
    }
    return NULL;
}

static void *claim_often(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = (seed + i) % DIGESTS;
        struct digest d = digest_number(number);
        struct pin pin = {0};

        if (!pin_claim(shared_state.pins, &pin, &d))
            continue;
        shared_state.claims[number]++;
        atomic_fetch_add(&shared_state.claimed, 1);
        if (atomic_load(&shared_state.holding[number]) != 0)
            atomic_fetch_add(&shared_state.met, 1);
        pin_drop(shared_state.pins, &pin);
    }
    return NULL;
}

TEST(threads, "no two threads claim a digest at once, and none holds what another claims")
{
    pthread_t threads[HOLDERS + CLAIMERS];
    unsigned total = 0;

    shared_state.pins = pins_new();
    for (unsigned i = 0; i < HOLDERS + CLAIMERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, i < HOLDERS ? hold_often : claim_often, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < HOLDERS + CLAIMERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < DIGESTS; i++)
        total += (unsigned)shared_state.claims[i];
    CHECK_INT(atomic_load(&shared_state.met), 0);
    CHECK(total > 0);
    CHECK_INT(total, atomic_load(&shared_state.claimed));
    pins_free(&shared_state.pins);
}

static void *hold_once(void *arg)
{
    struct digest d = digest_number(1);
    struct pin pin = {0};

    pin_hold(shared_state.pins, &pin, &d);
    atomic_store((atomic_int *)arg, 1);
    pin_drop(shared_state.pins, &pin);
    return NULL;
}

TEST(waits, "who wants to hold what is claimed waits until the claim is dropped")
{
    struct digest d = digest_number(1);
    struct pin claim = {0};
    atomic_int held = 0;
    pthread_t thread;

    shared_state.pins = pins_new();
    CHECK(pin_claim(shared_state.pins, &claim, &d));
    CHECK_INT(pthread_create(&thread, NULL, hold_once, &held), 0);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    CHECK_INT(atomic_load(&held), 0);
    pin_drop(shared_state.pins, &claim);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(atomic_load(&held), 1);
    pins_free(&shared_state.pins);
}
