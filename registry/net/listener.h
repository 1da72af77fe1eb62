/*
 * Listening: TCP on IPv4 and IPv6, a Unix socket, or descriptors inherited from systemd (sd_listen_fds(3)).
 *
 * The first loop accepts and gives each connection to the loop that has fewest, so that few heavy clients spread as
 * well as many light ones. Out of descriptors, accepting pauses and is tried again every second.
 *
 * Thread: the functions here are for the thread that starts and stops the server; accepting is the first loop's, and
 * ends with its loop_drain() or loop_stop().
 */
#ifndef BERTH_NET_LISTENER_H
#define BERTH_NET_LISTENER_H

#include "registry/base/err.h"

struct server;
struct listener;

/* Binds and listens as the configuration says. Errors name the address and what to do. */
struct listener *listener_open(struct server *server, struct err *e);
/* Accept from now on: the loops run. */
void listener_start(struct listener *listener);
/* What is listened on, for people: "[::]:5000". Valid as long as the listener. */
const char *listener_text(const struct listener *listener);
/* After the loops ended. Removes the Unix socket's file. */
void listener_close(struct listener **listener);

#endif
