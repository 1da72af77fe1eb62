/* Callers for the tests of throttle.h. */
#ifndef BERTH_TEST_THROTTLE_FIXTURE_H
#define BERTH_TEST_THROTTLE_FIXTURE_H

#include "auth/throttle.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "registry/base/clock.h"
#include "tests/unit/test.h"

enum { NOW = 1000000 };

__attribute__((unused)) static const struct throttle_limits limits = {
    .address_burst = 5, .user_burst = 3, .recover_ms = 2500};
__attribute__((unused)) static const struct network_address nowhere = {.known = false};

/* ::ffff:10.x.x.x */
static inline struct network_address ipv4(uint32_t n)
{
    return (struct network_address){true, {[10] = 0xff, 0xff, 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

/* 2001:db8:x:x::host */
static inline struct network_address ipv6(uint32_t network, uint8_t host)
{
    return (struct network_address){true,
                                    {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(network >> 24), (uint8_t)(network >> 16),
                                     (uint8_t)(network >> 8), (uint8_t)network, [15] = host}};
}

static inline struct str name_of(unsigned n)
{
    static char text[32];

    return (struct str){text, (size_t)snprintf(text, sizeof(text), "user%u", n)};
}

/* A password that nobody has tried yet. */
static inline struct str new_password(void)
{
    static _Thread_local char text[32];
    static atomic_uint next;

    return (struct str){text, (size_t)snprintf(text, sizeof(text), "guess%u", atomic_fetch_add(&next, 1))};
}

static inline unsigned take(struct throttle *throttle, struct network_address from, struct str user, uint64_t now_ms)
{
    struct throttle_attempt attempt;

    return throttle_take(throttle, &from, user, new_password(), now_ms, &attempt);
}

/* How many attempts in a row pass, at most `most`. */
static inline unsigned passing(struct throttle *throttle, struct network_address from, struct str user, uint64_t now_ms,
                               unsigned most)
{
    unsigned n = 0;

    while (n < most && take(throttle, from, user, now_ms) == 0)
        n++;
    return n;
}

static inline bool log_in(struct throttle *throttle, struct network_address from, struct str user, uint64_t now_ms)
{
    struct throttle_attempt attempt;

    if (throttle_take(throttle, &from, user, new_password(), now_ms, &attempt) != 0)
        return false;
    throttle_passed(throttle, &attempt, now_ms);
    return true;
}

#endif
