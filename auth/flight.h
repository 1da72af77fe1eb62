/*
 * Single flight: of several threads that want the same slow answer at the same time, one works and the others wait for
 * it.
 *
 * A Docker client opens many connections at once, each with the same credentials; without this each would cost a
 * password hash.
 *
 * Thread: any; flights_join() blocks, so workers only.
 */
#ifndef BERTH_AUTH_FLIGHT_H
#define BERTH_AUTH_FLIGHT_H

#include <stdbool.h>

#include "auth/credential_cache.h"

struct flights;

struct flights *flights_new(void);
/* No thread may be in flights_join() any more. */
void flights_free(struct flights **flights);

/* The answer of `work(argument)`, or of a call with an equal key that was already under way. `work` runs without locks
 * held. */
bool flights_join(struct flights *flights, const struct credential_key *key, bool (*work)(void *argument),
                  void *argument);

#endif
