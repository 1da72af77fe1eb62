#include "registry/net/http1_parser.h"

#include <string.h>

#include "registry/base/str.h"

static int refuse(struct http1_parser *p, int status, const char *reason)
{
    p->status = status;
    p->reason = reason;
    return HPE_USER;
}

/* ---- llhttp's callbacks ---- */

static struct http1_parser *parser_of(llhttp_t *llhttp)
{
    return H2O_STRUCT_FROM_MEMBER(struct http1_parser, llhttp, llhttp);
}

/* Spans come in parts when the head does. A gap between parts of one value is a folded line (RFC 9112 §5.2). */
static bool extend(struct http1_parser *p, struct head_span *span, const char *at, size_t n)
{
    uint32_t offset = (uint32_t)(at - p->base);

    if (span->n == 0)
        span->at = offset;
    else if (span->at + span->n != offset)
        return false;
    span->n += (uint32_t)n;
    return true;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http1_parser *p = parser_of(llhttp);

    extend(p, &p->url, at, n);
    return p->url.n > HEAD_URL_MAX ? refuse(p, 414, "request target is too long") : 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http1_parser *p = parser_of(llhttp);

    if (p->head_done) /* a trailer: framing, otherwise ignored */
        return 0;
    if (p->header_count == 0 || p->in_value) {
        if (p->header_count == HEAD_HEADERS_MAX)
            return refuse(p, 431, "more than 100 header fields");
        p->names[p->header_count] = p->values[p->header_count] = (struct head_span){0};
        p->header_count++;
        p->in_value = false;
    }
    if (!extend(p, &p->names[p->header_count - 1], at, n))
        return refuse(p, 400, "malformed header field name");
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http1_parser *p = parser_of(llhttp);

    if (p->head_done)
        return 0;
    p->in_value = true;
    if (!extend(p, &p->values[p->header_count - 1], at, n))
        return refuse(p, 400, "folded header line");
    return 0;
}

/* An empty value must still end its field, or the next name would be glued to this one. */
static int on_header_value_complete(llhttp_t *llhttp)
{
    parser_of(llhttp)->in_value = true;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct http1_parser *p = parser_of(llhttp);

    p->head_done = true;
    return HPE_PAUSED;
}

/* Line ends are CR LF (RFC 9112 §2.2 lets servers take a bare LF; those who do get smuggled to), and no line goes on in
 * the next (§5.2, obs-fold). `before` is the byte in front of `bytes`. Returns what is wrong, or NULL. */
static const char *line_fault(char before, const char *bytes, size_t n)
{
    const char *at = bytes, *end = bytes + n;

    if (before == '\n' && n > 0 && (*at == ' ' || *at == '\t'))
        return "folded header line";
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if ((at == bytes ? before : at[-1]) != '\r')
            return "line that does not end in CR LF";
        if (++at < end && (*at == ' ' || *at == '\t'))
            return "folded header line";
    }
    return NULL;
}

/* Look at the bytes up to `end` that are no content: chunk sizes, extensions, trailers. */
static int check_framing(struct http1_parser *p, const char *end)
{
    size_t n = (size_t)(end - p->unchecked);
    const char *fault = line_fault(p->before, p->unchecked, n);

    p->framing += n;
    if (n > 0)
        p->before = end[-1];
    p->unchecked = end;
    if (fault == NULL && p->framing > BODY_FRAMING_MAX + BODY_FRAMING_PER_BYTE * p->content)
        fault = "too much chunk framing";
    return fault == NULL ? 0 : refuse(p, 400, fault);
}

static int on_body(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http1_parser *p = parser_of(llhttp);
    int rc = check_framing(p, at);

    if (rc != 0)
        return rc;
    p->content += n;
    p->before = '\0';
    p->unchecked = at + n;
    body_piece_add(p->piece, p->piece->data + (at - p->piece->data), n);
    return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    parser_of(llhttp)->message_done = true;
    return HPE_PAUSED;
}

