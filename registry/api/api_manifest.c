/* Manifests: GET, HEAD, DELETE /v2/<name>/manifests/<reference> (end-3, end-9). PUT is in api_manifest_put.c. */
#include <stdlib.h>

#include "registry/api/api.h"
#include "registry/api/etag.h"
#include "registry/api/manifest_call.h"
#include "registry/pulls.h"
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

static void send_manifest(struct request *rq, const struct manifest_view *view)
{
    reply_digest(rq, &view->digest);
    if (etag_matches(request_header(rq, H2O_TOKEN_IF_NONE_MATCH), &view->digest)) {
        reply_empty(rq, 304);
        return;
    }
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
        send_manifest(rq, &view);
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

static int apply_delete(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct deletion *deletion = rq->state;

    if (deletion->reference.is_digest)
        return meta_manifest_delete(txn, rq->target.repository, &deletion->reference.digest, &deletion->more, e);
    return meta_tag_delete(txn, rq->target.repository, rq->target.reference, e);
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
    request_commit(rq, apply_delete, deleted);
}
