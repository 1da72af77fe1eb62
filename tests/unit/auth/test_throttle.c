#include "auth/throttle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "registry/base/clock.h"
#include "tests/unit/test.h"

enum { NOW = 1000000 };

static const struct throttle_limits limits = {.address_burst = 5, .user_burst = 3, .recover_ms = 2500};
static const struct network_address nowhere = {.known = false};

/* ::ffff:10.x.x.x */
static struct network_address ipv4(uint32_t n)
{
    return (struct network_address){true, {[10] = 0xff, 0xff, 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

/* 2001:db8:x:x::host */
static struct network_address ipv6(uint32_t network, uint8_t host)
{
    return (struct network_address){true,
                                    {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(network >> 24), (uint8_t)(network >> 16),
                                     (uint8_t)(network >> 8), (uint8_t)network, [15] = host}};
}

static struct str name_of(unsigned n)
{
    static char text[32];

    return (struct str){text, (size_t)snprintf(text, sizeof(text), "user%u", n)};
}

/* A password that nobody has tried yet. */
static struct str new_password(void)
{
    static _Thread_local char text[32];
    static atomic_uint next;

    return (struct str){text, (size_t)snprintf(text, sizeof(text), "guess%u", atomic_fetch_add(&next, 1))};
}

static unsigned take(struct throttle *throttle, struct network_address from, struct str user, uint64_t now_ms)
{
    struct throttle_attempt attempt;

    return throttle_take(throttle, &from, user, new_password(), now_ms, &attempt);
}

/* How many attempts in a row pass, at most `most`. */
static unsigned passing(struct throttle *throttle, struct network_address from, struct str user, uint64_t now_ms,
                        unsigned most)
{
    unsigned n = 0;

    while (n < most && take(throttle, from, user, now_ms) == 0)
        n++;
    return n;
}

static bool log_in(struct throttle *throttle, struct network_address from, struct str user, uint64_t now_ms)
{
    struct throttle_attempt attempt;

    if (throttle_take(throttle, &from, user, new_password(), now_ms, &attempt) != 0)
        return false;
    throttle_passed(throttle, &attempt, now_ms);
    return true;
}

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

TEST(suspects, "who has four attempts out, by address or by name, is a suspect until they have come back")
{
    const struct throttle_limits wide = {.address_burst = 100, .user_burst = 100, .recover_ms = 1000};
    struct throttle *throttle = throttle_new(&wide);
    struct network_address guesser = ipv4(1), other = ipv4(2);
    struct throttle_attempt attempt;

    for (unsigned n = 0; n < 6; n++) {
        CHECK_INT(throttle_take(throttle, &guesser, name_of(n), new_password(), NOW, &attempt), 0);
        CHECK_INT(attempt.suspect, n >= 4);
    }
    CHECK_INT(throttle_take(throttle, &other, STR("alice"), new_password(), NOW, &attempt), 0);
    CHECK(!attempt.suspect);
    for (unsigned n = 0; n < 4; n++)
        CHECK_INT(throttle_take(throttle, (struct network_address[]){ipv4(10 + n)}, STR("alice"), new_password(), NOW,
                                &attempt),
                  0);
    CHECK(attempt.suspect);
    CHECK_INT(throttle_take(throttle, &guesser, STR("bob"), new_password(), NOW + 3000, &attempt), 0);
    CHECK(!attempt.suspect);
    throttle_free(&throttle);
}

TEST(returned, "a password that was not looked at costs nothing, and vouches for nobody")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);
    struct throttle_attempt attempt;

    for (unsigned n = 0; n < 20; n++) {
        CHECK_INT(throttle_take(throttle, &from, STR("alice"), new_password(), NOW, &attempt), 0);
        throttle_return(throttle, &attempt);
    }
    CHECK_INT(passing(throttle, from, STR("alice"), NOW, 10), limits.user_burst);
    throttle_free(&throttle);
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

TEST(no_lock_out, "where a user has logged in before, others who guess at his name do not keep him out")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    for (uint32_t i = 100; i < 200; i++)
        take(throttle, ipv4(i), STR("alice"), NOW);
    CHECK(!log_in(throttle, ipv4(2), STR("alice"), NOW));
    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    /* that is of no use to others at that address, nor to the user elsewhere */
    CHECK_INT(passing(throttle, ipv4(3), STR("bob"), NOW, 9), 3);
    CHECK(!log_in(throttle, ipv4(1), STR("bob"), NOW));
    throttle_free(&throttle);
}

TEST(pair_counts, "a pair has a count of its own: neighbours cannot use up its attempts, nor guess at it without end")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    for (unsigned n = 0; n < 100; n++)
        take(throttle, ipv4(1), name_of(n), NOW);
    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 9), limits.user_burst);
    CHECK(!log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW + limits.recover_ms));
    throttle_free(&throttle);
}

