/*
 * The gate: who is calling? Every request passes it before a handler, and before any of its body is read.
 *
 * A caller may say who he is by a client certificate, by a password (Basic, RFC 7617), or by a pass that Berth gave him
 * for his password (Bearer, auth/bearer.h). What certificate and password mean together is access.certificates.policy.
 * Whoever says nothing is let through as nobody: what nobody may do is permission.h's.
 *
 *   again (this connection, this second) ─────────────────────────▶ handle
 *   recall ─ remembered ──────────────────────────────────────────▶ handle
 *     └─ unknown ─ throttle ─ go ahead ─ verify (hash lane) ─ right ─▶ handle
 *                     └─ 429   (suspects last)                 └─ 401
 *
 * Where the rules open something to nobody, the challenge is Bearer instead of Basic: Docker answers a Basic challenge
 * with an error when it has no password, a Bearer challenge by fetching a pass, as nobody if need be (api_token.c).
 *
 * Thread: the request's loop; passwords that must be hashed are, on the hash lane.
 */
#ifndef BERTH_REGISTRY_GATE_H
#define BERTH_REGISTRY_GATE_H

#include "registry/request.h"

/* Call `handle` with rq->user and rq->certificate set, at once or after a password was verified; or reply 401 to
 * credentials that are wrong, 403 to a certificate that is not accepted any more, 429 or 503 when no password can be
 * tried now. */
void gate_admit(struct request *rq, handler_fn *handle);

#endif
