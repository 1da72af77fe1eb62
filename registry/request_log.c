#include "registry/request_log.h"

#include <string.h>

#include "registry/metrics.h"
#include "registry/server.h"

/* Bytes that could forge a line or a field are shown as \xHH. */
static void put_escaped(struct sbuf *line, struct str s, unsigned char least)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < least || c >= 0x7f || c == '"' || c == '\\')
            sbuf_printf(line, "\\x%02x", c);
        else
            sbuf_put(line, &s.p[i], 1);
    }
}

static void put_quoted(struct sbuf *line, struct str s)
{
    sbuf_put(line, "\"", 1);
    put_escaped(line, s, ' ');
    sbuf_put(line, "\"", 1);
}

static void put_header(struct sbuf *line, const struct request *rq, const h2o_token_t *token)
{
    struct str value = request_header(rq, token);

    sbuf_put(line, " ", 1);
    put_quoted(line, value.n == 0 ? STR("-") : value);
}

static void put_request_line(struct sbuf *line, h2o_req_t *h2o)
{
    struct sbuf text = {0};

    sbuf_put(&text, h2o->input.method.base, h2o->input.method.len);
    sbuf_put(&text, " ", 1);
    sbuf_put(&text, h2o->input.path.base, h2o->input.path.len);
    sbuf_printf(&text, " HTTP/1.%d", h2o->version & 0xff);
    put_quoted(line, (struct str){text.p, text.n});
    sbuf_free(&text);
}

void request_log(const struct request *rq)
{
    h2o_req_t *h2o = rq->h2o;
    /* 499: the client closed before there was a reply, a number that log readers know. */
    int status = h2o->res.status == 0 ? 499 : h2o->res.status;
    struct sbuf line = {0};

    metric_request((struct str){h2o->input.method.base, h2o->input.method.len}, status);
    if (rq->server->access_log == NULL)
        return;
    sbuf_str(&line, str_of(H2O_STRUCT_FROM_MEMBER(struct driven, super, h2o->conn)->peer.text));
    sbuf_printf(&line, " - ");
    if (rq->user[0] == '\0')
        sbuf_put(&line, "-", 1);
    else
        put_escaped(&line, str_of(rq->user), ' ' + 1);
    sbuf_printf(&line, " [%s] ", h2o->processed_at.str->log);
    put_request_line(&line, h2o);
    sbuf_printf(&line, " %d %zu", status, h2o->bytes_sent);
    put_header(&line, rq, H2O_TOKEN_REFERER);
    put_header(&line, rq, H2O_TOKEN_USER_AGENT);
    sbuf_printf(&line, " %s\n", rq->id);
    loop_log(rq->loop, (struct str){line.p, line.n});
    sbuf_free(&line);
}
