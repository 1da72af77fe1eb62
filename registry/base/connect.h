/*
 * Connections that are there before a deadline, or not at all. Deadlines are of clock_monotonic_ms().
 *
 * Thread: any that may block.
 */
#ifndef BERTH_BASE_CONNECT_H
#define BERTH_BASE_CONNECT_H

#include <stdint.h>
#include <sys/socket.h>

#include "registry/base/err.h"

/* A stream to the address. Returns a descriptor that does not block, the caller's, or -1: ERR_BUSY when the deadline has
 * passed or a Unix socket's owner does not accept, else what the system said. */
int connect_before(int family, const struct sockaddr *to, socklen_t size, uint64_t deadline_ms, struct err *e);
/* Until one of the poll(2) `events` has come. 0, or -1 when the deadline has passed (ERR_BUSY) or poll fails. */
int wait_before(int fd, short events, uint64_t deadline_ms, struct err *e);

#endif