static llhttp_settings_t settings;
static pthread_once_t settings_once = PTHREAD_ONCE_INIT;

static void make_settings(void)
{
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_header_value_complete = on_header_value_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
}

void parser_init(struct http1_parser *p)
{
    pthread_once(&settings_once, make_settings);
    llhttp_init(&p->llhttp, HTTP_REQUEST, &settings);
    /* The span arrays are set as headers come: clearing 1.6 KiB per request would show in a profile. */
    p->url = (struct head_span){0};
    p->header_count = 0;
    p->in_value = p->head_done = p->chunked = p->message_done = p->has_length = false;
    p->keep_alive = p->expect_continue = false;
    p->head_length = 0;
    p->length = p->framing = p->content = 0;
    p->piece = NULL;
    p->unchecked = NULL;
    p->before = '\0';
    p->status = 0;
    p->reason = NULL;
}

static enum parse_result refuse_head(struct http1_parser *p, int status, const char *reason)
{
    refuse(p, status, reason);
    return PARSE_BAD;
}

/* llhttp says "invalid version" also of what follows a version that is right, such as a bare LF. */
static enum parse_result malformed(struct http1_parser *p)
{
    bool ours = llhttp_get_http_major(&p->llhttp) == 1 && llhttp_get_http_minor(&p->llhttp) <= 1;
    bool version = llhttp_get_errno(&p->llhttp) == HPE_INVALID_VERSION && !ours;

    if (p->status == 0)
        refuse(p, version ? 505 : 400, llhttp_get_error_reason(&p->llhttp));
    return PARSE_BAD;
}

enum parse_result parser_head(struct http1_parser *p, const char *base, size_t known, size_t fresh)
{
    llhttp_errno_t rc;

    p->base = base;
    rc = llhttp_execute(&p->llhttp, base + known, fresh);
    if (rc == HPE_PAUSED && p->head_done) {
        p->head_length = (size_t)(llhttp_get_error_pos(&p->llhttp) - base);
        return p->head_length > HEAD_BYTES_MAX ? refuse_head(p, 431, "request head is too large") : PARSE_DONE;
    }
    if (rc != HPE_OK)
        return malformed(p);
    return known + fresh >= HEAD_BYTES_MAX ? refuse_head(p, 431, "request head is too large") : PARSE_MORE;
}

/* ---- from spans to a request ---- */

static struct str span_text(const char *base, struct head_span span)
{
    return str_trim((struct str){base + span.at, span.n});
}

static bool no(struct http1_parser *p, int status, const char *reason)
{
    refuse(p, status, reason);
    return false;
}

/* Headers that belong to the message, not to the request: used here and not passed on. Returns whether it was one. */
static bool take_framing(struct http1_parser *p, const h2o_token_t *token, struct str value, h2o_req_t *req)
{
    if (token == H2O_TOKEN_HOST) {
        if (req->input.authority.base != NULL || value.n == 0)
            refuse(p, 400, "a request has exactly one Host");
        req->input.authority = h2o_iovec_init(value.p, value.n);
        return true;
    }
    if (token == H2O_TOKEN_TRANSFER_ENCODING) {
        if (p->chunked || !str_eq_nocase(value, STR("chunked")))
            refuse(p, 400, "the only transfer coding taken is chunked");
        p->chunked = true;
        return true;
    }
    if (token == H2O_TOKEN_CONTENT_LENGTH) {
        if (p->has_length || !str_to_u64(value, &p->length) || p->length > INT64_MAX)
            refuse(p, 400, "malformed Content-Length");
        p->has_length = true;
        return true;
    }
    if (token == H2O_TOKEN_EXPECT) {
        if (!str_eq_nocase(value, STR("100-continue")))
            refuse(p, 417, "the only expectation served is 100-continue");
        p->expect_continue = true;
        return true;
    }
    return token == H2O_TOKEN_UPGRADE; /* nothing to upgrade to */
}

