/*
 * Lists of another registry, page by page: the catalog, tags, referrers.
 *
 * The next page is where the Link of the last one leads (OCI distribution-spec, "Listing Tags"; RFC 8288), within the
 * same registry. Pages of somebody who means harm never end: a page without a name, one that was there before and more
 * than REMOTE_NAMES_MAX names end the list with an error.
 */
#include "registry/client/remote_registry.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* base */
#include "registry/base/quote.h"

enum { PATH_MOST = 4096, PAGES_MAX = 100 * 1000 };

struct list {
    const char *key;    /* the member that is the array */
    const char *member; /* of an entry that is an object; NULL: it is a string itself */
    remote_name_cb *item;
    void *arg;
    size_t names;
    uint64_t *pages; /* which were there, as hashes of their paths */
    size_t page_count;
};

/* ---- from page to page ---- */

/* FNV-1a. Two pages that collide by design end a list that is up to no good. */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325U;

    for (; *path != '\0'; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3U;
    return hash;
}

static int note_page(struct list *list, const char *path, struct err *e)
{
    uint64_t hash = hash_of(path);

    for (size_t i = 0; i < list->page_count; i++)
        if (list->pages[i] == hash)
            return err_set(e, ERR_INVALID, "its pages lead in a circle");
    if (list->page_count == PAGES_MAX)
        return err_set(e, ERR_TOO_LARGE, "it has more than %d pages", PAGES_MAX);
    if ((list->page_count & (list->page_count - 1)) == 0)
        list->pages = xrealloc(list->pages, (list->page_count == 0 ? 1 : 2 * list->page_count) * sizeof(*list->pages));
    list->pages[list->page_count++] = hash;
    return 0;
}

/* `target` as a path of this registry. */
static int resolve(const struct remote *remote, struct str target, const char *path, struct sbuf *out, struct err *e)
{
    struct str scheme, host, origin = str_of(remote_origin(remote));
    char said[QUOTE_MAX];

    out->n = 0;
    if (http_url_origin(target, &scheme, &host)) {
        if (target.n < origin.n || !str_eq_nocase((struct str){target.p, origin.n}, origin))
            return err_set(e, ERR_DENIED, "its next page is elsewhere: %s", quote(host, said));
        target = str_from(target, origin.n);
    }
    if (str_starts(target, STR("?")))
        sbuf_put(out, path, strcspn(path, "?"));
    else if (!str_starts(target, STR("/")) || str_starts(target, STR("//")))
        return err_set(e, ERR_INVALID, "its next page is at no address: %s", quote(target, said));
    sbuf_str(out, target);
    if (out->n > PATH_MOST || memchr(out->p, '\0', out->n) != NULL)
        return err_set(e, ERR_INVALID, "its next page is at no address: %s", quote(target, said));
    sbuf_text(out);
    return 0;
}

/* Where `<target>; rel="next"` leads; empty: nowhere. */
static struct str next_of(struct str link)
{
    while (link.n > 0) {
        struct str target = str_from(link, str_find(link, '<') + 1);
        size_t end = str_find(target, '>');
        struct str parameters = str_from(target, end);

        target.n = end;
        link = str_from(parameters, str_find(parameters, '<'));
        parameters.n -= link.n;
        if (memmem(parameters.p, parameters.n, "rel=\"next\"", 10) != NULL ||
            memmem(parameters.p, parameters.n, "rel=next", 8) != NULL)
            return target;
    }
    return (struct str){"", 0};
}

/* ---- one page ---- */

static int take_name(struct list *list, const json_t *entry, struct err *e)
{
    const json_t *name = list->member == NULL ? entry : json_object_get(entry, list->member);

    if (!json_is_string(name))
        return err_set(e, ERR_INVALID, "an entry of its list is none");
    if (++list->names > REMOTE_NAMES_MAX)
        return err_set(e, ERR_TOO_LARGE, "it has more than %d names", REMOTE_NAMES_MAX);
    return list->item((struct str){json_string_value(name), json_string_length(name)}, list->arg, e);
}

