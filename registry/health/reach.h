/*
 * Connections that are there before a deadline, or not at all: what everything that asks for somebody's health begins
 * with.
 *
 * Deadlines are of clock_monotonic_ms(). Failures: ERR_BUSY when the deadline has passed, else what the system said; the
 * texts name the address.
 *
 * Thread: any that may block. Looking up a name may take longer than the deadline: numbers and the names in /etc/hosts do
 * not.
 */
#ifndef BERTH_HEALTH_REACH_H
#define BERTH_HEALTH_REACH_H

#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* The addresses of `host` one after the other; an empty one is this machine, and so is one that stands for all addresses
 * (0.0.0.0, ::). Returns a descriptor that does not block, the caller's, or -1. */
int reach_tcp(struct str host, struct str port, uint64_t deadline_ms, struct err *e);
/* Likewise a Unix socket. */
int reach_unix(const char *path, uint64_t deadline_ms, struct err *e);

#endif
