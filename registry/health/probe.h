/*
 * One HTTP request to see whether a server of this machine lives, with or without TLS. Small: no libcurl, nothing is
 * remembered, a few KiB of the answer are read.
 *
 * The server's certificate is not verified: it is ours, the way to it does not leave the machine, and nothing is told
 * that it should not know.
 *
 * Thread: any that may block. SIGPIPE is ignored.
 */
#ifndef BERTH_HEALTH_PROBE_H
#define BERTH_HEALTH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct probe {
    bool is_path;     /* `addr` is a Unix socket */
    const char *addr; /* "host:port" as configured, or a path */
    bool tls;
    const char *target;   /* "/v2/" */
    uint64_t deadline_ms; /* monotonic, for all of it */
};

enum { PROBE_BODY_MAX = 400 };

struct probe_answer {
    int status;                /* of HTTP; 0: none, because a client's certificate is wanted */
    bool is_registry;          /* it has the header by which clients know a registry */
    char body[PROBE_BODY_MAX]; /* its beginning, in one line, without what a terminal would obey */
};

/* 0: somebody lives there, who may answer no. A server that asks for a client's certificate and then refuses, as it
 * should, lives. -1: nobody, or not in time; the error names the address. */
int probe_ask(const struct probe *probe, struct probe_answer *answer, struct err *e);

#endif
