/*
 * The gate: who is calling, and may they? Every request passes it before a handler, and before any of its body is read.
 *
 * Thread: the request's loop; passwords that must be hashed are, on the hash lane.
 */
#ifndef BERTH_REGISTRY_GATE_H
#define BERTH_REGISTRY_GATE_H

#include "registry/request.h"

/* Call `handle` with rq->user set, at once or after a password was verified; or reply 401 with a challenge (RFC 7617).
 */
void gate_admit(struct request *rq, handler_fn *handle);
/* May the caller read this repository? */
bool gate_may_pull(const struct request *rq, struct str repository);

#endif
