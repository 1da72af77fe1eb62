/*
 * Listening and accepting. The registry has one listener, each server beside it (side.h) one more.
 *
 * The first loop accepts and gives each connection to the loop that has fewest, so that few heavy clients spread as
 * well as many light ones. Out of descriptors, accepting pauses and is tried again every second; with as many
 * connections as there may be (crowd.h) it pauses until one ends. A connection reaches
 * the handlers of its listener's host and no others, whatever its requests say about hosts.
 *
 * Thread: the functions here are for the thread that starts and stops the server; accepting is the first loop's, and
 * ends with its loop_drain() or loop_stop().
 */
#ifndef BERTH_NET_LISTENER_H
#define BERTH_NET_LISTENER_H

#include <stdbool.h>

#include <h2o.h>

#include "registry/base/err.h"

struct server;
struct listener;

/* Where to listen and who answers. */
struct listening {
    const char *key;      /* the configuration's name of `addr`, for errors */
    const char *addr;     /* "host:port", or a path */
    bool is_path;         /* of a Unix socket */
    bool inherits;        /* sockets from systemd, when there are any, instead of `addr` */
    bool tls;             /* with the server's certificate, if it has one */
    size_t spare;         /* connections that it may have when there are as many as there may be */
    h2o_hostconf_t *host; /* registered before the loops start */
};

/* Binds. Errors name the address and what to do. `addr` is copied; the key is a literal, the host borrowed. */
struct listener *listener_open(struct server *server, const struct listening *what, struct err *e);
/* The file of a Unix socket belongs to that user from now on. */
int listener_give(const struct listener *listener, uid_t uid, gid_t gid, struct err *e);
/* Connections are no longer refused. */
int listener_listen(const struct listener *listener, struct err *e);
/* Accept from now on: the loops run. */
void listener_start(struct listener *listener);
/* What is listened on, for people: "[::]:5000". Valid as long as the listener. */
const char *listener_text(const struct listener *listener);
/* Can only this machine reach it? Before listener_start(). */
bool listener_is_local(const struct listener *listener);
/* After the loops ended. Removes the Unix socket's file. */
void listener_close(struct listener **listener);

#endif
