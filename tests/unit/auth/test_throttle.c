/* Counts: how they run out and come back, for whom, at once, and when memory is short. */
#include "tests/unit/auth/throttle_fixture.h"

TEST(timeline, "attempts run out, come back one at a time, and the answer says when")
{
    static const struct {
        uint64_t at_ms;
        unsigned wait_s;
    } steps[] = {
        {0, 0},    {0, 0},    {0, 0},    {0, 3}, /* 2.5 s rounded up */
        {1, 3},    {500, 2},  {1499, 2}, {1500, 1},  {2499, 1},  {2500, 0},  {2500, 3},
        {7500, 0}, {7500, 0}, {7500, 3}, {99999, 0}, {99999, 0}, {99999, 0}, {99999, 3}, /* never more than the burst */
    };
    struct throttle *throttle = throttle_new(&limits);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        CHECK_INT(take(throttle, nowhere, STR("alice"), NOW + steps[i].at_ms), steps[i].wait_s);
    throttle_free(&throttle);
    CHECK(throttle == NULL);
}

TEST(who_counts, "an address counts over all names, a name over all addresses, and neither slows others")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 9), 3);
    CHECK_INT(passing(throttle, ipv4(1), STR("bob"), NOW, 9), 2); /* five of the address */
    CHECK_INT(passing(throttle, ipv4(1), STR("carol"), NOW, 9), 0);
    CHECK_INT(passing(throttle, ipv4(2), STR("alice"), NOW, 9), 0);
    CHECK_INT(passing(throttle, ipv4(2), STR("bob"), NOW, 9), 1);
    CHECK_INT(passing(throttle, ipv4(2), STR("carol"), NOW, 9), 3);
    throttle_free(&throttle);
}

TEST(nothing_taken, "an attempt that one side refuses costs the other nothing, however often it is repeated")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 9), 3);
    for (unsigned i = 0; i < 100; i++)
        CHECK_INT(take(throttle, ipv4(2), STR("alice"), NOW), 3); /* refused by the name */
    CHECK_INT(passing(throttle, ipv4(2), STR("bob"), NOW, 9), 3);
    CHECK_INT(passing(throttle, ipv4(1), STR("carol"), NOW, 9), 2);
    for (unsigned i = 0; i < 100; i++)
        CHECK_INT(take(throttle, ipv4(1), STR("dave"), NOW), 3); /* refused by the address */
    CHECK_INT(passing(throttle, ipv4(3), STR("dave"), NOW, 9), 3);
    throttle_free(&throttle);
}

TEST(longer_wait, "when both refuse, the longer wait is told")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 9), 3);
    CHECK_INT(passing(throttle, ipv4(1), STR("bob"), NOW + 2000, 9), 2);
    CHECK_INT(take(throttle, ipv4(1), STR("alice"), NOW + 2000), 1); /* the name's and the address's first return */
    CHECK_INT(passing(throttle, ipv4(2), STR("bob"), NOW + 2000, 9), 1);
    CHECK_INT(take(throttle, ipv4(1), STR("bob"), NOW + 2000), 3); /* the address would be ready after one second */
    throttle_free(&throttle);
}

TEST(networks, "IPv4 addresses count one by one, IPv6 addresses by their /64, unknown ones not at all")
{
    const struct {
        const char *what;
        struct network_address first, second;
        unsigned left; /* attempts of the second when the first has used up its five */
    } cases[] = {
        {"the same IPv4 address", ipv4(7), ipv4(7), 0}, {"its neighbour", ipv4(7), ipv4(6), 5},
        {"the same /64", ipv6(1, 1), ipv6(1, 200), 0},  {"the next /64", ipv6(1, 1), ipv6(2, 1), 5},
        {"a Unix socket", nowhere, nowhere, 5},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct throttle *throttle = throttle_new(&limits);
        unsigned left = 0;

        for (unsigned n = 0; n < 5; n++)
            CHECK_INT(take(throttle, cases[i].first, name_of(n), NOW), 0);
        for (unsigned n = 5; n < 10; n++)
            left += take(throttle, cases[i].second, name_of(n), NOW) == 0;
        if (left != cases[i].left)
            test_fail(__FILE__, __LINE__, "%s: %u left", cases[i].what, left);
        throttle_free(&throttle);
    }
}

TEST(refund, "right passwords cost nothing")
{
    struct throttle *throttle = throttle_new(&limits);

    for (unsigned i = 0; i < 100; i++) {
        CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
        CHECK(log_in(throttle, nowhere, STR("bob"), NOW));
    }
    CHECK_INT(passing(throttle, nowhere, STR("alice"), NOW, 9), 3);
    CHECK_INT(passing(throttle, nowhere, STR("bob"), NOW, 9), 3);
    CHECK_INT(passing(throttle, ipv4(1), STR("carol"), NOW, 9), 3);
    CHECK_INT(passing(throttle, ipv4(1), STR("dave"), NOW, 9), 2);
    throttle_free(&throttle);
}

TEST(late_refund, "what is given back after it has recovered does not make a burst longer")
{
    struct throttle *throttle = throttle_new(&limits);
    struct throttle_attempt attempt;

    CHECK_INT(throttle_take(throttle, &nowhere, STR("alice"), new_password(), NOW, &attempt), 0);
    throttle_passed(throttle, &attempt, NOW + 60000);
    CHECK_INT(passing(throttle, nowhere, STR("alice"), NOW + 60000, 9), 3);
    throttle_free(&throttle);
}

enum { THREADS = 8, ROUNDS = 500 };

struct crowd {
    struct throttle *throttle;
    pthread_barrier_t start;
    bool same_user; /* else: the same address */
    atomic_uint passed;
};