static int take_page(struct list *list, const struct http_response *response, bool more, struct err *e)
{
    json_t *document = NULL;
    const json_t *array;
    size_t n = list->names;
    int rc = 0;

    if (!response->cut && response->body.n > 0)
        document = json_loadb(response->body.p, response->body.n, 0, NULL);
    array = json_object_get(document, list->key);
    /* `null` is an empty list to some. */
    if (response->cut || !json_is_object(document) || !(json_is_array(array) || json_is_null(array)))
        rc = err_set(e, ERR_INVALID, response->cut ? "a page has more than %d bytes" : "what it answers is no list",
                     REMOTE_LIST_MAX);
    for (size_t i = 0; rc == 0 && i < json_array_size(array); i++)
        rc = take_name(list, json_array_get(array, i), e);
    if (rc == 0 && more && list->names == n)
        rc = err_set(e, ERR_INVALID, "a page without names leads to another");
    json_decref(document);
    return rc;
}

static int take_all(struct remote *remote, struct list *list, struct remote_call *call, struct err *e)
{
    struct http_response response = {0};
    struct sbuf path = {0}, next = {0};
    bool more = true;
    int rc = 0;

    sbuf_str(&path, str_of(call->path));
    call->method = "GET";
    call->body_most = REMOTE_LIST_MAX;
    while (rc == 0 && more) {
        struct str link;

        call->path = sbuf_text(&path);
        rc = note_page(list, call->path, e);
        if (rc == 0)
            rc = remote_get(remote, call, &response, e);
        link = rc == 0 ? next_of(http_response_field(&response, "link")) : (struct str){0};
        more = link.n > 0;
        if (rc == 0)
            rc = take_page(list, &response, more, e);
        if (rc == 0 && more)
            rc = resolve(remote, link, call->path, &next, e);
        if (rc == 0 && more) {
            path.n = 0;
            sbuf_str(&path, (struct str){next.p, next.n});
        }
    }
    http_response_clear(&response);
    free(list->pages);
    sbuf_free(&path);
    sbuf_free(&next);
    return rc;
}

/* ---- the lists ---- */

int remote_catalog(struct remote *remote, remote_name_cb *item, void *arg, struct err *e)
{
    struct list list = {.key = "repositories", .item = item, .arg = arg};
    struct remote_call call = {.path = "/v2/_catalog?n=500", .scope = "registry:catalog:*"};

    return take_all(remote, &list, &call, e) == 0 ? 0 : err_wrap(e, "the catalog");
}

static int take_of(struct remote *remote, struct list *list, const char *repository, const char *what,
                   const char *accept, struct err *e)
{
    struct sbuf path = {0}, scope = {0};
    struct remote_call call = {.accept = accept};
    int rc;

    sbuf_printf(&path, "/v2/%s/%s", repository, what);
    sbuf_printf(&scope, "repository:%s:pull", repository);
    call.path = sbuf_text(&path);
    call.scope = sbuf_text(&scope);
    rc = take_all(remote, list, &call, e);
    sbuf_free(&path);
    sbuf_free(&scope);
    return rc;
}

int remote_tags(struct remote *remote, const char *repository, remote_name_cb *item, void *arg, struct err *e)
{
    struct list list = {.key = "tags", .item = item, .arg = arg};

    return take_of(remote, &list, repository, "tags/list", NULL, e) == 0 ? 0 : err_wrap(e, "its tags");
}

int remote_referrers(struct remote *remote, const char *repository, const char *digest, remote_name_cb *item, void *arg,
                     struct err *e)
{
    struct list list = {.key = "manifests", .member = "digest", .item = item, .arg = arg};
    struct sbuf what = {0};
    int rc;

    sbuf_printf(&what, "referrers/%s", digest);
    rc = take_of(remote, &list, repository, sbuf_text(&what), "application/vnd.oci.image.index.v1+json", e);
    sbuf_free(&what);
    return rc == 0 ? 0 : err_wrap(e, "what is attached to it");
}
