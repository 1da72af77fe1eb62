/*
 * http.debug: is the server there, and what does it count? For monitoring, on an address of its own.
 *
 *   GET, HEAD /livez                           200 while all loops turn, else 503
 *   GET, HEAD /readyz                          200 while it wants requests: not drained, not stopping, healthy; else 503
 *   GET, HEAD /debug/health                    200 and {}, or 503 and the checks that fail (health/health.h)
 *   GET, HEAD http.debug.prometheus.path       the metrics (metrics.h), when http.debug.prometheus.enabled
 *   GET, HEAD the same path and /repositories  of the largest repositories one by one: ?top=50, ?path=team-a
 *
 * Thread: the request's loop.
 */
#ifndef BERTH_OBSERVE_DEBUG_H
#define BERTH_OBSERVE_DEBUG_H

#include <h2o.h>

/* libh2o's way in. */
int debug_handle(h2o_handler_t *handler, h2o_req_t *req);

#endif
