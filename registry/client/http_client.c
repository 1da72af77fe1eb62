/*
 * A call: curl's handle is emptied of what the last call set (its connections stay), the request is put into it, and
 * three callbacks of curl do the rest: lines of heads (on_head), pieces of bodies (on_body), and a look at the clock and
 * at whoever may want to end it, once a second at least (on_progress). A callback that ends a call says why in
 * `struct call`; what curl then reports is only that it was ended.
 */
#include "registry/client/http_client.h"

#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

/* registry */
#include "registry/client/http_client_curl.h"
#include "registry/client/http_client_error.h"
#include "registry/client/http_client_response.h"

enum { CA_FILE_MAX = 4 * 1024 * 1024 };

struct http_client {
    const struct curl_library *curl;
    CURL *handle;
    struct sbuf authorities; /* PEM */
    char *certificate;
    char *key;
    struct sbuf no_proxy;
    bool insecure;
};

enum end { END_NONE, END_STALLED, END_INTERRUPTED, END_SINK, END_HEAD, END_CUT };

struct call {
    struct http_client *client;
    const struct http_request *request;
    struct http_response *response;
    struct http_head head;
    enum end end;      /* why one of us ended it */
    uint64_t moved;    /* bytes of bodies, when it last counted as progress */
    uint64_t moved_ms; /* and when that was; monotonic */
    struct err *e;
};

/* ---- clients ---- */

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : str_dup(str_of(text));
}

/* What the environment says, and this machine: a proxy would take "localhost" for itself. */
static void find_no_proxy(struct sbuf *out)
{
    const char *said = getenv("no_proxy");

    if (said == NULL)
        said = getenv("NO_PROXY");
    if (said != NULL && strcmp(said, "*") == 0)
        sbuf_str(out, STR("*"));
    else
        sbuf_printf(out, "%s%slocalhost,127.0.0.0/8,::1", said == NULL ? "" : said, said == NULL ? "" : ",");
}

struct http_client *http_client_new(const struct http_client_options *options, struct err *e)
{
    static const struct http_client_options none = {0};
    const struct curl_library *curl = curl_library_get(e);
    struct http_client *client;

    if (curl == NULL)
        return NULL;
    if (options == NULL)
        options = &none;
    client = xcalloc(1, sizeof(*client));
    client->curl = curl;
    client->certificate = copy_text(options->certificate);
    client->key = copy_text(options->key);
    client->insecure = options->insecure;
    find_no_proxy(&client->no_proxy);
    sbuf_str(&client->authorities, options->authorities);
    client->handle = curl->easy_init();
    if (client->handle == NULL) {
        err_set(e, ERR_EXHAUSTED, "libcurl cannot make a handle");
        http_client_free(&client);
    } else if (options->ca_file != NULL &&
               file_read_regular(options->ca_file, CA_FILE_MAX, &client->authorities, e) != 0) {
        err_wrap(e, "authorities");
        http_client_free(&client);
    }
    return client;
}

void http_client_free(struct http_client **client)
{
    if (*client == NULL)
        return;
    if ((*client)->handle != NULL)
        (*client)->curl->easy_cleanup((*client)->handle);
    sbuf_free(&(*client)->authorities);
    sbuf_free(&(*client)->no_proxy);
    free((*client)->certificate);
    free((*client)->key);
    free(*client);
    *client = NULL;
}

/* ---- what curl calls ---- */

static size_t on_head(const char *bytes, size_t size, size_t count, void *arg)
{
    struct call *call = arg;

    if (http_head_take(&call->head, (struct str){bytes, size * count}) != 0) {
        call->end = END_HEAD;
        return CURL_WRITEFUNC_ERROR;
    }
    return size * count;
}

/* Reads no more than is wanted. */
static size_t gather(struct call *call, struct str piece)
{
    struct sbuf *body = &call->response->body;
    size_t room = call->request->body_most - body->n;

    sbuf_put(body, piece.p, piece.n < room ? piece.n : room);
    if (piece.n <= room)
        return piece.n;
    call->response->cut = true;
    call->end = END_CUT;
    return CURL_WRITEFUNC_ERROR;
}

