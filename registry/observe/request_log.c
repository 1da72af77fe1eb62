#include "registry/observe/request_log.h"

#include <string.h>

#include "registry/observe/access_line.h"
#include "registry/base/clock.h"
#include "registry/server.h"

/* The digest of what was answered, by its header; empty: none was told. */
static struct str answered_digest(const h2o_req_t *h2o)
{
    static const struct str name = STR("Docker-Content-Digest");

    for (size_t i = 0; i < h2o->res.headers.size; i++) {
        const h2o_header_t *header = &h2o->res.headers.entries[i];
        const char *text = header->orig_name != NULL ? header->orig_name : header->name->base;

        if (header->name->len == name.n && memcmp(text, name.p, name.n) == 0)
            return (struct str){header->value.base, header->value.len};
    }
    return (struct str){"", 0};
}

/* Is the last part of the route's paths the name of something? */
static bool has_reference(enum route route)
{
    return route == ROUTE_MANIFEST || route == ROUTE_BLOB || route == ROUTE_UPLOAD || route == ROUTE_REFERRERS;
}

static void add_json(const struct request *rq, struct access_line *line)
{
    const struct peer *peer = &request_connection(rq)->peer;

    line->time_s = rq->h2o->processed_at.at.tv_sec;
    line->time_ms = (unsigned)(rq->h2o->processed_at.at.tv_usec / 1000);
    line->certificate = str_of(rq->certificate);
    line->route = route_name(rq->target.route);
    if (rq->target.route != ROUTE_NONE)
        line->repository = rq->target.repository;
    if (has_reference(rq->target.route))
        line->reference = rq->target.reference;
    line->digest = answered_digest(rq->h2o);
    line->error = rq->error;
    line->tls_version = peer->tls_version;
    line->tls_cipher = peer->tls_cipher;
}

static void put_line(const struct request *rq, const struct request_end *end)
{
    const h2o_req_t *h2o = rq->h2o;
    struct access_line line = {
        .address = str_of(request_connection(rq)->peer.text),
        .user = str_of(rq->user),
        .time = str_of(h2o->processed_at.str->log),
        .method = {h2o->input.method.base, h2o->input.method.len},
        .target = {h2o->input.path.base, h2o->input.path.len},
        .minor = h2o->version & 0xff,
        .status = end->status,
        .bytes = end->sent,
        .referer = request_header(rq, H2O_TOKEN_REFERER),
        .agent = request_header(rq, H2O_TOKEN_USER_AGENT),
        .id = str_of(rq->id),
        .received = end->received,
        .us = end->us,
    };
    struct sbuf *out = loop_log_begin(rq->loop);

    if (rq->server->config->accesslog_json) {
        add_json(rq, &line);
        access_json_put(out, &line);
    } else {
        access_line_put(out, &line);
    }
    loop_log_end(rq->loop);
}

void request_log(const struct request *rq)
{
    const h2o_req_t *h2o = rq->h2o;
    const struct request_end end = {
        .route = rq->target.route,
        .method = rq->method_known ? rq->method : METHOD_COUNT,
        /* The client closed before there was a reply: a number that log readers know. */
        .status = h2o->res.status == 0 ? 499 : h2o->res.status,
        .us = clock_monotonic_us() - rq->began_us,
        .received = rq->sink.received,
        .sent = h2o->bytes_sent,
    };

    request_counts_end(&rq->loop->requests, &end);
    if (rq->server->access_log != NULL)
        put_line(rq, &end);
}
