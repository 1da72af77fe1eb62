#include "registry/login_challenge.h"

#include "registry/permission.h"
#include "registry/reply.h"
#include "registry/rules.h"
#include "registry/server.h"
#include "storage/reference.h"

enum { AUTHORITY_MAX = 255 + 6 }; /* bytes: a host, a colon and a port */

static void basic(struct request *rq)
{
    struct sbuf text = {0};

    sbuf_printf(&text, "Basic realm=");
    sbuf_json(&text, str_of(rq->server->config->htpasswd_realm));
    reply_header(rq, "WWW-Authenticate", (struct str){text.p, text.n});
    sbuf_free(&text);
}

/* Does the client speak TLS, to us or to a proxy in front? The proxy's word is only believed for what makes a password
 * safer, and goes back to who said it. */
static bool speaks_tls(const struct request *rq)
{
    static const char name[] = "x-forwarded-proto";
    ssize_t at = h2o_find_header_by_str(&rq->h2o->headers, name, sizeof(name) - 1, -1);
    const h2o_header_t *header = at < 0 ? NULL : &rq->h2o->headers.entries[at];

    return rq->server->tls != NULL ||
           (header != NULL && str_eq_nocase((struct str){header->value.base, header->value.len}, STR("https")));
}

/* host[:port] as the client knows it; false for what could not stand in a URL. It comes from the client, but goes back
 * to nobody else. */
static bool authority_of(const struct request *rq, struct str *out)
{
    /* Where an HTTP/1.0 request names no host, libh2o puts its own name of the listener. */
    if (rq->h2o->input.authority.base == rq->h2o->hostconf->authority.hostport.base)
        return false;
    *out = (struct str){rq->h2o->input.authority.base, rq->h2o->input.authority.len};
    return out->n > 0 && out->n <= AUTHORITY_MAX && str_has_only(*out, STR("-._:[]"));
}

/* What the request would need, in the words of distribution's token scopes. Clients ask for a pass with it; ours carry
 * no rights, so that a change of rules holds at once. */
static void put_scope(const struct request *rq, struct sbuf *out)
{
    static const char *const needs[ACCESS_ACTION_COUNT] = {
        [ACCESS_PULL] = "pull", [ACCESS_PUSH] = "pull,push", [ACCESS_DELETE] = "delete", [ACCESS_OVERWRITE] = "push"};
    struct str name = rq->target.repository;

    if (rq->target.route == ROUTE_CATALOG)
        sbuf_printf(out, ",scope=\"registry:catalog:*\"");
    else if (name.n > 0 && repository_name_valid(name))
        sbuf_printf(out, ",scope=\"repository:%.*s:%s\"", (int)name.n, name.p,
                    needs[route_action(rq->target.route, rq->method)]);
}

static void bearer(struct request *rq, struct str authority)
{
    const char *base = rq->server->config->http_host;
    struct sbuf text = {0};

    if (base != NULL)
        sbuf_printf(&text, "Bearer realm=\"%s/v2/_token\"", base);
    else
        sbuf_printf(&text, "Bearer realm=\"%s://%.*s/v2/_token\"", speaks_tls(rq) ? "https" : "http", (int)authority.n,
                    authority.p);
    sbuf_printf(&text, ",service=\"%.*s\"", (int)authority.n, authority.p);
    put_scope(rq, &text);
    if (rq->pass_refused)
        sbuf_printf(&text, ",error=\"invalid_token\""); /* RFC 6750 §3.1 */
    reply_header(rq, "WWW-Authenticate", (struct str){text.p, text.n});
    sbuf_free(&text);
}

void login_challenge(struct request *rq, const char *detail)
{
    const struct access *access = rules_in_force(rq->loop);
    struct str authority;
    bool opens = access != NULL &&
                 (access_opens_without_login(access) || (rq->certificate[0] != '\0' && permission_any(rq)));

    if (opens && rq->target.route != ROUTE_TOKEN && authority_of(rq, &authority))
        bearer(rq, authority);
    else
        basic(rq);
    reply_error(rq, OCI_UNAUTHORIZED, "%s", detail);
}