static size_t on_body(const char *bytes, size_t size, size_t count, void *arg)
{
    struct call *call = arg;
    struct str piece = {bytes, size * count};
    bool good = call->response->status >= 200 && call->response->status < 300;

    if (call->request->sink == NULL || !good)
        return gather(call, piece);
    if (call->request->sink(call->request->context, piece, call->e) != 0) {
        call->end = END_SINK;
        return CURL_WRITEFUNC_ERROR;
    }
    call->moved_ms = clock_monotonic_ms();
    return piece.n;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct call *call = arg;
    uint64_t moved = (uint64_t)down + (uint64_t)up, now_ms = clock_monotonic_ms();

    (void)down_total, (void)up_total;
    /* A redirect begins to count anew. */
    if (moved < call->moved || moved - call->moved >= HTTP_STALL_BYTES) {
        call->moved = moved;
        call->moved_ms = now_ms;
    }
    if (interrupt_wanted(call->request->interrupt))
        call->end = END_INTERRUPTED;
    else if (call->request->stall_ms > 0 && now_ms - call->moved_ms > call->request->stall_ms)
        call->end = END_STALLED;
    return call->end != END_NONE;
}

/* ---- options, by what they take ---- */

static void set_number(const struct http_client *client, CURLoption option, long value)
{
    client->curl->easy_setopt(client->handle, option, value);
}

/* curl copies it. */
static void set_text(const struct http_client *client, CURLoption option, const char *value)
{
    client->curl->easy_setopt(client->handle, option, value);
}

static void set_pointer(const struct http_client *client, CURLoption option, void *value)
{
    client->curl->easy_setopt(client->handle, option, value);
}

