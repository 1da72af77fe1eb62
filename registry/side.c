#include "registry/side.h"

#include <stdlib.h>
#include <string.h>

#include "registry/acme.h"
#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/observe/debug.h"
#include "registry/observe/metrics.h"
#include "registry/net/body.h"
#include "registry/net/listener.h"
#include "registry/server.h"

enum {
    SIDES_MAX = 2,
    SPARE = 16, /* who looks what is wrong gets in when everybody else waits */
};

struct side {
    struct listener *listeners[SIDES_MAX];
    size_t count;
};

/* ---- listening ---- */

typedef int on_request(h2o_handler_t *handler, h2o_req_t *req);

/* A host that only this listener's connections know, with one handler for all paths. */
static struct listener *listen_beside(struct server *server, struct listening *what, on_request *handle, struct err *e)
{
    h2o_handler_t *handler;

    what->host = h2o_config_register_host(&server->h2o, h2o_iovec_init(what->key, strlen(what->key)), 65535);
    handler = h2o_create_handler(&what->host->fallback_path, sizeof(*handler));
    handler->on_req = handle;
    return listener_open(server, what, e);
}

static int open_acme(struct side *side, struct server *server, struct err *e)
{
    const struct config *config = server->config;
    struct listening what = {.key = "http.acme.addr", .addr = config->acme_addr};
    struct listener *l;

    if (config->acme_webroot == NULL)
        return 0;
    if (acme_check(config, e) != 0)
        return -1;
    l = listen_beside(server, &what, acme_handle, e);
    if (l == NULL)
        return -1;
    side->listeners[side->count++] = l;
    log_info("ACME challenges from %s are served on %s", config->acme_webroot, listener_text(l));
    return 0;
}

static int open_debug(struct side *side, struct server *server, struct err *e)
{
    const struct config *config = server->config;
    struct listening what = {.key = "http.debug.addr", .addr = config->debug_addr, .spare = SPARE};
    struct listener *l;

    if (config->debug_addr == NULL)
        return 0;
    l = listen_beside(server, &what, debug_handle, e);
    if (l == NULL)
        return -1;
    side->listeners[side->count++] = l;
    metric_set(METRIC_BUILD, 1);
    metric_set(METRIC_START_TIME, (int64_t)clock_wall_s());
    log_info("/debug/health%s%s served on %s", config->prometheus_enabled ? " and " : "",
             config->prometheus_enabled ? config->prometheus_path : "", listener_text(l));
    if (!listener_is_local(l))
        log_warn("http.debug.addr %s is not loopback, and whoever reaches it needs no password; write for example "
                 "127.0.0.1:5001, or keep others out with a firewall",
                 config->debug_addr);
    return 0;
}

struct side *side_open(struct server *server, struct err *e)
{
    struct side *side = xcalloc(1, sizeof(*side));

    if (open_acme(side, server, e) != 0 || open_debug(side, server, e) != 0)
        side_close(&side);
    return side;
}

int side_listen(const struct side *side, struct err *e)
{
    for (size_t i = 0; i < side->count; i++)
        if (listener_listen(side->listeners[i], e) != 0)
            return -1;
    return 0;
}

void side_start(struct side *side)
{
    for (size_t i = 0; i < side->count; i++)
        listener_start(side->listeners[i]);
}

size_t side_count(const struct side *side)
{
    return side->count;
}

void side_texts(const struct side *side, struct sbuf *out)
{
    for (size_t i = 0; i < side->count; i++)
        sbuf_printf(out, "%s%s", i == 0 ? "" : ", ", listener_text(side->listeners[i]));
}

void side_close(struct side **side)
{
    if (*side == NULL)
        return;
    for (size_t i = 0; i < (*side)->count; i++)
        listener_close(&(*side)->listeners[i]);
    free(*side);
    *side = NULL;
}

/* ---- for handlers ---- */

struct loop *side_loop(h2o_req_t *req)
{
    return driven_of(req)->loop;
}

struct str side_path(const h2o_req_t *req)
{
    struct str target = {req->input.path.base, req->input.path.len};

    return (struct str){target.p, str_find(target, '?')};
}

bool side_is_read(const h2o_req_t *req)
{
    struct str method = {req->input.method.base, req->input.method.len};

    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
}

void side_header(h2o_req_t *req, const char *name, struct str value)
{
    h2o_iovec_t own = h2o_strdup(&req->pool, value.p, value.n);

    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, own.base, own.len);
}

void side_reply(h2o_req_t *req, int status, const char *type, struct str body)
{
    h2o_iovec_t own = h2o_strdup(&req->pool, body.n == 0 ? "" : body.p, body.n);

    side_reply_lent(req, status, type, (struct str){own.base, own.len});
}

void side_reply_lent(h2o_req_t *req, int status, const char *type, struct str body)
{
    static h2o_generator_t nothing_more = {NULL, NULL};
    h2o_iovec_t whole = h2o_iovec_init(body.p, body.n);

    req->res.status = status;
    req->res.content_length = body.n;
    side_header(req, "Content-Type", str_of(type));
    side_header(req, "X-Content-Type-Options", STR("nosniff"));
    h2o_start_response(req, &nothing_more);
    h2o_send(req, &whole, body.n > 0 ? 1 : 0, H2O_SEND_STATE_FINAL);
}

void side_say(h2o_req_t *req, int status, const char *sentence)
{
    struct sbuf body = {0};

    sbuf_printf(&body, "%s\n", sentence);
    side_reply(req, status, "text/plain; charset=utf-8", (struct str){body.p, body.n});
    sbuf_free(&body);
}

void side_refuse_method(h2o_req_t *req)
{
    side_header(req, "Allow", STR("GET, HEAD"));
    side_say(req, 405, "only GET and HEAD are served here");
}