static bool add_header(struct http1_parser *p, char *base, unsigned i, h2o_req_t *req)
{
    char *name = base + p->names[i].at;
    size_t n = p->names[i].n;
    struct str value = span_text(base, p->values[i]);
    const h2o_token_t *token;

    /* llhttp checks most of it; blanks before the colon are what smuggling plays with. */
    if (!str_is_token((struct str){name, n}))
        return no(p, 400, "malformed header field name");
    h2o_strtolower(name, n);
    token = h2o_lookup_token(name, n);
    if (token != NULL && take_framing(p, token, value, req))
        return p->status == 0;
    if (token != NULL)
        h2o_add_header(&req->pool, &req->headers, token, NULL, value.p, value.n);
    else
        h2o_add_header_by_str(&req->pool, &req->headers, name, n, 0, NULL, value.p, value.n);
    return true;
}

/* The path, without scheme and authority when the target has them (absolute-form, RFC 9112 §3.2.2). */
static void fill_target(const struct http1_parser *p, const char *base, h2o_req_t *req)
{
    struct str target = {base + p->url.at, p->url.n};

    if (str_starts(target, STR("http://")) || str_starts(target, STR("https://"))) {
        struct str rest = str_from(target, str_find(target, ':') + 3);

        target = str_from(rest, str_find(rest, '/'));
    }
    req->input.path = target.n == 0 ? h2o_iovec_init(H2O_STRLIT("/")) : h2o_iovec_init(target.p, target.n);
}

bool parser_fill_request(struct http1_parser *p, char *base, h2o_req_t *req)
{
    const char *method = llhttp_method_name(llhttp_get_method(&p->llhttp));
    int minor = llhttp_get_http_minor(&p->llhttp);
    const char *fault = line_fault('\0', base, p->head_length);

    if (llhttp_get_http_major(&p->llhttp) != 1)
        return no(p, 505, "HTTP/1.1 is spoken here");
    if (fault != NULL)
        return no(p, 400, fault);
    if (llhttp_get_method(&p->llhttp) == HTTP_CONNECT) /* llhttp would not read its body */
        return no(p, 501, "CONNECT is for proxies");
    req->version = 0x100 | minor;
    req->input.method = h2o_iovec_init(method, strlen(method));
    fill_target(p, base, req);
    h2o_vector_reserve(&req->pool, &req->headers, p->header_count);
    for (unsigned i = 0; i < p->header_count; i++)
        if (!add_header(p, base, i, req))
            return false;
    if (p->chunked && p->has_length)
        return no(p, 400, "Transfer-Encoding together with Content-Length");
    if (p->chunked && minor == 0)
        return no(p, 400, "Transfer-Encoding in an HTTP/1.0 request");
    if (minor != 0 && req->input.authority.base == NULL)
        return no(p, 400, "a request has exactly one Host");
    if (minor == 0)
        p->expect_continue = false; /* to be ignored (RFC 9110 §10.1.1) */
    p->keep_alive = llhttp_should_keep_alive(&p->llhttp) != 0;
    return true;
}

bool parser_has_body(const struct http1_parser *p)
{
    return p->chunked || p->length > 0;
}

/* ---- the body ---- */

enum parse_result parser_body(struct http1_parser *p, struct body_piece *piece, size_t from, size_t *consumed)
{
    const char *bytes = piece->data + from, *end = piece->data + piece->filled;
    llhttp_errno_t rc;

    p->piece = piece;
    p->unchecked = bytes;
    if (llhttp_get_errno(&p->llhttp) == HPE_PAUSED)
        llhttp_resume(&p->llhttp);
    rc = llhttp_execute(&p->llhttp, bytes, (size_t)(end - bytes));
    p->piece = NULL;
    if (rc == HPE_PAUSED && p->message_done)
        end = llhttp_get_error_pos(&p->llhttp);
    else if (rc != HPE_OK)
        return malformed(p);
    *consumed = (size_t)(end - bytes);
    if (check_framing(p, end) != 0)
        return PARSE_BAD;
    return p->message_done ? PARSE_DONE : PARSE_MORE;
}
