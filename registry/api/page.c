#include "registry/api/page.h"

#include "registry/reply.h"
#include "registry/server.h"

bool page_parse(struct request *rq, uint64_t standard, uint64_t most, struct page *out)
{
    uint64_t n = standard;
    struct str text;

    *out = (struct page){.last = {"", 0}};
    if (request_param(rq, "n", 0, &text)) {
        bool digits = text.n > 0;

        for (size_t i = 0; i < text.n; i++)
            digits = digits && text.p[i] >= '0' && text.p[i] <= '9';
        if (!digits) {
            reply_error(rq, OCI_PAGINATION_NUMBER_INVALID, "n must be a whole number that is not negative");
            return false;
        }
        if (!str_to_u64(text, &n)) /* too many digits: clamped like any huge number */
            n = most;
    }
    out->limit = (size_t)(n < most ? n : most);
    request_param(rq, "last", 0, &out->last);
    return true;
}

void page_link(struct request *rq, const struct page *page, struct str last, const char *extra)
{
    struct str target = {rq->h2o->input.path.base, rq->h2o->input.path.len};
    struct sbuf link = {0};

    sbuf_printf(&link, "<");
    sbuf_str(&link, (struct str){target.p, str_find(target, '?')});
    sbuf_printf(&link, "?n=%zu&last=", page->limit);
    sbuf_percent(&link, last);
    sbuf_printf(&link, "%s>; rel=\"next\"", extra);
    reply_header(rq, "Link", (struct str){link.p, link.n});
    sbuf_free(&link);
}
