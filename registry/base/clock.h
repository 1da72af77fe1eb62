/* Time: monotonic for everything that measures or waits, wall clock only for what people read. */
#ifndef BERTH_BASE_CLOCK_H
#define BERTH_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: never jumps, starts anywhere. */
uint64_t clock_monotonic_ms(void);
/* Seconds since the Unix epoch. */
uint64_t clock_wall_s(void);

#endif
