/*
 * The challenge of a 401: how another registry wants to know who calls.
 *
 *   WWW-Authenticate: Bearer realm="https://auth.example/token",service="registry.example"
 *
 * RFC 9110 §11.6.1 for the grammar, RFC 6750 §3 and distribution's token specification for Bearer's parameters.
 *
 * Thread: no shared state.
 */
#ifndef BERTH_CLIENT_REMOTE_CHALLENGE_H
#define BERTH_CLIENT_REMOTE_CHALLENGE_H

#include <stdbool.h>

#include "registry/base/str.h"

enum { CHALLENGE_PARAMETER_MAX = 2048 };

struct remote_challenge {
    bool basic;
    bool bearer; /* with a realm that is a URL; the strings are empty without it */
    char realm[CHALLENGE_PARAMETER_MAX];
    char service[CHALLENGE_PARAMETER_MAX];
};

/* Of a field with any number of challenges; what cannot be understood counts as absent. */
void remote_challenge_parse(struct str field, struct remote_challenge *out);

#endif
