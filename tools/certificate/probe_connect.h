/* A TCP connection with a deadline, for probe.c. */
#ifndef BERTH_TOOLS_CERTIFICATE_PROBE_CONNECT_H
#define BERTH_TOOLS_CERTIFICATE_PROBE_CONNECT_H

#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"

/* Connect to the first address of `host` that answers before `deadline` (clock_monotonic_ms()). `address` gets its
 * text. Returns a descriptor that does not block, or -1: ERR_NOT_FOUND when there is no such host, ERR_BUSY when it is
 * late. */
int connect_to_host(const char *host, const char *port, uint64_t deadline, char *address, size_t room, struct err *e);

#endif
