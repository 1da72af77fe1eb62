/* How to log in: the WWW-Authenticate header (RFC 9110 §11.6.1). */
#ifndef BERTH_REGISTRY_LOGIN_CHALLENGE_H
#define BERTH_REGISTRY_LOGIN_CHALLENGE_H

#include "registry/request.h"

/* Reply 401 with the challenge that fits the rules in force: Bearer where they open something to callers without a
 * login, else Basic; Basic always for the end-point that gives out passes. For servers that have users. Thread: the
 * request's loop. */
void login_challenge(struct request *rq, const char *detail);

#endif
