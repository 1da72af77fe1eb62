/*
 * Telling the service manager how we are: sd_notify(3)'s protocol, a datagram to $NOTIFY_SOCKET. Without one, nothing
 * happens; that nobody listens any more is no error of ours.
 *
 * Thread: any; the environment is not changed while the server runs.
 */
#ifndef BERTH_REGISTRY_NOTIFY_H
#define BERTH_REGISTRY_NOTIFY_H

void notify_ready(void);     /* serving, or done with reloading */
void notify_reloading(void); /* notify_ready() follows */
void notify_stopping(void);

#endif
