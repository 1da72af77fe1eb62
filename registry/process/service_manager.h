/*
 * Telling the service manager how we are: sd_notify(3)'s protocol, a datagram to $NOTIFY_SOCKET. Without one, nothing
 * happens; that nobody listens any more is no error of ours.
 *
 * Thread: any; the environment is not changed while the server runs.
 */
#ifndef BERTH_PROCESS_SERVICE_MANAGER_H
#define BERTH_PROCESS_SERVICE_MANAGER_H

#include <stdint.h>

void service_ready(void);     /* serving, or done with reloading */
void service_reloading(void); /* service_ready() follows */
void service_stopping(void);
void service_alive(void); /* for its watchdog */

/* How often the watchdog wants to hear of this process, in milliseconds; 0: not at all. */
uint64_t service_watchdog_ms(void);
/* Still starting: not to be given up for that many seconds from now. */
void service_extends(unsigned seconds);

#endif
