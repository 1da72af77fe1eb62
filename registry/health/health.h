/*
 * The checks of the section `health`: is the storage there, are the services that are needed, did nobody leave a file that
 * says no? Each runs in a thread of its own once per interval, so that one that hangs holds up nothing; how they stand is
 * asked by requests, which get 503 while one fails (request.c), and by whoever watches (debug.c).
 *
 *   storagedriver   a file in the root directory is written and synced; while the server is read-only it is looked at. A
 *                   full disk is no failure: pushes say so themselves, and pulls go on
 *   file            there must be no such file
 *   http            a HEAD request must be answered with the status
 *   tcp             the address must take a connection
 *
 * A check counts as failed when so many runs in a row failed as its threshold says, and as well again with the first that
 * succeeds. One that does not come back from a run in time has failed, too (health_watch()). Each change is logged once.
 *
 * Thread: health_start(), health_stop() are for the thread that starts and stops the server; everything else any.
 */
#ifndef BERTH_HEALTH_HEALTH_H
#define BERTH_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "registry/config/config.h"
#include "registry/live.h"

struct health;

/* The first run of each is at once. Both outlive it. */
struct health *health_start(const struct config *config, const struct live *live, struct err *e);
/* Waits for what is under way, two seconds at most: what hangs then ends with the process. */
void health_stop(struct health **health);

/* Does no check fail? One load, for event loops. True when `health` is NULL. */
bool health_is_good(const struct health *health);
/* Append the checks that fail as a JSON object, name to reason: {} when there are none. */
void health_json(struct health *health, struct sbuf *out);
/* Look for checks that hang. To be called now and then. */
void health_watch(struct health *health);

#endif
