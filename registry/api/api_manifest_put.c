/*
 * PUT /v2/<name>/manifests/<reference>[?tag=…] (end-7).
 *
 * The bytes are gathered (http.limits.manifest at most), checked on a worker (digest, JSON, policy), and stored
 * unchanged in one commit together with their tags. Nothing is stored unless everything they name is there.
 */
#include <stdlib.h>

#include "registry/api/api.h"
#include "registry/base/clock.h"
#include "registry/api/manifest_call.h"
#include "registry/api/manifest_policy.h"
#include "registry/events/event_call.h"
#include "registry/permission.h"
#include "registry/reply.h"
#include "registry/server.h"
#include "storage/manifest.h"
#include "storage/reference.h"

enum { TAGS_MAX = 100 };

_Static_assert((size_t)CONFIG_MANIFEST_MAX <= (size_t)MANIFEST_BYTES_MAX, "what may be pushed can be kept");

struct put_call {
    struct manifest_reference reference;
    bool may_overwrite;
    char *content_type;
    struct sbuf bytes;
    struct digest digest;
    struct manifest manifest;
    bool parsed;
    struct str tags[TAGS_MAX];
    size_t tag_count;
};

static void release(struct request *rq)
{
    struct put_call *call = rq->state;

    if (call->parsed)
        manifest_free(&call->manifest);
    for (size_t i = 0; i < call->tag_count; i++)
        free((char *)(uintptr_t)call->tags[i].p);
    sbuf_free(&call->bytes);
    free(call->content_type);
    free(call);
}

static bool add_tag(struct request *rq, struct put_call *call, struct str tag)
{
    if (!tag_valid(tag)) {
        reply_error(rq, OCI_TAG_INVALID, "a tag has at most %d letters, digits, dots, dashes and underscores", TAG_MAX);
        return false;
    }
    if (call->tag_count == TAGS_MAX) {
        reply_error(rq, OCI_TAG_INVALID, "more than %d tags in one request", TAGS_MAX);
        return false;
    }
    call->tags[call->tag_count++] = (struct str){str_dup(tag), tag.n};
    return true;
}

/* The tag of the path, or those of `?tag=` parameters when the path has a digest. */
static bool take_tags(struct request *rq, struct put_call *call)
{
    struct str tag;

    if (!call->reference.is_digest)
        return add_tag(rq, call, rq->target.reference);
    for (size_t i = 0; request_param(rq, "tag", i, &tag); i++)
        if (!add_tag(rq, call, tag))
            return false;
    return true;
}

/* ---- the body is here: check, commit, reply ---- */

static void check(struct request *rq)
{
    struct put_call *call = rq->state;
    struct str bytes = {call->bytes.p, call->bytes.n};
    char wanted[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];

    digest_of(call->reference.is_digest ? call->reference.digest.alg : DIGEST_SHA256, bytes.p, bytes.n, &call->digest);
    if (call->reference.is_digest && !digest_equal(&call->digest, &call->reference.digest)) {
        digest_format(&call->reference.digest, wanted);
        digest_format(&call->digest, got);
        rq->rc = err_set(&rq->err, ERR_DIGEST, "the manifest sent has digest %s, not %s", got, wanted);
        return;
    }
    /* Twice: its pages and those above them in the tree. */
    rq->rc = uploads_reserve(rq->server->store->uploads, 2 * bytes.n, &rq->err);
    if (rq->rc != 0)
        return;
    rq->rc = manifest_parse(bytes, str_of(call->content_type), &call->manifest, &rq->err);
    call->parsed = rq->rc == 0;
    if (call->parsed)
        rq->rc = manifest_policy_apply(rq->server->config, &call->manifest, &rq->err);
}

