#include "registry/request_log.h"

#include <string.h>

#include "registry/access_line.h"
#include "registry/base/clock.h"
#include "registry/server.h"

void request_log(const struct request *rq)
{
    const h2o_req_t *h2o = rq->h2o;
    /* 499: the client closed before there was a reply, a number that log readers know. */
    int status = h2o->res.status == 0 ? 499 : h2o->res.status;
    const struct request_end end = {
        .route = rq->target.route,
        .method = rq->method_known ? rq->method : METHOD_COUNT,
        .status = status,
        .us = clock_monotonic_us() - rq->began_us,
        .received = rq->sink.received,
        .sent = h2o->bytes_sent,
    };
    struct access_line line = {
        .address = str_of(request_connection(rq)->peer.text),
        .user = str_of(rq->user),
        .time = str_of(h2o->processed_at.str->log),
        .method = {h2o->input.method.base, h2o->input.method.len},
        .target = {h2o->input.path.base, h2o->input.path.len},
        .minor = h2o->version & 0xff,
        .status = status,
        .bytes = h2o->bytes_sent,
        .referer = request_header(rq, H2O_TOKEN_REFERER),
        .agent = request_header(rq, H2O_TOKEN_USER_AGENT),
        .id = str_of(rq->id),
    };

    request_counts_end(&rq->loop->requests, &end);
    if (rq->server->access_log == NULL)
        return;
    access_line_put(loop_log_begin(rq->loop), &line);
    loop_log_end(rq->loop);
}
