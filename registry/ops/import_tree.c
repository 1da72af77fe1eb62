#include "registry/ops/import_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* registry */
#include "registry/api/manifest_policy.h"

#define ACCEPT                                                    \
    "application/vnd.oci.image.index.v1+json, "                   \
    "application/vnd.oci.image.manifest.v1+json, "                \
    "application/vnd.docker.distribution.manifest.list.v2+json, " \
    "application/vnd.docker.distribution.manifest.v2+json"

static void item_clear(struct tree_item *item)
{
    manifest_free(&item->manifest);
    sbuf_free(&item->bytes);
    free(item->media_type);
}

void tree_clear(struct import_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++)
        item_clear(&tree->items[i]);
    free(tree->items);
    *tree = (struct import_tree){0};
}

/* ---- one manifest ---- */

/* Do we hold it? With `take` its bytes are read, too. */
static bool look_here(struct hand *hand, const struct tree_source *source, bool take, struct tree_item *item)
{
    struct meta_txn *txn = meta_read(hand->reader, NULL);
    struct manifest_view view;

    item->here = txn != NULL && meta_manifest_get(txn, str_of(source->repository), &item->digest, &view, NULL) == 0;
    if (item->here && take) {
        sbuf_str(&item->bytes, view.bytes);
        item->media_type = str_dup(view.media_type);
    }
    if (txn != NULL)
        meta_done(hand->reader);
    return item->here;
}

/* The digest that it was asked for by, or the one that the registry tells of a tag; without either, SHA-256. */
static int check_digest(const struct http_response *response, const struct digest *wanted, struct tree_item *item,
                        struct err *e)
{
    struct str said = http_response_field(response, "docker-content-digest");
    char text[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];
    struct digest told;

    if (wanted == NULL && said.n > 0 && digest_parse(said, &told, e) != 0)
        return -1;
    if (wanted == NULL && said.n > 0)
        wanted = &told;
    digest_of(wanted == NULL ? DIGEST_SHA256 : wanted->alg, item->bytes.p, item->bytes.n, &item->digest);
    if (wanted == NULL || digest_equal(wanted, &item->digest))
        return 0;
    digest_format(wanted, text);
    digest_format(&item->digest, got);
    return err_set(e, ERR_DIGEST, "the other registry sends a manifest of digest %s for %s", got, text);
}

static int take_response(struct http_response *response, const struct digest *wanted, struct tree_item *item,
                         struct err *e)
{
    struct str type = http_response_field(response, "content-type");

    if (response->cut)
        return err_set(e, ERR_TOO_LARGE, "the manifest is larger than this registry takes (http.limits.manifest)");
    item->bytes = response->body;
    response->body = (struct sbuf){0};
    if (item->bytes.n == 0)
        return err_set(e, ERR_INVALID, "the manifest is empty");
    type.n = str_find(type, ';');
    item->media_type = str_dup(str_trim(type));
    return check_digest(response, wanted, item, e);
}

/* `wanted` NULL: the reference is a tag. */
static int fetch(struct hand *hand, const struct tree_source *source, struct str reference, const struct digest *wanted,
                 struct tree_item *item, struct err *e)
{
    struct http_response response = {0};
    struct sbuf path = {0}, scope = {0};
    struct remote_call call = {
        .method = "GET", .accept = ACCEPT, .body_most = (size_t)source->config->limits.manifest_bytes};
    int rc;

    sbuf_printf(&path, "/v2/%s/manifests/%.*s", source->repository, (int)reference.n, reference.p);
    sbuf_printf(&scope, "repository:%s:pull", source->repository);
    call.path = sbuf_text(&path);
    call.scope = sbuf_text(&scope);
    rc = remote_get(hand->remote, &call, &response, e);
    if (rc == 0)
        rc = take_response(&response, wanted, item, e);
    http_response_clear(&response);
    sbuf_free(&path);
    sbuf_free(&scope);
    return rc;
}

static int understand(const struct tree_source *source, struct tree_item *item, struct err *e)
{
    const struct str bytes = {item->bytes.p, item->bytes.n};

    if (manifest_parse(bytes, str_of(item->media_type), &item->manifest, e) != 0)
        return -1;
    return manifest_policy_apply(source->config, &item->manifest, e);
}

/* ---- what it names ---- */

static bool knows(const struct import_tree *tree, const struct digest *d)
{
    for (size_t i = 0; i < tree->n; i++)
        if (digest_equal(&tree->items[i].digest, d))
            return true;
    return false;
}

static int add(struct import_tree *tree, struct tree_item *item, struct err *e)
{
    tree->bytes += item->bytes.n;
    if (tree->n == TREE_ITEMS_MAX || tree->bytes > TREE_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d manifests or %d bytes of them hang on it", TREE_ITEMS_MAX,
                       TREE_BYTES_MAX);
    tree->items = xrealloc(tree->items, (tree->n + 1) * sizeof(*tree->items));
    item->attached = tree->attaching > 0;
    tree->items[tree->n++] = *item;
    *item = (struct tree_item){0};
    return 0;
}

static int collect(struct hand *hand, struct import_tree *tree, struct str reference, unsigned depth, struct err *e);

static int collect_digest(struct hand *hand, struct import_tree *tree, const struct digest *d, unsigned depth,
                          struct err *e)
{
    char text[DIGEST_TEXT_MAX];

    if (knows(tree, d))
        return 0;
    digest_format(d, text);
    return collect(hand, tree, str_of(text), depth, e);
}

