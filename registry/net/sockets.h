/*
 * Sockets that listen: TCP on IPv4 and IPv6, a Unix socket, or descriptors inherited from systemd (sd_listen_fds(3)).
 *
 * Thread: the one that starts and stops the server. Errors begin with the configuration key of the address, or name
 * the address, and say what to do.
 */
#ifndef BERTH_NET_SOCKETS_H
#define BERTH_NET_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "registry/base/err.h"

enum { SOCKETS_MAX = 16 };

struct sockets {
    int fds[SOCKETS_MAX]; /* non-blocking, bound; -1: somebody else's by now */
    size_t count;
    bool inherited;  /* they listen already */
    char *unix_path; /* to remove at the end; NULL otherwise */
};

/* Each of these adds to `sockets`, which begins zeroed; on failure what was added before is still there to be closed.
 */

/* Every address that "host:port" stands for; without a host, IPv4 and IPv6, or the one that this machine has. `key` is
 * the configuration's name of it. */
int sockets_open_tcp(struct sockets *sockets, const char *key, const char *addr, struct err *e);
/* A socket file left by a server that was killed is replaced; one that is answered is not. */
int sockets_open_unix(struct sockets *sockets, const char *key, const char *path, struct err *e);
/* What systemd opened for this process, if anything; its variables are removed then. */
int sockets_inherit(struct sockets *sockets, struct err *e);

/* Take connections from now on; until then they are refused. `key` and `text` are for errors. */
int sockets_listen(const struct sockets *sockets, const char *key, const char *text, struct err *e);
/* A Unix socket's file belongs to that user from now on. */
int sockets_give(const struct sockets *sockets, uid_t uid, gid_t gid, struct err *e);

/* Can only this machine reach them? */
bool sockets_are_local(const struct sockets *sockets);
/* Closes what is still ours and removes the Unix socket's file. */
void sockets_close(struct sockets *sockets);

#endif
