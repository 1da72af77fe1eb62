#include "registry/client/http_client_response.h"

/* "HTTP/1.1 200 OK" */
static bool take_status(struct http_head *head, struct str line)
{
    struct str rest;
    uint64_t status;

    if (!str_starts(line, STR("HTTP/")))
        return false;
    rest = str_trim(str_from(line, str_find(line, ' ')));
    head->response->status = str_to_u64((struct str){rest.p, str_find(rest, ' ')}, &status) && status < 1000
                                 ? (int)status
                                 : 0;
    head->response->head.n = 0;
    head->done = false;
    return true;
}

static void put_lower(struct sbuf *out, struct str name)
{
    size_t from = out->n;

    sbuf_str(out, name);
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] >= 'A' && out->p[i] <= 'Z')
            out->p[i] |= 0x20;
}

int http_head_take(struct http_head *head, struct str line)
{
    struct sbuf *out = &head->response->head;
    size_t colon;

    head->bytes += line.n;
    if (head->bytes > HTTP_HEAD_MAX)
        return -1;
    while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
        line.n--;
    if (take_status(head, line))
        return 0;
    head->done = head->done || line.n == 0;
    colon = str_find(line, ':');
    if (head->done || !str_is_token((struct str){line.p, colon}) || colon == line.n)
        return 0;
    put_lower(out, (struct str){line.p, colon});
    sbuf_str(out, STR(": "));
    sbuf_str(out, str_trim(str_from(line, colon + 1)));
    sbuf_str(out, STR("\r\n"));
    return 0;
}

struct str http_response_field(const struct http_response *response, const char *name)
{
    struct str left = {response->head.p, response->head.n};
    struct str wanted = str_of(name);

    while (left.n > 0) {
        size_t end = str_find(left, '\n');
        size_t colon = str_find(left, ':');

        if (colon < end && str_eq((struct str){left.p, colon}, wanted))
            return str_trim((struct str){left.p + colon + 1, end - colon - 2});
        left = str_from(left, end + 1);
    }
    return (struct str){"", 0};
}

void http_response_clear(struct http_response *response)
{
    sbuf_wipe(&response->head);
    sbuf_wipe(&response->body);
    *response = (struct http_response){0};
}
