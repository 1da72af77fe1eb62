/*
 * When to try again. As in distribution, failures below the threshold are tried again at once, and from then on there is
 * a pause after each; here it grows, so that an endpoint which is away for long is not knocked at every second.
 *
 * Thread: no shared state.
 */
#ifndef BERTH_EVENTS_EVENT_RETRY_H
#define BERTH_EVENTS_EVENT_RETRY_H

#include <stdint.h>

enum { RETRY_PAUSE_MOST_MS = 60 * 1000 };

/* Milliseconds to wait after so many failures in a row: nothing below `threshold`, then `backoff_ms`, twice that, and so
 * on up to RETRY_PAUSE_MOST_MS, or `backoff_ms` where that is longer. */
uint64_t event_retry_pause_ms(uint64_t failures, uint64_t threshold, uint64_t backoff_ms);

#endif