TEST(asking, "asking takes nothing, and says of a pair what only its own count says")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);
    bool paired = true;

    for (unsigned n = 0; n < 50; n++)
        CHECK_INT(throttle_ask(throttle, &from, STR("alice"), NOW, &paired), 0);
    CHECK(!paired);
    CHECK(log_in(throttle, from, STR("alice"), NOW));
    CHECK_INT(passing(throttle, from, STR("bob"), NOW, 9), 3);
    CHECK_INT(throttle_ask(throttle, &from, STR("bob"), NOW, &paired), 3);
    CHECK(!paired);
    CHECK_INT(throttle_ask(throttle, &from, STR("alice"), NOW, &paired), 0);
    CHECK(paired);
    throttle_free(&throttle);
}

TEST(farm, "one password sent by a thousand at once is one attempt; another one is another")
{
    static struct throttle_attempt attempts[1000];
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);
    struct throttle_attempt other;

    for (size_t i = 0; i < 1000; i++) {
        CHECK_INT(throttle_take(throttle, &from, STR("ci"), STR("right"), NOW, &attempts[i]), 0);
        CHECK_INT(attempts[i].joined, i > 0);
    }
    CHECK_INT(throttle_take(throttle, &from, STR("ci"), STR("wrong"), NOW, &other), 0);
    CHECK(!other.joined);
    throttle_failed(throttle, &other);
    for (size_t i = 0; i < 1000; i++)
        throttle_passed(throttle, &attempts[i], NOW);
    CHECK_INT(throttle_take(throttle, &from, STR("ci"), STR("right"), NOW, &other), 0);
    CHECK(!other.joined); /* the flight is over */
    throttle_return(throttle, &other);
    throttle_free(&throttle);
}

TEST(no_join, "who has used up his attempts cannot begin a flight for others to join")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1), elsewhere = ipv4(2);
    struct throttle_attempt attempt;

    CHECK_INT(passing(throttle, from, STR("alice"), NOW, 9), 3);
    CHECK(throttle_take(throttle, &from, STR("alice"), STR("guess"), NOW, &attempt) > 0);
    CHECK(throttle_take(throttle, &elsewhere, STR("alice"), STR("guess"), NOW, &attempt) > 0);
    throttle_free(&throttle);
}

TEST(exempt_refund, "a login that took nothing from the name gives nothing back to who guesses at it")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK_INT(passing(throttle, ipv4(2), STR("alice"), NOW, 9), 3);
    for (unsigned i = 0; i < 10; i++)
        CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK_INT(passing(throttle, ipv4(2), STR("alice"), NOW, 9), 0);
    throttle_free(&throttle);
}

TEST(recalled, "an address whose password was known without hashing it is remembered, too")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv6(1, 1);

    throttle_remember(throttle, &from, STR("alice"), NOW);
    throttle_remember(throttle, &nowhere, STR("alice"), NOW);
    CHECK_INT(passing(throttle, nowhere, STR("alice"), NOW, 9), 3);
    CHECK_INT(take(throttle, ipv6(2, 1), STR("alice"), NOW), 3);
    CHECK_INT(take(throttle, ipv6(1, 2), STR("alice"), NOW), 0);
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

TEST(cheap, "an attempt costs little beside a request: under ten microseconds on any machine that runs this")
{
    struct throttle *throttle = throttle_new(&limits);
    uint64_t began = clock_monotonic_ms();

    for (uint32_t i = 0; i < 100000; i++)
        take(throttle, ipv6(i, 1), STR("a name of ordinary length"), NOW + (uint64_t)i * limits.recover_ms);
    CHECK(clock_monotonic_ms() - began < 1000);
    throttle_free(&throttle);
}
