/*
 * Lists of names: GET /v2/_catalog and GET /v2/<name>/tags/list (end-8a, end-8b).
 *
 * A page of tags is one cursor walk. A page of the catalog leaps over what the caller surely may not pull, but rules
 * with a star in front can still cost a look at every repository there is: so it is walked in slices of SLICE_LOOKS
 * names, and between two of them the loop serves others. Each slice has a snapshot of its own and asks the rules then
 * in force. What a client sees is one page after the other either way; a repository that comes or goes meanwhile may be
 * in it or not.
 */
#include <stdlib.h>

#include "registry/api/api.h"
#include "registry/permission.h"
#include "registry/api/page.h"
#include "registry/reply.h"
#include "registry/server.h"

enum {
    CATALOG_STANDARD = 100, /* without n: what distribution gives */
    SLICE_LOOKS = 256,      /* names: about a millisecond when fifty rules with globs are about the caller */
};

struct listing {
    struct sbuf json;
    struct sbuf last; /* the last name given out */
    size_t count;
};

static bool add_name(struct str name, void *argument)
{
    struct listing *listing = argument;

    if (listing->count++ > 0)
        sbuf_str(&listing->json, STR(","));
    sbuf_json(&listing->json, name);
    listing->last.n = 0;
    sbuf_str(&listing->last, name);
    return true;
}

static void listing_clear(struct listing *listing)
{
    sbuf_free(&listing->json);
    sbuf_free(&listing->last);
}

static void finish(struct request *rq, struct listing *listing, const struct page *page, bool more, int rc)
{
    sbuf_printf(&listing->json, "]}\n");
    if (rc != 0) {
        reply_failure(rq, OCI_NAME_UNKNOWN, &rq->err);
        return;
    }
    if (more && listing->count > 0)
        page_link(rq, page, (struct str){listing->last.p, listing->last.n}, "");
    reply_body(rq, 200, "application/json", (struct str){listing->json.p, listing->json.n});
}

/* ---- the catalog ---- */

struct catalog {
    struct listing listing;
    struct page page;
    struct sbuf seen; /* the last name looked at in the slices before; empty: there were none */

    /* within a slice */
    struct permission_view may_pull;
    struct str looked_at; /* the last one; borrowed from the snapshot */
    char room[ACCESS_NAME_MAX];
};

static void release(struct request *rq)
{
    struct catalog *catalog = rq->state;

    listing_clear(&catalog->listing);
    sbuf_free(&catalog->seen);
    free(catalog);
}

static bool add_repository(struct str name, void *argument)
{
    struct catalog *catalog = argument;

    catalog->looked_at = name;
    return permission_view_has(&catalog->may_pull, name) && add_name(name, &catalog->listing);
}

static struct str next_repository(struct str name, void *argument)
{
    struct catalog *catalog = argument;

    return permission_view_from(&catalog->may_pull, name, catalog->room);
}

/* One slice, from behind the last name looked at. When it ends in the middle of the page the next one follows, once
 * others had their turn. */
static void walk_slice(struct request *rq)
{
    struct catalog *catalog = rq->state;
    struct catalog_query query = {
        .last = catalog->seen.n > 0 ? (struct str){catalog->seen.p, catalog->seen.n} : catalog->page.last,
        .limit = catalog->page.limit - catalog->listing.count,
        .looks = SLICE_LOOKS,
        .seek = next_repository,
    };
    struct meta_txn *txn = reply_snapshot(rq);
    bool more;
    int rc;

    if (txn == NULL)
        return;
    permission_view_make(rq, ACCESS_PULL, &catalog->may_pull);
    catalog->looked_at = (struct str){"", 0};
    rc = meta_catalog(txn, &query, add_repository, catalog, &more, &rq->err);
    catalog->seen.n = 0;
    sbuf_str(&catalog->seen, catalog->looked_at);
    meta_done(rq->loop->reader);
    if (rc == 0 && more && catalog->listing.count < catalog->page.limit)
        request_yield(rq, walk_slice);
    else
        finish(rq, &catalog->listing, &catalog->page, more, rc);
}

void api_catalog(struct request *rq)
{
    uint64_t most = rq->server->config->catalog_max_entries;
    struct catalog *catalog = xcalloc(1, sizeof(*catalog));

    rq->state = catalog;
    rq->release = release;
    if (!page_parse(rq, CATALOG_STANDARD < most ? CATALOG_STANDARD : most, most, &catalog->page))
        return;
    sbuf_printf(&catalog->listing.json, "{\"repositories\":[");
    walk_slice(rq);
}

/* ---- tags ---- */

void api_tags(struct request *rq)
{
    uint64_t most = rq->server->config->tags_max;
    struct listing listing = {0};
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
    meta_done(rq->loop->reader);
    finish(rq, &listing, &page, more, rc);
    listing_clear(&listing);
}