/* Once for each tag, as if each had been pushed on its own. */
static void tell_pushed(struct request *rq, struct meta_txn *txn, const struct put_call *call)
{
    struct event_content content = {.target = TARGET_MANIFEST,
                                    .digest = &call->digest,
                                    .media_type = str_of(call->manifest.media_type),
                                    .size = call->bytes.n};

    if (call->tag_count == 0)
        event_call_append(rq, txn, ACTION_PUSH, &content);
    for (size_t i = 0; i < call->tag_count; i++) {
        content.tag = call->tags[i];
        event_call_append(rq, txn, ACTION_PUSH, &content);
    }
}

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct put_call *call = rq->state;
    struct manifest_put put = {
        .repository = rq->target.repository,
        .digest = call->digest,
        .manifest = &call->manifest,
        .bytes = {call->bytes.p, call->bytes.n},
        .tags = call->tags,
        .tag_count = call->tag_count,
        .allow_missing = rq->server->config->validation_disabled,
        .keep_tags = !call->may_overwrite,
        .now = clock_wall_s(),
    };

    if (quota_admit_manifest(rq->server->quotas, txn, put.repository, &put.digest, put.bytes.n, e) != 0)
        return -1;
    if (meta_manifest_put(txn, &put, e) != 0)
        return -1;
    tell_pushed(rq, txn, call);
    return 0;
}

static enum oci_error error_of(enum err_code code)
{
    return code == ERR_DIGEST      ? OCI_DIGEST_INVALID
           : code == ERR_EXISTS    ? OCI_DENIED
           : code == ERR_REFERENCE ? OCI_MANIFEST_BLOB_UNKNOWN
           : code == ERR_TOO_LARGE ? OCI_MANIFEST_TOO_LARGE
                                   : OCI_MANIFEST_INVALID;
}

static void committed(struct request *rq)
{
    struct put_call *call = rq->state;
    char digest[DIGEST_TEXT_MAX];

    if (rq->rc != 0) {
        reply_failure(rq, error_of(rq->err.code), &rq->err);
        return;
    }
    digest_format(&call->digest, digest);
    reply_location(rq, "manifests/%s", digest);
    reply_digest(rq, &call->digest);
    if (call->manifest.has_subject) {
        digest_format(&call->manifest.subject, digest);
        reply_header(rq, "OCI-Subject", str_of(digest));
    }
    for (size_t i = 0; call->reference.is_digest && i < call->tag_count; i++)
        reply_header(rq, "OCI-Tag", call->tags[i]);
    reply_empty(rq, 201);
}

static void checked(struct request *rq)
{
    event_call_begin(rq, ACTION_PUSH);
    if (rq->rc == 0)
        request_commit(rq, apply, committed);
    else
        reply_failure(rq, error_of(rq->err.code), &rq->err);
}

/* ---- the body ---- */

static void too_large(struct request *rq)
{
    rq->h2o->http1_is_persistent = 0;
    reply_error(rq, OCI_MANIFEST_TOO_LARGE, "a manifest has at most %llu bytes here",
                (unsigned long long)rq->server->config->limits.manifest_bytes);
}

static void on_piece(struct body_sink *sink, struct body_piece *piece)
{
    struct request *rq = H2O_STRUCT_FROM_MEMBER(struct request, sink, sink);
    struct put_call *call = rq->state;
    bool fits = call->bytes.n + piece->length <= rq->server->config->limits.manifest_bytes;

    for (int i = 0; i < piece->span_count && fits; i++)
        sbuf_put(&call->bytes, piece->spans[i].iov_base, piece->spans[i].iov_len);
    if (!fits)
        too_large(rq);
    body_return(piece);
}

static void on_end(struct body_sink *sink)
{
    struct request *rq = H2O_STRUCT_FROM_MEMBER(struct request, sink, sink);

    request_work(rq, LANE_DISK, check, checked);
}

/* "type/subtype; parameters" without the parameters. */
static char *media_type_of(struct str header)
{
    return str_dup(str_trim((struct str){header.p, str_find(header, ';')}));
}

void api_manifest_put(struct request *rq)
{
    uint64_t length = body_length(rq->h2o);
    struct manifest_reference reference;
    struct put_call *call;

    if (!manifest_reference(rq, &reference))
        return;
    if (length != BODY_LENGTH_UNKNOWN && length > rq->server->config->limits.manifest_bytes) {
        too_large(rq);
        return;
    }
    call = xcalloc(1, sizeof(*call));
    call->reference = reference;
    call->may_overwrite = permission_has(rq, ACCESS_OVERWRITE, rq->target.repository);
    call->content_type = media_type_of(request_header(rq, H2O_TOKEN_CONTENT_TYPE));
    rq->state = call;
    rq->release = release;
    if (!take_tags(rq, call) || !request_admit(rq))
        return;
    rq->sink.piece = on_piece;
    rq->sink.end = on_end;
    body_start(rq->h2o, &rq->sink);
}
