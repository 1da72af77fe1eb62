#include "registry/client/remote_registry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/quote.h"

/* registry */
#include "registry/client/remote_challenge.h"
#include "registry/client/remote_token.h"

enum { FIRST_WAIT_MS = 250, LONGEST_WAIT_MS = 30 * 1000, SLICE_MS = 100, ERROR_BODY_MAX = 8 * 1024 };

enum mode { MODE_NOBODY, MODE_BASIC, MODE_BEARER };

struct remote {
    struct http_client *client;
    struct sbuf origin; /* "https://registry.example:5000" */
    bool plain_http;
    struct str credentials;
    const struct interrupt *interrupt;
    bool reached; /* it has answered something */
    bool greeted; /* it was asked how it wants to know who calls */

    enum mode mode;
    struct remote_challenge challenge; /* the last; of MODE_BEARER */
    char *scope;                       /* of `authorization`, when that is a token */
    struct sbuf authorization;         /* the field's value; empty: none */
};

struct remote *remote_open(const struct remote_options *options, struct err *e)
{
    struct http_client *client = http_client_new(&options->http, e);
    struct remote *remote;

    if (client == NULL)
        return NULL;
    remote = xcalloc(1, sizeof(*remote));
    remote->client = client;
    remote->plain_http = options->plain_http;
    remote->credentials = options->credentials;
    remote->interrupt = options->interrupt;
    sbuf_printf(&remote->origin, "%s://%s", options->plain_http ? "http" : "https", options->host);
    sbuf_text(&remote->origin);
    return remote;
}

void remote_close(struct remote **remote)
{
    if (*remote == NULL)
        return;
    http_client_free(&(*remote)->client);
    sbuf_free(&(*remote)->origin);
    sbuf_wipe(&(*remote)->authorization);
    free((*remote)->scope);
    free(*remote);
    *remote = NULL;
}

const char *remote_origin(const struct remote *remote)
{
    return remote->origin.p;
}

/* ---- who calls ---- */

static int get_token(struct remote *remote, const char *scope, struct err *e)
{
    const struct token_request request = {.challenge = &remote->challenge,
                                          .scope = scope,
                                          .credentials = remote->credentials,
                                          .plain_http = remote->plain_http,
                                          .interrupt = remote->interrupt};

    sbuf_wipe(&remote->authorization);
    free(remote->scope);
    remote->scope = str_dup(str_of(scope));
    return remote_token(remote->client, &request, &remote->authorization, e);
}

/* What a 401 asks for. *again: it can be had. */
static int answer_challenge(struct remote *remote, const char *scope, const struct http_response *response, bool *again,
                            struct err *e)
{
    enum mode before = remote->mode;

    remote_challenge_parse(http_response_field(response, "www-authenticate"), &remote->challenge);
    *again = true;
    if (remote->challenge.bearer) {
        remote->mode = MODE_BEARER;
        return get_token(remote, scope, e);
    }
    *again = remote->challenge.basic && before != MODE_BASIC && remote->credentials.n > 0;
    if (*again) {
        remote->mode = MODE_BASIC;
        sbuf_wipe(&remote->authorization);
        remote_basic(&remote->authorization, remote->credentials);
        sbuf_text(&remote->authorization);
    }
    return 0;
}

/* ---- one request ---- */

static int ask(struct remote *remote, const struct remote_call *call, struct http_response *response, struct err *e)
{
    struct http_field fields[3];
    size_t n = 0;
    char range[40];
    struct sbuf url = {0};
    int rc;

    snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", call->from);
    if (call->accept != NULL)
        fields[n++] = (struct http_field){"Accept", call->accept};
    if (call->from > 0)
        fields[n++] = (struct http_field){"Range", range};
    if (remote->authorization.n > 0)
        fields[n++] = (struct http_field){"Authorization", remote->authorization.p};
    sbuf_printf(&url, "%s%s", remote->origin.p, call->path);
    rc = http_client_call(remote->client,
                          &(struct http_request){.method = call->method,
                                                 .url = sbuf_text(&url),
                                                 .fields = fields,
                                                 .field_count = n,
                                                 .stall_ms = REMOTE_STALL_MS,
                                                 .follow = true,
                                                 .sink = call->sink,
                                                 .context = call->context,
                                                 .body_most = call->sink != NULL ? ERROR_BODY_MAX : call->body_most,
                                                 .interrupt = remote->interrupt},
                          response, e);
    sbuf_free(&url);
    remote->reached = remote->reached || rc == 0;
    return rc;
}

/* Who has a password shows it where nobody would be let in as well, but to less: so the registry is asked for its
 * challenge first (distribution-spec, "Determining Support"). */
