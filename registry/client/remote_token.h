/*
 * A token for a scope, from the server that a challenge names (distribution's token specification).
 *
 * Thread: that of the client.
 */
#ifndef BERTH_CLIENT_REMOTE_TOKEN_H
#define BERTH_CLIENT_REMOTE_TOKEN_H

#include "registry/client/http_client.h"
#include "registry/client/remote_challenge.h"

enum { REMOTE_TOKEN_MAX = 16 * 1024, REMOTE_TOKEN_MS = 30 * 1000 };

struct token_request {
    const struct remote_challenge *challenge;
    const char *scope;
    struct str credentials; /* "name:password"; empty: nobody */
    bool plain_http;        /* the registry is asked so: then its realm may be, too */
    const struct interrupt *interrupt;
};

/* Append "Basic …" of "name:password". */
void remote_basic(struct sbuf *out, struct str credentials);
/* "Bearer …" into `out`, which was empty and is to be wiped. ERR_DENIED: no token for him, or the realm is none that a
 * password may go to; ERR_INVALID: what it gives is no token; and what http_client_call() says. */
int remote_token(struct http_client *client, const struct token_request *request, struct sbuf *out, struct err *e);

#endif
