/*
 * The housekeeper: what the server does beside answering, until it is told to stop. Waits for signals, looks twice a
 * second whether users, rules, certificates or log files changed, purges stale uploads, counts those of an earlier start.
 *
 * Thread: main, in which house_signals() are blocked; house_refresh() any that may block.
 */
#ifndef BERTH_REGISTRY_HOUSEKEEPER_H
#define BERTH_REGISTRY_HOUSEKEEPER_H

#include <signal.h>

#include "registry/server.h"

/* Those that the housekeeper takes. Every thread has to block them, so main does before it starts any. */
void house_signals(sigset_t *out);

/* Until SIGTERM or SIGINT; then drains: lets running requests finish, http.draintimeout at most. */
void keep_house(struct server *server);

/* Look whether users, rules or certificates changed, or read them again anyway when `force` is set. Returns what is new,
 * as bits (served.h). */
unsigned house_refresh(struct server *server, bool force);

#endif
