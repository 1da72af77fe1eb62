/*
 * What a client would see of a TLS server: one handshake, judged as a client judges it, with every problem explained
 * instead of the first one only.
 *
 * Thread: one; it may ask the name service and waits for the server, PROBE_WAIT_MS at most. SIGPIPE is ignored from
 * then on.
 */
#ifndef BERTH_TOOLS_CERTIFICATE_PROBE_H
#define BERTH_TOOLS_CERTIFICATE_PROBE_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "tools/facts.h"
#include "tools/hosts.h"

enum { PROBE_WAIT_MS = 10 * 1000 };

struct probe {
    struct host host;
    char port[PORT_ROOM];
    const char *ca;                 /* PEM file of what the client trusts; NULL: the system's store */
    const char *client_certificate; /* PEM files; NULL: the client has none */
    const char *client_key;
    unsigned days_left; /* fewer are a problem */
};

/* Connect and judge. `*good` says whether a client would go on; `facts` gets the server's address, what was negotiated,
 * the certificates as they came, and the problems. -1 when there is nothing to judge: a file that cannot be read, no
 * such host (ERR_NOT_FOUND), nobody listening. */
int probe_run(const struct probe *probe, struct facts *facts, bool *good, struct err *e);

#endif