static int collect_children(struct hand *hand, struct import_tree *tree, const struct manifest *manifest,
                            unsigned depth, struct err *e)
{
    for (size_t i = 0; i < manifest->reference_count; i++) {
        const struct reference *child = &manifest->references[i];

        if (child->kind != REFERENCE_CHILD || collect_digest(hand, tree, &child->digest, depth + 1, e) == 0)
            continue;
        if (!child->optional || e->code != ERR_NOT_FOUND)
            return -1;
    }
    return 0;
}

/* ---- what is attached to it ---- */

struct attached {
    struct digest *digests;
    size_t n;
};

static int take_attached(struct str name, void *arg, struct err *e)
{
    struct attached *attached = arg;
    struct digest d;

    if (digest_parse(name, &d, e) != 0)
        return -1;
    if (attached->n == TREE_ITEMS_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d things are attached to it", TREE_ITEMS_MAX);
    attached->digests = xrealloc(attached->digests, (attached->n + 1) * sizeof(*attached->digests));
    attached->digests[attached->n++] = d;
    return 0;
}

/* "Referrers Tag Schema" of the distribution-spec: an index under the tag "sha256-<hex>" takes the place of the API. */
static int list_by_tag(struct hand *hand, const struct tree_source *source, const char *digest,
                       struct attached *attached, struct err *e)
{
    struct tree_item index = {0};
    char tag[DIGEST_TEXT_MAX];
    int rc;

    if (source->all_tags)
        return 0;
    /* Of a longer digest the first 64 digits. */
    snprintf(tag, sizeof(tag), "%.*s-%.64s", (int)strcspn(digest, ":"), digest, strchr(digest, ':') + 1);
    rc = fetch(hand, source, str_of(tag), NULL, &index, e);
    if (rc == 0)
        rc = understand(source, &index, e);
    else if (e->code == ERR_NOT_FOUND)
        rc = 0;
    for (size_t i = 0; rc == 0 && i < index.manifest.reference_count; i++)
        if (index.manifest.references[i].kind == REFERENCE_CHILD) {
            char text[DIGEST_TEXT_MAX];

            digest_format(&index.manifest.references[i].digest, text);
            rc = take_attached(str_of(text), attached, e);
        }
    item_clear(&index);
    return rc;
}

static int list_attached(struct hand *hand, struct tree_source *source, const char *digest, struct attached *attached,
                         struct err *e)
{
    if (!atomic_load(&source->referrers_absent)) {
        if (remote_referrers(hand->remote, source->repository, digest, take_attached, attached, e) == 0)
            return 0;
        if (e->code != ERR_NOT_FOUND && e->code != ERR_UNSUPPORTED)
            return -1;
        atomic_store(&source->referrers_absent, true);
    }
    return list_by_tag(hand, source, digest, attached, e);
}

/* Without what is attached an image is still one: what goes wrong here is kept as its flaw. */
static void collect_attached(struct hand *hand, struct import_tree *tree, const struct digest *d, unsigned depth)
{
    struct attached attached = {0};
    char text[DIGEST_TEXT_MAX];
    struct err e = {0};
    int rc;

    if (!tree->source->referrers)
        return;
    digest_format(d, text);
    rc = list_attached(hand, tree->source, text, &attached, &e);
    tree->attaching++;
    for (size_t i = 0; rc == 0 && i < attached.n; i++)
        rc = collect_digest(hand, tree, &attached.digests[i], depth + 1, &e);
    tree->attaching--;
    if (rc != 0) {
        tree->flaw = e;
        err_wrap(&tree->flaw, "attached to %s", text);
    }
    free(attached.digests);
}

/* ---- all of it ---- */

static int get_item(struct hand *hand, struct import_tree *tree, struct str reference, struct tree_item *item,
                    struct err *e)
{
    bool by_digest = digest_parse(reference, &item->digest, NULL) == 0;
    struct digest wanted = item->digest;

    if (!by_digest || !look_here(hand, tree->source, true, item)) {
        if (fetch(hand, tree->source, reference, by_digest ? &wanted : NULL, item, e) != 0)
            return !by_digest ? -1 : err_wrap(e, "manifest %.*s", (int)reference.n, reference.p);
        look_here(hand, tree->source, false, item);
    }
    return understand(tree->source, item, e) == 0 ? 0 : err_wrap(e, "manifest %.*s", (int)reference.n, reference.p);
}

/* A circle of manifests cannot be, for each names the digest of the next. */
static int collect(struct hand *hand, struct import_tree *tree, struct str reference, unsigned depth, struct err *e)
{
    struct tree_item item = {0};
    struct digest digest;
    int rc;

    if (depth > TREE_DEPTH_MAX)
        return err_set(e, ERR_TOO_LARGE, "manifests name each other more than %d deep", TREE_DEPTH_MAX);
    rc = get_item(hand, tree, reference, &item, e);
    if (rc == 0)
        rc = collect_children(hand, tree, &item.manifest, depth, e);
    digest = item.digest;
    if (rc == 0 && !knows(tree, &digest))
        rc = add(tree, &item, e);
    item_clear(&item);
    if (rc != 0)
        return -1;
    if (depth == 0)
        tree->root = tree->n - 1;
    collect_attached(hand, tree, &digest, depth);
    return 0;
}

int tree_collect(struct hand *hand, struct tree_source *source, struct str reference, struct import_tree *tree,
                 struct err *e)
{
    *tree = (struct import_tree){.source = source};
    return collect(hand, tree, reference, 0, e);
}