static void set_callbacks(const struct http_client *client, struct call *call)
{
    const struct curl_library *curl = client->curl;

    curl->easy_setopt(client->handle, CURLOPT_HEADERFUNCTION, on_head);
    curl->easy_setopt(client->handle, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt(client->handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    set_pointer(client, CURLOPT_HEADERDATA, call);
    set_pointer(client, CURLOPT_WRITEDATA, call);
    set_pointer(client, CURLOPT_XFERINFODATA, call);
    set_number(client, CURLOPT_NOPROGRESS, 0);
}

/* curl's own authorities are a file and a directory of the same ones: a CA file stands in for the former only. */
static void set_trust(const struct http_client *client)
{
    struct curl_blob authorities = {
        .data = client->authorities.p, .len = client->authorities.n, .flags = CURL_BLOB_NOCOPY};

    set_number(client, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_number(client, CURLOPT_SSL_VERIFYPEER, client->insecure ? 0 : 1);
    set_number(client, CURLOPT_SSL_VERIFYHOST, client->insecure ? 0 : 2);
    if (authorities.len > 0)
        client->curl->easy_setopt(client->handle, CURLOPT_CAINFO_BLOB, &authorities);
    if (client->certificate != NULL)
        set_text(client, CURLOPT_SSLCERT, client->certificate);
    if (client->key != NULL)
        set_text(client, CURLOPT_SSLKEY, client->key);
    set_text(client, CURLOPT_KEYPASSWD, ""); /* else OpenSSL would ask the terminal */
}

static void set_manners(const struct http_client *client, const struct http_request *request)
{
    struct str scheme = {0}, host;
    bool secure = http_url_origin(str_of(request->url), &scheme, &host) && str_eq(scheme, STR("https://"));

    set_number(client, CURLOPT_NOSIGNAL, 1);
    set_text(client, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
    set_text(client, CURLOPT_PROTOCOLS_STR, "http,https");
    set_text(client, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    set_number(client, CURLOPT_FOLLOWLOCATION, request->follow ? 1 : 0);
    set_number(client, CURLOPT_MAXREDIRS, HTTP_REDIRECTS_MAX);
    set_number(client, CURLOPT_UNRESTRICTED_AUTH, 0);
    set_number(client, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_number(client, CURLOPT_TCP_KEEPALIVE, 1);
    set_number(client, CURLOPT_CONNECTTIMEOUT_MS, HTTP_CONNECT_MS);
    set_number(client, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
    set_text(client, CURLOPT_NOPROXY, client->no_proxy.p);
    if (request->timeout_ms > 0)
        set_number(client, CURLOPT_TIMEOUT_MS, request->timeout_ms < INT32_MAX ? (long)request->timeout_ms : INT32_MAX);
}

/* What curl makes of a method by its name alone is not what it does by itself: no body is awaited for HEAD, and a POST
 * becomes a GET after 303, which says that it was taken. After 301 and 302 (RFC 9110 §15.4.3) it stays one: who answers
 * a GET there, a page to log in say, has not got what was posted. */
static void set_method(const struct http_client *client, const struct http_request *request)
{
    bool post = strcmp(request->method, "POST") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        set_number(client, CURLOPT_NOBODY, 1);
        return;
    }
    if (request->body.n > 0 || post) {
        client->curl->easy_setopt(client->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        client->curl->easy_setopt(client->handle, CURLOPT_POSTFIELDS, request->body.n > 0 ? request->body.p : "");
        set_number(client, CURLOPT_POSTREDIR, CURL_REDIR_POST_301 | CURL_REDIR_POST_302);
    }
    if (!post && strcmp(request->method, "GET") != 0)
        set_text(client, CURLOPT_CUSTOMREQUEST, request->method);
}

/* ---- requests ---- */

static bool field_is_valid(const struct http_field *field)
{
    return str_is_token(str_of(field->name)) && field->value[strcspn(field->value, "\r\n")] == '\0';
}

static int check(const struct http_request *request, struct err *e)
{
    struct str scheme, host;

    if (!http_url_origin(str_of(request->url), &scheme, &host))
        return err_set(e, ERR_INVALID, "an address that is no URL for http or https");
    for (size_t i = 0; i < request->field_count; i++)
        if (!field_is_valid(&request->fields[i]))
            return err_set(e, ERR_INVALID, "a field of a request that no head can hold");
    return 0;
}

static int add_line(const struct curl_library *curl, struct curl_slist **list, const char *line, struct err *e)
{
    struct curl_slist *longer = curl->slist_append(*list, line);

    if (longer == NULL)
        return err_set(e, ERR_EXHAUSTED, "out of memory");
    *list = longer;
    return 0;
}

/* What curl would add by itself is left out: "Name:" says so to it, and "Name;" that a field is empty. */
static int list_fields(const struct call *call, struct curl_slist **list)
{
    const struct http_request *request = call->request;
    const struct curl_library *curl = call->client->curl;
    struct sbuf line = {0};
    bool typed = false;
    int rc = add_line(curl, list, "Expect:", call->e);

    for (size_t i = 0; rc == 0 && i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];

        line.n = 0;
        sbuf_printf(&line, "%s%s%s", field->name, field->value[0] == '\0' ? ";" : ": ", field->value);
        rc = add_line(curl, list, sbuf_text(&line), call->e);
        typed = typed || str_eq_nocase(str_of(field->name), STR("content-type"));
    }
    if (rc == 0 && !typed)
        rc = add_line(curl, list, "Content-Type:", call->e);
    sbuf_wipe(&line);
    return rc;
}

static void free_fields(const struct curl_library *curl, struct curl_slist *list)
{
    for (struct curl_slist *item = list; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl->slist_free_all(list);
}

/* ---- a call ---- */

static int judge(const struct call *call, CURLcode code, const char *detail)
{
    const struct curl_library *curl = call->client->curl;
    struct http_failure failure = {.code = code, .detail = detail, .unknown = curl->easy_strerror(code)};

    switch (call->end) {
    case END_CUT:
        return 0;
    case END_SINK:
        return -1;
    case END_INTERRUPTED:
        return err_set(call->e, ERR_BUSY, "interrupted");
    case END_STALLED:
        failure.code = CURLE_OPERATION_TIMEDOUT;
        break;
    case END_HEAD:
        failure.code = CURLE_FILESIZE_EXCEEDED;
        break;
    case END_NONE:
        if (code == CURLE_OK)
            return 0;
        if (code == CURLE_UNSUPPORTED_PROTOCOL && call->response->status == 0)
            failure.code = CURLE_WEIRD_SERVER_REPLY; /* curl took it for HTTP/0.9 */
        curl->easy_getinfo(call->client->handle, CURLINFO_OS_ERRNO, &failure.number);
        break;
    }
    return http_client_error(&failure, call->request->url, call->e);
}

int http_client_call(struct http_client *client, const struct http_request *request, struct http_response *response,
                     struct err *e)
{
    struct call call = {.client = client,
                        .request = request,
                        .response = response,
                        .head = {.response = response},
                        .moved_ms = clock_monotonic_ms(),
                        .e = e};
    struct curl_slist *fields = NULL;
    char detail[CURL_ERROR_SIZE] = "";
    int rc = check(request, e);

    http_response_clear(response);
    if (rc == 0)
        rc = list_fields(&call, &fields);
    if (rc == 0) {
        client->curl->easy_reset(client->handle);
        set_manners(client, request);
        set_trust(client);
        set_method(client, request);
        set_callbacks(client, &call);
        set_text(client, CURLOPT_URL, request->url);
        set_pointer(client, CURLOPT_HTTPHEADER, fields);
        set_pointer(client, CURLOPT_ERRORBUFFER, detail);
        rc = judge(&call, client->curl->easy_perform(client->handle), detail);
        client->curl->easy_reset(client->handle); /* it points to what ends here */
    }
    free_fields(client->curl, fields);
    return rc;
}