/* In each round all threads start together, with a name or an address that is new in that round. */
static void *rush(void *argument)
{
    struct crowd *crowd = argument;
    static atomic_uint next;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct network_address from = crowd->same_user ? nowhere : ipv4(round);
        char text[32];
        unsigned n = crowd->same_user ? round : atomic_fetch_add(&next, 1);
        struct str name = {text, (size_t)snprintf(text, sizeof(text), "%u", n)};

        pthread_barrier_wait(&crowd->start);
        for (int i = 0; i < 4; i++)
            if (take(crowd->throttle, from, name, NOW) == 0)
                atomic_fetch_add(&crowd->passed, 1);
    }
    return NULL;
}

/* Many logins of one user from one address, all with the right password. */
static void *log_in_on(void *argument)
{
    struct crowd *crowd = argument;

    pthread_barrier_wait(&crowd->start);
    for (int i = 0; i < 20000; i++)
        if (log_in(crowd->throttle, ipv4(1), STR("alice"), NOW))
            atomic_fetch_add(&crowd->passed, 1);
    return NULL;
}

static unsigned run_crowd(struct crowd *crowd, void *(*act)(void *))
{
    pthread_t threads[THREADS];

    crowd->throttle = throttle_new(&limits);
    CHECK_INT(pthread_barrier_init(&crowd->start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, act, crowd), 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&crowd->start);
    return atomic_load(&crowd->passed);
}

TEST(at_once, "of simultaneous attempts exactly the burst passes, of a name as of an address")
{
    struct crowd name = {.same_user = true}, address = {.same_user = false};

    CHECK_INT(run_crowd(&name, rush), 3 * ROUNDS);
    throttle_free(&name.throttle);
    CHECK_INT(run_crowd(&address, rush), 5 * ROUNDS);
    throttle_free(&address.throttle);
}

TEST(at_once_right, "simultaneous right passwords leave every count as it was")
{
    struct crowd crowd = {.same_user = true};

    CHECK(run_crowd(&crowd, log_in_on) > 0);
    CHECK_INT(passing(crowd.throttle, ipv4(2), STR("alice"), NOW, 9), 3);
    CHECK_INT(passing(crowd.throttle, ipv4(1), STR("alice"), NOW, 9), 3);
    throttle_free(&crowd.throttle);
}

TEST(flood, "a hundred thousand other names and networks, each tried once, do not make a throttled one forgotten")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK_INT(passing(throttle, ipv6(1, 1), STR("alice"), NOW, 9), 3);
    CHECK_INT(passing(throttle, ipv6(1, 1), STR("bob"), NOW, 9), 2);
    for (uint32_t i = 2; i < 100002; i++)
        CHECK_INT(take(throttle, ipv6(i, 1), name_of(i), NOW), 0);
    CHECK_INT(take(throttle, nowhere, STR("alice"), NOW), 3);
    CHECK_INT(take(throttle, ipv6(1, 1), STR("carol"), NOW), 3);
    throttle_free(&throttle);
}

TEST(eviction, "when more use up their attempts than there is room for, the newest are held all the same")
{
    struct throttle *throttle = throttle_new(&limits);
    unsigned held = 0;

    for (unsigned i = 0; i < 100000; i++)
        CHECK_INT(passing(throttle, nowhere, name_of(i), NOW + i / 100, 3), 3);
    for (unsigned i = 99000; i < 100000; i++)
        held += take(throttle, nowhere, name_of(i), NOW + 1000) != 0;
    CHECK(held > 900);
    throttle_free(&throttle);
}

TEST(pairs_bounded, "two thousand later pairs do not make a remembered one forgotten")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);

    throttle_remember(throttle, &from, STR("alice"), NOW);
    for (uint32_t i = 2; i < 2000; i++) {
        struct network_address other = ipv4(i);

        throttle_remember(throttle, &other, STR("alice"), NOW + i);
    }
    CHECK_INT(passing(throttle, nowhere, STR("alice"), NOW, 9), 3);
    CHECK_INT(take(throttle, ipv4(1), STR("alice"), NOW), 0);
    throttle_free(&throttle);
}

TEST(counted, "addresses and names without an attempt left are counted until one comes back")
{
    struct throttle *throttle = throttle_new(&limits);
    size_t addresses, names;

    throttle_count(throttle, NOW, &addresses, &names);
    CHECK_INT(addresses + names, 0);
    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 2), 2);
    throttle_count(throttle, NOW, &addresses, &names);
    CHECK_INT(addresses + names, 0);
    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 9), 1); /* three of a name */
    throttle_count(throttle, NOW, &addresses, &names);
    CHECK_INT(addresses, 0);
    CHECK_INT(names, 1);
    CHECK_INT(passing(throttle, ipv4(1), STR("bob"), NOW, 9), 2); /* five of an address */
    throttle_count(throttle, NOW, &addresses, &names);
    CHECK_INT(addresses, 1);
    CHECK_INT(names, 1);
    throttle_count(throttle, NOW + limits.recover_ms, &addresses, &names);
    CHECK_INT(addresses + names, 0);
    throttle_free(&throttle);
}

TEST(cheap, "an attempt costs little beside a request: under ten microseconds on any machine that runs this")
{
    struct throttle *throttle = throttle_new(&limits);
    uint64_t began = clock_monotonic_ms();

    for (uint32_t i = 0; i < 100000; i++)
        take(throttle, ipv6(i, 1), STR("a name of ordinary length"), NOW + (uint64_t)i * limits.recover_ms);
    CHECK(clock_monotonic_ms() - began < 1000);
    throttle_free(&throttle);
}
