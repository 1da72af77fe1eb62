#include "registry/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

uint64_t clock_monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec;
}

void clock_text(int64_t seconds, char out[CLOCK_TEXT_ROOM])
{
    time_t when = (time_t)seconds;
    struct tm utc;

    if (gmtime_r(&when, &utc) == NULL || strftime(out, CLOCK_TEXT_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        snprintf(out, CLOCK_TEXT_ROOM, "%" PRId64, seconds);
}

bool clock_stamp(int64_t seconds, char out[CLOCK_TEXT_ROOM])
{
    time_t when = (time_t)seconds;
    struct tm utc;

    out[0] = '\0';
    return gmtime_r(&when, &utc) != NULL && strftime(out, CLOCK_TEXT_ROOM, "%Y-%m-%dT%H%M%SZ", &utc) > 0;
}