static int greet(struct remote *remote, const char *scope, struct err *e)
{
    const struct remote_call hello = {.method = "GET", .path = "/v2/", .scope = scope, .body_most = ERROR_BODY_MAX};
    struct http_response response = {0};
    bool again;
    int rc = ask(remote, &hello, &response, e);

    if (rc == 0 && response.status == 401)
        rc = answer_challenge(remote, scope, &response, &again, e);
    remote->greeted = rc == 0;
    http_response_clear(&response);
    return rc;
}

int remote_call(struct remote *remote, const struct remote_call *call, struct http_response *response, struct err *e)
{
    bool again = false;

    if (remote->credentials.n > 0 && !remote->greeted && greet(remote, call->scope, e) != 0)
        return -1;
    if (remote->mode == MODE_BEARER && strcmp(remote->scope, call->scope) != 0 &&
        get_token(remote, call->scope, e) != 0)
        return -1;
    if (ask(remote, call, response, e) != 0)
        return -1;
    if (response->status != 401)
        return 0;
    if (answer_challenge(remote, call->scope, response, &again, e) != 0)
        return -1;
    return again ? ask(remote, call, response, e) : 0;
}

/* ---- answers that are none ---- */

/* The first error of OCI error JSON, for the person. */
static void quote_error(const struct http_response *response, char out[QUOTE_MAX])
{
    json_t *document = json_loadb(response->body.p == NULL ? "" : response->body.p, response->body.n, 0, NULL);
    const json_t *first = json_array_get(json_object_get(document, "errors"), 0);
    const json_t *message = json_object_get(first, "message");

    out[0] = '\0';
    if (!json_is_string(message))
        message = json_object_get(first, "code");
    if (json_is_string(message))
        quote((struct str){json_string_value(message), json_string_length(message)}, out);
    json_decref(document);
}

static const struct {
    int status;
    enum err_code code;
    const char *means;
} refusals[] = {
    {400, ERR_UNSUPPORTED, "it does not understand that"},
    {401, ERR_DENIED, "it wants a login, or another one; name who logs in with --user"},
    {403, ERR_DENIED, "who logs in may not pull that"},
    {404, ERR_NOT_FOUND, "it is not there"},
    {405, ERR_UNSUPPORTED, "it does not offer that"},
    {408, ERR_BUSY, "it took too long"},
    {429, ERR_BUSY, "it is asked too often"},
    {501, ERR_UNSUPPORTED, "it does not offer that"},
};

int remote_refusal(const struct http_response *response, struct err *e)
{
    char said[QUOTE_MAX];
    size_t i = 0;

    quote_error(response, said);
    while (i < sizeof(refusals) / sizeof(refusals[0]) && refusals[i].status != response->status)
        i++;
    if (i < sizeof(refusals) / sizeof(refusals[0]))
        return err_set(e, refusals[i].code, "status %d%s%s: %s", response->status, said[0] == '\0' ? "" : ", ", said,
                       refusals[i].means);
    return err_set(e, response->status >= 500 ? ERR_BUSY : ERR_INVALID, "status %d%s%s", response->status,
                   said[0] == '\0' ? "" : ", ", said);
}

/* ---- patience ---- */

/* Seconds; a date is not worth the reading (RFC 9110 §10.2.3 has both). */
static uint64_t retry_after_ms(const struct http_response *response)
{
    uint64_t seconds;

    if (!str_to_u64(http_response_field(response, "retry-after"), &seconds))
        return 0;
    return 1000 * (seconds < REMOTE_WAIT_MAX_S ? seconds : REMOTE_WAIT_MAX_S);
}

bool remote_wait(struct remote *remote, struct remote_patience *patience, const struct http_response *response,
                 struct err *e)
{
    const struct timespec slice = {0, SLICE_MS * 1000000L};
    uint64_t wait_ms = (uint64_t)FIRST_WAIT_MS << patience->tries;
    uint64_t asked_ms = retry_after_ms(response), until_ms;

    if ((e->code != ERR_IO && e->code != ERR_BUSY) || !remote->reached || interrupt_wanted(remote->interrupt) ||
        ++patience->tries >= REMOTE_TRIES)
        return false;
    if (wait_ms > LONGEST_WAIT_MS)
        wait_ms = LONGEST_WAIT_MS;
    until_ms = clock_monotonic_ms() + (asked_ms > wait_ms ? asked_ms : wait_ms);
    while (clock_monotonic_ms() < until_ms) {
        if (interrupt_check(remote->interrupt, INTERRUPT_RESUMES, e) != 0)
            return false;
        nanosleep(&slice, NULL);
    }
    return true;
}

int remote_get(struct remote *remote, const struct remote_call *call, struct http_response *response, struct err *e)
{
    struct remote_patience patience = {0};

    do {
        if (remote_call(remote, call, response, e) != 0)
            continue; /* to the question whether there is another try */
        if (response->status >= 200 && response->status < 300)
            return 0;
        remote_refusal(response, e);
    } while (remote_wait(remote, &patience, response, e));
    return -1;
}
