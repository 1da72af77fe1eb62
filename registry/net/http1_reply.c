/* Replies: the last output stream of libh2o's pipeline, and the heads it writes. */
#include "registry/net/http1_reply.h"

#include <stdio.h>
#include <string.h>

#include "registry/net/http1_internal.h"

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *reply_status_text(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "Unknown";
}

bool reply_allows_body(const h2o_req_t *req)
{
    return req->res.status != 204 && req->res.status != 304 &&
           !h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
}

static char *put(char *at, const char *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return at + n;
}

static char *put_number(char *at, size_t number)
{
    char digits[24];
    char *first = digits + sizeof(digits);

    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, first, (size_t)(digits + sizeof(digits) - first));
}

/* A reply to GET without a known length must not stay open: its end is the end of the connection. We always know it. */
static size_t head_size(const h2o_req_t *req, const char *text)
{
    size_t n =
        sizeof("HTTP/1.1 999 \r\nDate: \r\nConnection: keep-alive\r\nContent-Length: 18446744073709551615\r\n\r\n") +
        strlen(text) + H2O_TIMESTR_RFC1123_LEN;

    for (size_t i = 0; i < req->res.headers.size; i++)
        n += req->res.headers.entries[i].name->len + req->res.headers.entries[i].value.len + 4;
    return n;
}

struct iovec reply_head(h2o_req_t *req, bool persistent)
{
    const char *text = reply_status_text(req->res.status);
    char *head = h2o_mem_alloc_pool(&req->pool, head_size(req, text));
    char *at = head;
    h2o_timestamp_t now;

    h2o_get_timestamp(req->conn->ctx, &req->pool, &now);
    at = put(at, H2O_STRLIT("HTTP/1.1 "));
    at = put_number(at, (size_t)req->res.status);
    *at++ = ' ';
    at = put(at, text, strlen(text));
    at = put(at, H2O_STRLIT("\r\nDate: "));
    at = put(at, now.str->rfc1123, H2O_TIMESTR_RFC1123_LEN);
    if (!persistent)
        at = put(at, H2O_STRLIT("\r\nConnection: close"));
    else if (req->version < 0x101)
        at = put(at, H2O_STRLIT("\r\nConnection: keep-alive")); /* HTTP/1.0 must be told (RFC 9112 §9.3) */
    if (req->res.content_length != SIZE_MAX && req->res.status != 204 && req->res.status != 304) {
        at = put(at, H2O_STRLIT("\r\nContent-Length: "));
        at = put_number(at, req->res.content_length);
    }
    at = put(at, H2O_STRLIT("\r\n"));
    for (size_t i = 0; i < req->res.headers.size; i++) {
        const h2o_header_t *header = req->res.headers.entries + i;

        at = put(at, header->orig_name != NULL ? header->orig_name : header->name->base, header->name->len);
        at = put(at, H2O_STRLIT(": "));
        at = put(at, header->value.base, header->value.len);
        at = put(at, H2O_STRLIT("\r\n"));
    }
    at = put(at, H2O_STRLIT("\r\n"));
    return (struct iovec){head, (size_t)(at - head)};
}

void reply_refusal(struct sbuf *out, int status, const char *reason)
{
    struct sbuf body = {0};

    sbuf_printf(&body, "{\"errors\":[{\"code\":\"UNSUPPORTED\",\"message\":");
    sbuf_json(&body, str_of(reason));
    sbuf_printf(&body, "}]}\n");
    sbuf_printf(out,
                "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                status, reply_status_text(status), body.n);
    sbuf_str(out, (struct str){body.p, body.n});
    sbuf_free(&body);
}

/* ---- the output stream ---- */

static void on_reply_written(void *owner, bool ok)
{
    struct http1 *c = owner;

    if (!ok || c->reply_broken)
        http1_close(c);
    else if (c->reply_final)
        http1_reply_done(c);
    else
        h2o_proceed_response(&c->req);
}

/* May the connection serve another request after this reply? Only if the body is read, or short enough to skip. */
static bool stays_open(const struct http1 *c)
{
    bool skippable = !c->continue_due && !c->parser.chunked && c->parser.length <= HTTP1_SKIP_BYTES && c->sink == NULL;

    return c->req.http1_is_persistent && !c->driven.loop->hurried && c->out == NULL && (c->body_complete || skippable);
}

static void start_reply(struct http1 *c)
{
    c->head_sent = true;
    c->persistent = stays_open(c);
    c->sink = NULL;
    stream_ignore_reads(c->stream);
    http1_enter(c, REPLY);
}

static void send_reply(h2o_ostream_t *ostream, h2o_req_t *req, h2o_iovec_t *bufs, size_t n, h2o_send_state_t state)
{
    struct http1 *c = H2O_STRUCT_FROM_MEMBER(struct http1, ostream, ostream);
    struct iovec spans[8];
    size_t count = 0;

    if (c->refused)
        return;
    if (!c->head_sent) {
        start_reply(c);
        spans[count++] = reply_head(req, c->persistent);
    }
    for (size_t i = 0; i < n && count < 8 && reply_allows_body(req); i++) {
        spans[count++] = (struct iovec){bufs[i].base, bufs[i].len};
        req->bytes_sent += bufs[i].len;
    }
    c->reply_final = !h2o_send_state_is_in_progress(state);
    c->reply_broken = state == H2O_SEND_STATE_ERROR;
    stream_write(c->stream, spans, count, on_reply_written);
}

void http1_reply_attach(struct http1 *c)
{
    c->ostream.do_send = send_reply;
}
