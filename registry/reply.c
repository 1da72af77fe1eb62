#include "registry/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "registry/base/log.h"
#include "registry/observe/metrics.h"
#include "registry/server.h"

/* Retry-After, in seconds. */
enum {
    SHORTAGE_S = 1, /* of descriptors: gone as soon as some requests have ended */
    CROWD_S = 30,   /* of unfinished uploads: gone when their clients have finished some */
};

static h2o_iovec_t copy(struct request *rq, struct str s)
{
    return h2o_strdup(&rq->h2o->pool, s.p, s.n);
}

void reply_header(struct request *rq, const char *name, struct str value)
{
    h2o_iovec_t own = copy(rq, value);

    /* Names are literals of ours or of the configuration: they outlive the request. */
    h2o_add_header_by_str(&rq->h2o->pool, &rq->h2o->res.headers, name, strlen(name), 0, NULL, own.base, own.len);
}

static struct str format(struct request *rq, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static struct str format(struct request *rq, const char *fmt, va_list ap)
{
    char text[2048];
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    h2o_iovec_t own;

    n = n < 0 ? 0 : n >= (int)sizeof(text) ? (int)sizeof(text) - 1 : n;
    own = copy(rq, (struct str){text, (size_t)n});
    return (struct str){own.base, own.len};
}

void reply_header_text(struct request *rq, const char *name, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    reply_header(rq, name, format(rq, fmt, ap));
    va_end(ap);
}

void reply_digest(struct request *rq, const struct digest *d)
{
    char text[DIGEST_TEXT_MAX + 2];
    size_t n = digest_format(d, text + 1);

    reply_header(rq, "Docker-Content-Digest", (struct str){text + 1, n});
    text[0] = text[n + 1] = '"';
    reply_header(rq, "ETag", (struct str){text, n + 2});
}

void reply_location(struct request *rq, const char *fmt, ...)
{
    const struct config *config = rq->server->config;
    const char *base = config->http_host != NULL && !config->http_relative_urls ? config->http_host : "";
    struct str name = rq->target.repository;
    struct str rest;
    va_list ap;

    va_start(ap, fmt);
    rest = format(rq, fmt, ap);
    va_end(ap);
    reply_header_text(rq, "Location", "%s/v2/%.*s/%.*s", base, (int)name.n, name.p, (int)rest.n, rest.p);
}

void reply_start(struct request *rq, int status, uint64_t length)
{
    const struct config *config = rq->server->config;

    quota_release(&rq->hold);
    rq->h2o->res.status = status;
    rq->h2o->res.content_length = length;
    reply_header(rq, "Docker-Distribution-API-Version", STR("registry/2.0"));
    reply_header(rq, "X-Request-Id", str_of(rq->id));
    for (size_t i = 0; i < config->header_count; i++)
        reply_header(rq, config->headers[i].name, str_of(config->headers[i].value));
}

static void send_whole(struct request *rq, int status, struct str body)
{
    static h2o_generator_t nothing_more = {NULL, NULL};
    h2o_iovec_t whole = h2o_iovec_init(body.p, body.n);

    reply_start(rq, status, body.n);
    h2o_start_response(rq->h2o, &nothing_more);
    h2o_send(rq->h2o, &whole, body.n > 0 ? 1 : 0, H2O_SEND_STATE_FINAL);
}

void reply_empty(struct request *rq, int status)
{
    send_whole(rq, status, (struct str){"", 0});
}

void reply_bytes(struct request *rq, int status, struct str body)
{
    h2o_iovec_t own = copy(rq, body);

    send_whole(rq, status, (struct str){own.base, own.len});
}

void reply_body(struct request *rq, int status, const char *type, struct str body)
{
    reply_header(rq, "Content-Type", str_of(type));
    reply_bytes(rq, status, body);
}

static void send_error(struct request *rq, enum oci_error error, struct str detail)
{
    struct sbuf json = {0};

    rq->error = oci_error_code(error);
    oci_error_json(error, detail, &json);
    reply_body(rq, oci_error_status(error), "application/json", (struct str){json.p, json.n});
    sbuf_free(&json);
}

void reply_error(struct request *rq, enum oci_error error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    send_error(rq, error, format(rq, fmt, ap));
    va_end(ap);
}

void reply_later(struct request *rq, enum oci_error error, unsigned seconds, const char *fmt, ...)
{
    va_list ap;

    reply_header_text(rq, "Retry-After", "%u", seconds);
    va_start(ap, fmt);
    send_error(rq, error, format(rq, fmt, ap));
    va_end(ap);
}

/* Is it the system's fault, not the client's? */
static bool is_ours(enum err_code code)
{
    return code == ERR_IO || code == ERR_NO_SPACE || code == ERR_BUSY || code == ERR_EXHAUSTED || code == ERR_DENIED;
}

void reply_failure(struct request *rq, enum oci_error error, const struct err *e)
{
    struct log_field id = {"request_id", str_of(rq->id)};

    if (e->code == ERR_TOO_MANY) {
        reply_later(rq, OCI_TOOMANYREQUESTS, CROWD_S, "%s", e->text);
        return;
    }
    if (e->code == ERR_QUOTA) {
        metric_add(METRIC_QUOTA_REFUSALS, 1);
        error = OCI_DENIED;
    }
    if (!is_ours(e->code)) {
        reply_error(rq, error, "%s", e->text);
        return;
    }
    log_fields(LOG_LEVEL_ERROR, &id, 1, "%.*s %.*s: %s", (int)rq->h2o->input.method.len, rq->h2o->input.method.base,
               (int)rq->h2o->input.path.len, rq->h2o->input.path.base, e->text);
    if (e->code == ERR_NO_SPACE)
        reply_error(rq, OCI_UNKNOWN,
                    "the registry's disk is full; nothing was stored; ask its administrator to make room");
    else if (e->code == ERR_BUSY || e->code == ERR_EXHAUSTED)
        reply_later(rq, OCI_UNAVAILABLE, SHORTAGE_S, "the registry is short of resources; try again");
    else
        reply_error(rq, OCI_UNKNOWN, "the registry failed; its administrator finds request %s in the log", rq->id);
}

struct meta_txn *reply_snapshot(struct request *rq)
{
    struct meta_txn *txn = meta_read(rq->loop->reader, &rq->err);

    if (txn == NULL)
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    return txn;
}
