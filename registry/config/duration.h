/* Durations as Go writes them (time.ParseDuration), because the configuration files that Berth takes over hold them. */
#ifndef BERTH_CONFIG_DURATION_H
#define BERTH_CONFIG_DURATION_H

#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* "5s", "1h30m", "1.5h", "300ms" (units ns us µs ms s m h), or a bare integer, which counts nanoseconds. Digits below
 * one nanosecond are dropped. Malformed, negative or over 2^63-1 nanoseconds (292 years): ERR_INVALID, *nanoseconds
 * untouched. Thread: any. */
int duration_parse(struct str text, uint64_t *nanoseconds, struct err *e);

#endif
