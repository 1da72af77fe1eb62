/*
 * Referrers: GET /v2/<name>/referrers/<digest> (end-12a, end-12b): an index made of what names the digest as its
 * subject.
 *
 * With a filter a page can cost a look at every referrer there is. So it is walked in slices, as the catalog is
 * (api_list.c), each with a snapshot of its own; between two of them the loop serves others.
 */
#include <stdlib.h>

#include "registry/api/api.h"
#include "registry/api/page.h"
#include "registry/reply.h"
#include "registry/server.h"

static const char index_type[] = "application/vnd.oci.image.index.v1+json";

enum {
    ENTRIES_STANDARD = 1000,
    PAGE_BYTES = 1024 * 1024,
    SLICE_LOOKS = 1000, /* entries: well under a millisecond when none is wanted */
};

struct referrers {
    struct page page;
    struct digest subject;
    struct str type;
    struct sbuf json;
    size_t count;
    struct digest last; /* given out */
    struct digest seen; /* looked at */
    bool has_seen;
};

static void add_referrer(const struct referrer_view *view, void *argument)
{
    struct referrers *list = argument;
    struct sbuf *json = &list->json;
    char digest[DIGEST_TEXT_MAX];
    size_t n = digest_format(&view->digest, digest);

    sbuf_str(json, list->count++ > 0 ? STR(",{\"mediaType\":") : STR("{\"mediaType\":"));
    sbuf_json(json, view->media_type);
    sbuf_str(json, STR(",\"digest\":\""));
    sbuf_str(json, (struct str){digest, n});
    sbuf_str(json, STR("\",\"size\":"));
    sbuf_u64(json, view->size);
    if (view->artifact_type.n > 0) {
        sbuf_str(json, STR(",\"artifactType\":"));
        sbuf_json(json, view->artifact_type);
    }
    if (view->annotations.n > 0) {
        sbuf_str(json, STR(",\"annotations\":"));
        sbuf_str(json, view->annotations);
    }
    sbuf_str(json, STR("}"));
    list->last = view->digest;
}

static void release(struct request *rq)
{
    struct referrers *list = rq->state;

    sbuf_free(&list->json);
    free(list);
}

static void link_next(struct request *rq, const struct referrers *list)
{
    struct sbuf extra = {0};
    char text[DIGEST_TEXT_MAX];
    size_t n = digest_format(&list->last, text);

    if (list->type.n > 0) {
        sbuf_printf(&extra, "&artifactType=");
        sbuf_percent(&extra, list->type);
    }
    page_link(rq, &list->page, (struct str){text, n}, sbuf_text(&extra));
    sbuf_free(&extra);
}

static void finish(struct request *rq, struct referrers *list, bool more)
{
    sbuf_printf(&list->json, "]}");
    if (more && list->count > 0)
        link_next(rq, list);
    if (list->type.n > 0)
        reply_header(rq, "OCI-Filters-Applied", STR("artifactType"));
    reply_body(rq, 200, index_type, (struct str){list->json.p, list->json.n});
}

static void walk_slice(struct request *rq)
{
    struct referrers *list = rq->state;
    struct referrer_query query = {
        .repository = rq->target.repository,
        .subject = &list->subject,
        .artifact_type = list->type,
        .limit = list->page.limit - list->count,
        .byte_limit = list->json.n < PAGE_BYTES ? PAGE_BYTES - list->json.n : 0,
        .looks = SLICE_LOOKS,
        .begun = list->count > 0,
    };
    struct meta_txn *txn = reply_snapshot(rq);
    struct digest from = list->seen; /* list->seen moves on meanwhile */
    enum referrers_end end;
    int rc;

    if (txn == NULL)
        return;
    query.last = list->has_seen ? &from : NULL;
    rc = meta_referrers(txn, &query, add_referrer, list, &list->seen, &end, &rq->err);
    meta_done(rq->loop->reader);
    list->has_seen = true;
    if (rc != 0)
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    else if (end == REFERRERS_PAUSE)
        request_yield(rq, walk_slice);
    else
        finish(rq, list, end != REFERRERS_ALL);
}

void api_referrers(struct request *rq)
{
    struct referrers *list = xcalloc(1, sizeof(*list));

    rq->state = list;
    rq->release = release;
    if (digest_parse(rq->target.reference, &list->subject, &rq->err) != 0) {
        reply_error(rq, OCI_DIGEST_INVALID, "%s", rq->err.text);
        return;
    }
    if (!page_parse(rq, ENTRIES_STANDARD, ENTRIES_STANDARD, &list->page))
        return;
    request_param(rq, "artifactType", 0, &list->type);
    list->has_seen = list->page.last.n > 0 && digest_parse(list->page.last, &list->seen, NULL) == 0;
    sbuf_printf(&list->json, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[", index_type);
    if (list->page.limit == 0)
        finish(rq, list, false);
    else
        walk_slice(rq);
}
