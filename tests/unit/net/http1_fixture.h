/* Running heads and bodies through the parser in parts, for test_http1_parser.c and test_http1_framing.c. */
#ifndef BERTH_HTTP1_FIXTURE_H
#define BERTH_HTTP1_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "registry/net/http1_parser.h"
#include "tests/unit/test.h"

/* A head under parsing; its buffer moves and ends exactly behind the bytes given so far, so that ASan sees a stray
 * read. */
struct head {
    struct http1_parser parser;
    h2o_req_t req;
    char *bytes;
    size_t n;
    enum parse_result result;
};

static inline void head_begin(struct head *head)
{
    memset(head, 0, sizeof(*head));
    h2o_mem_init_pool(&head->req.pool);
    parser_init(&head->parser);
    head->result = PARSE_MORE;
}

/* Give more bytes, if the head still wants some. */
static inline void head_feed(struct head *head, struct str part)
{
    char *grown;

    if (head->result != PARSE_MORE || part.n == 0)
        return;
    grown = xmalloc(head->n + part.n);
    if (head->n > 0)
        memcpy(grown, head->bytes, head->n);
    memcpy(grown + head->n, part.p, part.n);
    free(head->bytes);
    head->bytes = grown;
    head->result = parser_head(&head->parser, grown, head->n, part.n);
    head->n += part.n;
    if (head->result == PARSE_DONE && !parser_fill_request(&head->parser, grown, &head->req))
        head->result = PARSE_BAD;
}

static inline void head_end(struct head *head)
{
    h2o_mem_clear_pool(&head->req.pool);
    free(head->bytes);
}

/* All that the parser says about a head, as text: "400 why", "incomplete", or the request. */
static inline void head_describe(const struct head *head, struct sbuf *out)
{
    const struct http1_parser *p = &head->parser;
    const h2o_req_t *req = &head->req;

    if (head->result == PARSE_MORE) {
        sbuf_printf(out, "incomplete");
        return;
    }
    if (head->result == PARSE_BAD) {
        sbuf_printf(out, "%d %s", p->status, p->reason);
        return;
    }
    sbuf_printf(out, "%.*s %.*s 1.%d host=%.*s", (int)req->input.method.len, req->input.method.base,
                (int)req->input.path.len, req->input.path.base, req->version & 0xff, (int)req->input.authority.len,
                req->input.authority.base == NULL ? "" : req->input.authority.base);
    if (p->chunked)
        sbuf_printf(out, " chunked");
    if (p->has_length)
        sbuf_printf(out, " length=%llu", (unsigned long long)p->length);
    sbuf_printf(out, "%s%s head=%zu", p->keep_alive ? "" : " close", p->expect_continue ? " continue" : "",
                p->head_length);
    for (size_t i = 0; i < req->headers.size; i++)
        sbuf_printf(out, " %.*s=[%.*s]", (int)req->headers.entries[i].name->len, req->headers.entries[i].name->base,
                    (int)req->headers.entries[i].value.len, req->headers.entries[i].value.base);
}

/* The description of `text` given in two parts, cut at `at`. */
static inline void describe_cut(struct str text, size_t at, struct sbuf *out)
{
    struct head head;

    out->n = 0;
    head_begin(&head);
    head_feed(&head, (struct str){text.p, at});
    head_feed(&head, str_from(text, at));
    head_describe(&head, out);
    head_end(&head);
}

#endif
