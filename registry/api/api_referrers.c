/* Referrers: GET /v2/<name>/referrers/<digest> (end-12a, end-12b): an index made of what names the digest as its
 * subject. */
#include "registry/api/api.h"
#include "registry/api/page.h"
#include "registry/reply.h"
#include "registry/server.h"

static const char index_type[] = "application/vnd.oci.image.index.v1+json";

enum { ENTRIES_STANDARD = 1000, PAGE_BYTES = 1024 * 1024 };

struct referrers {
    struct sbuf json;
    struct digest last;
    size_t count;
};

static void add_referrer(const struct referrer_view *view, void *argument)
{
    struct referrers *list = argument;
    char digest[DIGEST_TEXT_MAX];

    digest_format(&view->digest, digest);
    sbuf_printf(&list->json, "%s{\"mediaType\":", list->count++ > 0 ? "," : "");
    sbuf_json(&list->json, view->media_type);
    sbuf_printf(&list->json, ",\"digest\":\"%s\",\"size\":%llu", digest, (unsigned long long)view->size);
    if (view->artifact_type.n > 0) {
        sbuf_printf(&list->json, ",\"artifactType\":");
        sbuf_json(&list->json, view->artifact_type);
    }
    if (view->annotations.n > 0) {
        sbuf_printf(&list->json, ",\"annotations\":");
        sbuf_str(&list->json, view->annotations);
    }
    sbuf_printf(&list->json, "}");
    list->last = view->digest;
}

static void link_next(struct request *rq, const struct page *page, const struct digest *last, struct str type)
{
    struct sbuf extra = {0};
    char text[DIGEST_TEXT_MAX];
    size_t n = digest_format(last, text);

    if (type.n > 0) {
        sbuf_printf(&extra, "&artifactType=");
        sbuf_percent(&extra, type);
    }
    page_link(rq, page, (struct str){text, n}, sbuf_text(&extra));
    sbuf_free(&extra);
}

static bool read_list(struct request *rq, const struct referrer_query *query, struct referrers *list, bool *more)
{
    struct meta_txn *txn = meta_read(rq->loop->reader, &rq->err);
    int rc;

    if (txn == NULL)
        return false;
    rc = meta_referrers(txn, query, add_referrer, list, more, &rq->err);
    meta_done(rq->loop->reader);
    return rc == 0;
}

void api_referrers(struct request *rq)
{
    struct referrers list = {0};
    struct str type = {"", 0};
    struct digest subject, last;
    struct page page;
    bool more = false;

    if (digest_parse(rq->target.reference, &subject, &rq->err) != 0) {
        reply_error(rq, OCI_DIGEST_INVALID, "%s", rq->err.text);
        return;
    }
    if (!page_parse(rq, ENTRIES_STANDARD, ENTRIES_STANDARD, &page))
        return;
    request_param(rq, "artifactType", 0, &type);
    sbuf_printf(&list.json, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[", index_type);
    if (!read_list(rq,
                   &(struct referrer_query){
                       .repository = rq->target.repository,
                       .subject = &subject,
                       .last = page.last.n > 0 && digest_parse(page.last, &last, NULL) == 0 ? &last : NULL,
                       .artifact_type = type,
                       .limit = page.limit,
                       .byte_limit = PAGE_BYTES,
                   },
                   &list, &more)) {
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    } else {
        sbuf_printf(&list.json, "]}");
        if (more && list.count > 0)
            link_next(rq, &page, &list.last, type);
        if (type.n > 0)
            reply_header(rq, "OCI-Filters-Applied", STR("artifactType"));
        reply_body(rq, 200, index_type, (struct str){list.json.p, list.json.n});
    }
    sbuf_free(&list.json);
}
