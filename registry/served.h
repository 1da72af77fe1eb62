/*
 * What can be asked of a server that runs, and what it can be told: `berth ctl` (ops/op_ctl.c) from its thread.
 *
 * What is told holds until it is told otherwise or the server ends; then it is what the configuration says.
 *
 * Thread: any but the loops; some of it waits for a disk. The server outlives it.
 */
#ifndef BERTH_REGISTRY_SERVED_H
#define BERTH_REGISTRY_SERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct server;

enum served_work { SERVED_WORK_OFF, SERVED_WORK_RESTS, SERVED_WORK_HELD /* read-only */, SERVED_WORK_GOES_ON };

struct served_status {
    uint64_t uptime_s;
    const char *addr; /* where it listens; valid as long as the server */
    bool tls;
    struct sbuf beside; /* the servers beside it: "127.0.0.1:5001, [::]:80"; empty: none */
    size_t connections;
    size_t connections_most;
    bool readonly;
    bool drained;
    bool stopping;
    size_t uploads; /* unfinished */
    size_t queue_disk, queue_hash, queue_suspect, queue_commit;
    int64_t certificate_left_s; /* of the server's; with TLS only */
    size_t rules;
    struct sbuf rules_source;
    enum served_work sweeper, scrubber;
    bool healthy;
    struct sbuf failing; /* the checks that fail, as a JSON object */
};

void served_status(const struct server *server, struct served_status *out);
void served_status_free(struct served_status *status);

/* Clients' connections. */
size_t served_connections(const struct server *server);

/* From now on nothing that is stored changes, but for what is under way; or it may change again. -1: it cannot. */
int served_set_readonly(struct server *server, bool readonly, struct err *e);
/* From now on it is not ready (/readyz), idle connections are closed, others after the request under way, and new ones
 * after one request. Or it is ready again. */
void served_set_drained(struct server *server, bool drained);

enum { SERVED_USERS = 1, SERVED_RULES = 2, SERVED_TLS = 4 };

/* Read users, rules and certificates again, as SIGHUP does. Returns what is new, as bits; what was wrong is appended to
 * `wrong`, a line each. */
unsigned served_reload(struct server *server, struct sbuf *wrong);
/* Append the rules in force, a line each; returns how many there are. */
size_t served_rules(const struct server *server, struct sbuf *source, struct sbuf *lines);
/* Open log files again. Returns how many; what was wrong is appended likewise. */
unsigned served_reopen_logs(struct server *server, struct sbuf *wrong);

#endif
