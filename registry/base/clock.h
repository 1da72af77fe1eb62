/* Time: monotonic for everything that measures or waits, wall clock only for what people read. */
#ifndef BERTH_BASE_CLOCK_H
#define BERTH_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_TEXT_ROOM = 32 };

/* Milliseconds of CLOCK_MONOTONIC: never jumps, starts anywhere. */
uint64_t clock_monotonic_ms(void);
/* The same clock in microseconds. */
uint64_t clock_monotonic_us(void);
/* Seconds since the Unix epoch. */
uint64_t clock_wall_s(void);

/* "2026-11-22T10:15:30Z" (RFC 3339) and a terminator, of seconds since the Unix epoch; the number itself for times that
 * no calendar has. */
void clock_text(int64_t seconds, char out[CLOCK_TEXT_ROOM]);
/* "2026-11-22T101530Z", fit for a file's name. False for times that no calendar has; `out` is empty then. */
bool clock_stamp(int64_t seconds, char out[CLOCK_TEXT_ROOM]);

#endif
