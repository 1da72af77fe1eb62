/*
 * The service manager's watchdog (systemd.service(5), WatchdogSec): it hears from us again and again, and starts the
 * server anew when it has not for that time. We speak only while every event loop turns. A loop that has nothing to do
 * turns once a second, so only one that hangs keeps us silent; a slow disk does not, for nothing on a loop waits for it.
 *
 * Thread: the housekeeper's.
 */
#ifndef BERTH_PROCESS_WATCHDOG_H
#define BERTH_PROCESS_WATCHDOG_H

#include <stdint.h>

#include "registry/net/loop.h"

struct watchdog;

/* NULL when nobody wants to hear from this process. The loops outlive it. */
struct watchdog *watchdog_new(const struct loop *loops, unsigned n, uint64_t now_ms);
void watchdog_free(struct watchdog **watchdog);

/* To be called more often than a quarter of the watchdog's time, by monotonic milliseconds. Says that we live when all
 * loops have turned since it last did; names in the log the one that keeps it from that for half of the time. Nothing
 * for NULL. */
void watchdog_look(struct watchdog *watchdog, uint64_t now_ms);

#endif
