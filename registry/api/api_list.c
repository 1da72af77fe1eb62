/* Lists of names: GET /v2/_catalog and GET /v2/<name>/tags/list (end-8a, end-8b). One page is one cursor walk. */
#include "registry/api/api.h"
#include "registry/permission.h"
#include "registry/api/page.h"
#include "registry/reply.h"
#include "registry/server.h"

enum { CATALOG_STANDARD = 100 }; /* without n: what distribution gives */

struct listing {
    struct request *rq;
    struct sbuf json;
    struct str last; /* the last name given out; borrowed from the snapshot */
    size_t count;
};

static bool add_name(struct str name, void *argument)
{
    struct listing *listing = argument;

    sbuf_printf(&listing->json, "%s", listing->count++ > 0 ? "," : "");
    sbuf_json(&listing->json, name);
    listing->last = name;
    return true;
}

static bool add_repository(struct str name, void *argument)
{
    struct listing *listing = argument;

    return permission_has(listing->rq, ACCESS_PULL, name) && add_name(name, argument);
}

/* End a list that was read from the snapshot: reply, then let the snapshot go (`last` points into it). */
static void finish(struct request *rq, struct listing *listing, const struct page *page, bool more, int rc)
{
    sbuf_printf(&listing->json, "]}\n");
    if (rc != 0)
        reply_failure(rq, OCI_NAME_UNKNOWN, &rq->err);
    else {
        if (more && listing->count > 0)
            page_link(rq, page, listing->last, "");
        reply_body(rq, 200, "application/json", (struct str){listing->json.p, listing->json.n});
    }
    meta_done(rq->loop->reader);
    sbuf_free(&listing->json);
}

void api_catalog(struct request *rq)
{
    uint64_t most = rq->server->config->catalog_max_entries;
    struct listing listing = {.rq = rq};
    struct meta_txn *txn;
    struct page page;
    bool more = false;
    int rc = 0;

    if (!page_parse(rq, CATALOG_STANDARD < most ? CATALOG_STANDARD : most, most, &page))
        return;
    txn = reply_snapshot(rq);
    if (txn == NULL)
        return;
    sbuf_printf(&listing.json, "{\"repositories\":[");
    if (page.limit > 0)
        rc = meta_catalog(txn, page.last, page.limit, add_repository, &listing, &more, &rq->err);
    finish(rq, &listing, &page, more, rc);
}

void api_tags(struct request *rq)
{
    uint64_t most = rq->server->config->tags_max;
    struct listing listing = {.rq = rq};
    struct meta_txn *txn;
    struct page page;
    bool more = false;
    int rc;

    if (!page_parse(rq, most, most, &page))
        return;
    txn = reply_snapshot(rq);
    if (txn == NULL)
        return;
    sbuf_printf(&listing.json, "{\"name\":");
    sbuf_json(&listing.json, rq->target.repository);
    sbuf_printf(&listing.json, ",\"tags\":[");
    rc = meta_tags(txn, rq->target.repository, page.last, page.limit, add_name, &listing, &more, &rq->err);
    finish(rq, &listing, &page, more, rc);
}
