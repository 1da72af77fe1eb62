/* The clock of a test stands still until the test moves it: in place of the readings of registry/base/clock.c. */
#ifndef BERTH_TEST_STILL_CLOCK_H
#define BERTH_TEST_STILL_CLOCK_H

#include "registry/base/clock.h"

static uint64_t test_now; /* seconds since the Unix epoch; the monotonic clock shows the same */

uint64_t clock_wall_s(void)
{
    return test_now;
}

uint64_t clock_monotonic_ms(void)
{
    return test_now * 1000;
}

uint64_t clock_monotonic_us(void)
{
    return test_now * 1000000;
}

#endif
