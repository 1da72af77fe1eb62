#include "registry/acme.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "registry/base/log.h"
#include "registry/acme_challenge.h"
#include "registry/config/address.h"
#include "registry/net/body.h"
#include "registry/net/workers.h"
#include "registry/redirect.h"
#include "registry/server.h"
#include "registry/side.h"

/* A challenge being read. Lives until its request is disposed of and no worker has it. */
struct answer {
    struct job job;
    h2o_req_t *req; /* NULL: the client is gone */
    bool working;
    const char *webroot;
    char token[ACME_TOKEN_MAX + 1];
    char peer[sizeof(((struct peer *)NULL)->text)];
    struct sbuf content;
    int rc;
    struct err err;
};

int acme_check(const struct config *config, struct err *e)
{
    static const char remedy[] = "make the folder, or name the one that your ACME client writes to";
    struct stat st;
    struct err cause;

    if (stat(config->acme_webroot, &st) != 0) {
        err_errno(&cause, "http.acme.webroot %s", config->acme_webroot);
        return err_set(e, cause.code, "%s; %s", cause.text, remedy);
    }
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "http.acme.webroot %s: not a folder; %s", config->acme_webroot, remedy);
    return 0;
}

/* ---- challenges ---- */

static void free_if_over(struct answer *a)
{
    if (a->req != NULL || a->working)
        return;
    sbuf_free(&a->content);
    free(a);
}

static void on_dispose(void *slot)
{
    struct answer *a = *(struct answer **)slot;

    a->req = NULL;
    free_if_over(a);
}

static void run(struct job *job)
{
    struct answer *a = H2O_STRUCT_FROM_MEMBER(struct answer, job, job);

    a->rc = acme_challenge_read(a->webroot, a->token, &a->content, &a->err);
}

/* Somebody put a file there and hopes that it is served: say why it is not. */
static void refuse(struct answer *a)
{
    bool theirs = a->err.code == ERR_NOT_FOUND || a->err.code == ERR_INVALID || a->err.code == ERR_TOO_LARGE;

    if (a->err.code == ERR_NOT_FOUND)
        log_debug("ACME challenge for %s: %s", a->peer, a->err.text);
    else
        log_warn("ACME challenge for %s not served: %s", a->peer, a->err.text);
    side_say(a->req, theirs ? 404 : 500, theirs ? "no such challenge" : "the challenge cannot be read");
}

static void done(struct job *job)
{
    struct answer *a = H2O_STRUCT_FROM_MEMBER(struct answer, job, job);

    a->working = false;
    if (a->req == NULL) {
        free_if_over(a);
    } else if (a->rc != 0) {
        refuse(a);
    } else {
        log_info("ACME challenge %s served to %s", a->token, a->peer);
        side_reply(a->req, 200, "application/octet-stream", (struct str){a->content.p, a->content.n});
    }
}

static void answer_challenge(h2o_req_t *req, struct str token)
{
    struct driven *connection = driven_of(req);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the slot is a pointer */
    struct answer **slot = h2o_mem_alloc_shared(&req->pool, sizeof(*slot), on_dispose);
    struct answer *a = xcalloc(1, sizeof(*a));

    *slot = a;
    a->req = req;
    a->webroot = connection->loop->server->config->acme_webroot;
    memcpy(a->token, token.p, token.n);
    memcpy(a->peer, connection->peer.text, sizeof(a->peer));
    a->job = (struct job){.run = run, .done = done, .loop = connection->loop};
    a->working = true;
    workers_submit(connection->loop->server->workers, LANE_DISK, &a->job);
}

/* ---- everything else ---- */

/* "https://host:port", from the configuration or from what the client calls us; 0, or the status that refuses. */
static int find_origin(const struct config *config, const h2o_req_t *req, struct sbuf *out)
{
    struct str configured = config->http_host == NULL ? STR("") : str_of(config->http_host);
    struct address address = {0};
    struct str host;

    if (configured.n > 8 && str_eq_nocase((struct str){configured.p, 8}, STR("https://"))) {
        sbuf_str(out, configured);
        return 0;
    }
    if (config->tls_certificate == NULL)
        return 404;
    /* Where an HTTP/1.0 request names no host, libh2o puts its own name of the listener. */
    if (req->input.authority.base == req->hostconf->authority.hostport.base ||
        !redirect_host((struct str){req->input.authority.base, req->input.authority.len}, &host))
        return 400;
    if (strcmp(config->http_net, "tcp") == 0 && address_parse(str_of(config->http_addr), true, &address, NULL) != 0)
        return 404;
    redirect_put_origin(host, address.port, out);
    return 0;
}

static void redirect(h2o_req_t *req)
{
    struct str target = {req->input.path.base, req->input.path.len};
    struct sbuf location = {0};
    int status = redirect_target_valid(target) ? find_origin(side_loop(req)->server->config, req, &location) : 400;

    if (status == 0) {
        sbuf_str(&location, target);
        side_header(req, "Location", (struct str){location.p, location.n});
        side_say(req, side_is_read(req) ? 301 : 308, "this registry speaks HTTPS");
    } else {
        side_say(req, status,
                 status == 404 ? "nothing but ACME challenges is served here"
                               : "neither a host nor a path that this registry could have");
    }
    sbuf_free(&location);
}

int acme_handle(h2o_handler_t *handler, h2o_req_t *req)
{
    struct str token;

    (void)handler;
    if (!acme_challenge_path(side_path(req), &token))
        redirect(req);
    else if (!side_is_read(req))
        side_refuse_method(req);
    else if (!acme_token_valid(token))
        side_say(req, 404, "no such challenge");
    else
        answer_challenge(req, token);
    return 0;
}
