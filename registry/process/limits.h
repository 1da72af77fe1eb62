/*
 * What the system lets the server have, and how much of it connections may take.
 *
 * Thread: main, before any other is started.
 */
#ifndef BERTH_PROCESS_LIMITS_H
#define BERTH_PROCESS_LIMITS_H

#include <stddef.h>

#include "registry/config/config.h"

/* Raise the limit on open descriptors as far as we may: to the hard limit, and as root to what many connections need.
 * Returns the limit in force. */
size_t limits_raise_descriptors(void);

/* How many connections there may be at once, with so many descriptors and workers that open files. A connection can cost
 * two: its own and the file that it reads or writes. What http.limits.connections asks for beyond that is logged and
 * not granted, so that blobs, uploads and metadata always find descriptors. At least one. */
size_t limits_connections(const struct config *config, size_t descriptors, unsigned workers);

#endif
