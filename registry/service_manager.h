/*
 * Telling the service manager how we are: sd_notify(3)'s protocol, a datagram to $NOTIFY_SOCKET. Without one, nothing
 * happens; that nobody listens any more is no error of ours.
 *
 * Thread: any; the environment is not changed while the server runs.
 */
#ifndef BERTH_REGISTRY_SERVICE_MANAGER_H
#define BERTH_REGISTRY_SERVICE_MANAGER_H

void service_ready(void);     /* serving, or done with reloading */
void service_reloading(void); /* service_ready() follows */
void service_stopping(void);

#endif
