#include "registry/client/remote_token.h"

#include <jansson.h>
#include <string.h>

/* base */
#include "registry/base/base64.h"

enum { ANSWER_MAX = 64 * 1024 };

void remote_basic(struct sbuf *out, struct str credentials)
{
    sbuf_str(out, STR("Basic "));
    base64_put(out, credentials);
}

/* A password is not for whoever listens on the way. */
static int check_realm(const struct token_request *request, struct err *e)
{
    struct str scheme, host;

    if (!http_url_origin(str_of(request->challenge->realm), &scheme, &host))
        return err_set(e, ERR_INVALID, "the realm that tokens come from is no URL");
    if (!request->plain_http && !str_eq(scheme, STR("https://")))
        return err_set(e, ERR_DENIED, "tokens are to come from %.*s%.*s, over plain http: refused", (int)scheme.n,
                       scheme.p, (int)host.n, host.p);
    return 0;
}

static void build_url(const struct token_request *request, struct sbuf *out)
{
    const char *realm = request->challenge->realm;

    sbuf_printf(out, "%s%cscope=", realm, strchr(realm, '?') == NULL ? '?' : '&');
    sbuf_percent(out, str_of(request->scope));
    if (request->challenge->service[0] != '\0') {
        sbuf_str(out, STR("&service="));
        sbuf_percent(out, str_of(request->challenge->service));
    }
    sbuf_text(out);
}

static int check_token(struct str token, struct err *e)
{
    if (token.n == 0 || token.n > REMOTE_TOKEN_MAX)
        return err_set(e, ERR_INVALID, "the token has %zu bytes; 1 to %d are taken", token.n, REMOTE_TOKEN_MAX);
    for (size_t i = 0; i < token.n; i++)
        if ((unsigned char)token.p[i] <= ' ' || (unsigned char)token.p[i] >= 0x7f)
            return err_set(e, ERR_INVALID, "the token holds bytes that no token has");
    return 0;
}

/* `token`, or what OAuth 2.0 calls it. */
static int take_token(const struct http_response *response, struct sbuf *out, struct err *e)
{
    json_t *document = json_loadb(response->body.p == NULL ? "" : response->body.p, response->body.n, 0, NULL);
    const json_t *member = json_object_get(document, "token");
    struct str token;
    int rc;

    if (!json_is_string(member))
        member = json_object_get(document, "access_token");
    token = (struct str){json_string_value(member), json_string_length(member)};
    rc = response->cut || !json_is_string(member) ? err_set(e, ERR_INVALID, "what it answers holds no token")
                                                  : check_token(token, e);
    if (rc == 0) {
        sbuf_str(out, STR("Bearer "));
        sbuf_str(out, token);
        sbuf_text(out);
    }
    json_decref(document);
    return rc;
}

static int judge(const struct token_request *request, const struct http_response *response, struct sbuf *out,
                 struct err *e)
{
    if (response->status == 401 || response->status == 403)
        return err_set(e, ERR_DENIED, "%s",
                       request->credentials.n > 0 ? "name or password is wrong" : "nobody gets one without a login");
    if (response->status == 429 || response->status >= 500)
        return err_set(e, ERR_BUSY, "it answers with status %d", response->status);
    if (response->status != 200)
        return err_set(e, ERR_IO, "it answers with status %d", response->status);
    return take_token(response, out, e);
}

int remote_token(struct http_client *client, const struct token_request *request, struct sbuf *out, struct err *e)
{
    struct http_response response = {0};
    struct sbuf url = {0}, basic = {0};
    struct http_field fields[] = {{"Accept", "application/json"}, {"Authorization", NULL}};
    struct str scheme, host;
    int rc = check_realm(request, e);

    if (rc == 0) {
        build_url(request, &url);
        remote_basic(&basic, request->credentials);
        fields[1].value = sbuf_text(&basic);
        rc = http_client_call(client,
                              &(struct http_request){.method = "GET",
                                                     .url = url.p,
                                                     .fields = fields,
                                                     .field_count = request->credentials.n > 0 ? 2 : 1,
                                                     .timeout_ms = REMOTE_TOKEN_MS,
                                                     .body_most = ANSWER_MAX,
                                                     .interrupt = request->interrupt},
                              &response, e);
        if (rc == 0 && judge(request, &response, out, e) != 0) {
            http_url_origin(str_of(request->challenge->realm), &scheme, &host);
            rc = err_wrap(e, "a token from %.*s%.*s", (int)scheme.n, scheme.p, (int)host.n, host.p);
        }
    }
    http_response_clear(&response);
    sbuf_wipe(&basic);
    sbuf_free(&url);
    return rc;
}
