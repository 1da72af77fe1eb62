/* The heads of HTTP/1.1 replies. Thread: the loop of the connection. */
#ifndef BERTH_NET_HTTP1_REPLY_H
#define BERTH_NET_HTTP1_REPLY_H

#include <stdbool.h>
#include <sys/uio.h>

#include <h2o.h>

#include "registry/base/str.h"

/* Status line and headers of req->res, in memory of the request's pool. */
struct iovec reply_head(h2o_req_t *req, bool persistent);
/* False for replies that end with their head: to HEAD, 204 and 304 (RFC 9110 §6.4.1). */
bool reply_allows_body(const h2o_req_t *req);
/* A whole reply for a request that reaches no handler: too malformed, or with a certificate that no longer holds (403).
 * The connection closes behind it. */
void reply_refusal(struct sbuf *out, int status, const char *reason);
/* The reason phrase of a status (RFC 9110 §15). */
const char *reply_status_text(int status);

#endif
