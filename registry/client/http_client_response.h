/*
 * An answer as it arrives, line by line.
 *
 * Thread: that of the call.
 */
#ifndef BERTH_CLIENT_HTTP_CLIENT_RESPONSE_H
#define BERTH_CLIENT_HTTP_CLIENT_RESPONSE_H

#include "registry/client/http_client.h"

struct http_head {
    struct http_response *response;
    size_t bytes; /* of this call's heads: interim answers and redirects count */
    bool done;    /* fields after it are trailers, which nobody wants */
};

/* A line of a head with its end. A status line begins anew: an interim answer or a redirect came before. -1: the heads
 * are too long. */
int http_head_take(struct http_head *head, struct str line);

#endif
