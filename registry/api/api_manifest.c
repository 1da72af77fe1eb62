/* Manifests: GET, HEAD, DELETE /v2/<name>/manifests/<reference> (end-3, end-9). PUT is in api_manifest_put.c. */
#include <stdlib.h>
#include <string.h>

#include "registry/api/api.h"
#include "registry/api/etag.h"
#include "registry/api/manifest_call.h"
#include "registry/events/event_call.h"
#include "registry/background/pulls.h"
#include "registry/reply.h"
#include "registry/server.h"
#include "storage/reference.h"

bool manifest_reference(struct request *rq, struct manifest_reference *out)
{
    struct str text = rq->target.reference;

    *out = (struct manifest_reference){0};
    out->is_digest = str_find(text, ':') != text.n;
    if (out->is_digest) {
        if (digest_parse(text, &out->digest, &rq->err) == 0)
            return true;
        reply_error(rq, OCI_DIGEST_INVALID, "%s", rq->err.text);
        return false;
    }
    if (tag_valid(text))
        return true;
    /* What can never be a tag is simply not there for who asks; for who writes it is a mistake. */
    if (rq->method == METHOD_PUT)
        reply_error(rq, OCI_TAG_INVALID, "a tag has at most %d letters, digits, dots, dashes and underscores", TAG_MAX);
    else
        reply_error(rq, OCI_MANIFEST_UNKNOWN, "this repository has no such manifest");
    return false;
}

static void tell_pulled(struct request *rq, const struct manifest_reference *reference,
                        const struct manifest_view *view)
{
    struct event_content content = {
        .target = TARGET_MANIFEST, .digest = &view->digest, .media_type = view->media_type, .size = view->bytes.n};

    if (!reference->is_digest)
        content.tag = rq->target.reference;
    event_call_pulled(rq, &content);
}

static void send_manifest(struct request *rq, const struct manifest_reference *reference,
                          const struct manifest_view *view)
{
    reply_digest(rq, &view->digest);
    if (etag_matches(request_header(rq, H2O_TOKEN_IF_NONE_MATCH), &view->digest)) {
        reply_empty(rq, 304);
        return;
    }
    if (rq->server->events != NULL)
        tell_pulled(rq, reference, view);
    reply_header(rq, "Content-Type", view->media_type);
    reply_bytes(rq, 200, view->bytes);
}

/* ---- GET and HEAD ----
 *
 * Who is told that a manifest is there may be about to push an index that names it: from then on it is kept for a grace
 * (storage/asked.h). It is looked up once more, behind a commit, when it may be going just now. */

/* False: look again. What a tag leads to does not go. */
static bool note(struct request *rq, const struct manifest_reference *reference, uint64_t ticket,
                 const struct manifest_view *view)
{
    return asked_note(rq->server->store->asked, &view->digest, ticket) || !reference->is_digest;
}

/* Returns false when it is to be looked up again; otherwise a reply was given. */
static bool look_up(struct request *rq, const struct manifest_reference *reference, bool last)
{
    uint64_t ticket = asked_ticket(rq->server->store->asked, &reference->digest);
    struct meta_txn *txn = reply_snapshot(rq);
    struct manifest_view view;
    bool done = true;
    int rc;

    if (txn == NULL)
        return true;
    rc = reference->is_digest ? meta_manifest_get(txn, rq->target.repository, &reference->digest, &view, &rq->err)
                              : meta_tag_get(txn, rq->target.repository, rq->target.reference, &view, &rq->err);
    if (rc == 0 && (note(rq, reference, ticket, &view) || last)) {
        if (rq->method == METHOD_GET)
            pulls_note(rq->loop->pulls, view.repository, &view.digest);
        send_manifest(rq, reference, &view);
    } else if (rc == 0)
        done = false;
    else if (rq->err.code == ERR_NOT_FOUND)
        reply_error(rq, OCI_MANIFEST_UNKNOWN, "this repository has no such manifest");
    else
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    meta_done(rq->loop->reader);
    return done;
}

static int apply_nothing(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    (void)txn, (void)change, (void)e;
    return 0;
}

static void look_again(struct request *rq)
{
    struct manifest_reference reference;

    if (rq->rc != 0)
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    else if (manifest_reference(rq, &reference))
        look_up(rq, &reference, true);
}

void api_manifest_get(struct request *rq)
{
    struct manifest_reference reference;

    if (manifest_reference(rq, &reference) && !look_up(rq, &reference, false))
        request_commit(rq, apply_nothing, look_again);
}

/* ---- DELETE ---- */

struct deletion {
    struct manifest_reference reference;
    bool more; /* tags of the manifest: it takes another commit */
};

static void tell_deleted(struct request *rq, struct meta_txn *txn, const struct digest *d, struct str tag)
{
    event_call_append(
        rq, txn, ACTION_DELETE,
        &(struct event_content){.target = d == NULL ? TARGET_TAG : TARGET_MANIFEST, .digest = d, .tag = tag});
}

/* Each followed by a zero. */
static bool gather_tag(struct str tag, void *arg)
{
    sbuf_str(arg, tag);
    sbuf_put(arg, "", 1);
    return true;
}

/* With the manifest go its tags, of which others are told, too. */
static int delete_manifest(struct request *rq, struct meta_txn *txn, struct deletion *deletion, struct err *e)
{
    const struct digest *d = &deletion->reference.digest;
    struct sbuf tags = {0};
    int rc;

    if (rq->origin.n > 0)
        meta_manifest_tags(txn, rq->target.repository, d, gather_tag, &tags);
    rc = meta_manifest_delete(txn, rq->target.repository, d, &deletion->more, e);
    if (rc == 0 && !deletion->more)
        tell_deleted(rq, txn, d, (struct str){0});
    for (size_t at = 0; rc == 0 && at < tags.n; at += strlen(tags.p + at) + 1)
        tell_deleted(rq, txn, NULL, str_of(tags.p + at));
    sbuf_free(&tags);
    return rc;
}

static int apply_delete(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct deletion *deletion = rq->state;

    if (deletion->reference.is_digest)
        return delete_manifest(rq, txn, deletion, e);
    if (meta_tag_delete(txn, rq->target.repository, rq->target.reference, e) != 0)
        return -1;
    tell_deleted(rq, txn, NULL, rq->target.reference);
    return 0;
}

static void deleted(struct request *rq)
{
    const struct deletion *deletion = rq->state;

    if (rq->rc == 0 && deletion->more)
        request_commit(rq, apply_delete, deleted);
    else if (rq->rc == 0)
        reply_empty(rq, 202);
    else
        reply_failure(rq, OCI_MANIFEST_UNKNOWN, &rq->err);
}

static void release(struct request *rq)
{
    free(rq->state);
}

void api_manifest_delete(struct request *rq)
{
    struct manifest_reference reference;
    struct deletion *own;

    if (!manifest_reference(rq, &reference))
        return;
    own = xcalloc(1, sizeof(*own));
    own->reference = reference;
    rq->state = own;
    rq->release = release;
    event_call_begin(rq, ACTION_DELETE);
    request_commit(rq, apply_delete, deleted);
}
