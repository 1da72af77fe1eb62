#include "registry/api/upload_call.h"

#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/observe/metrics.h"
#include "registry/events/event_call.h"
#include "registry/reply.h"
#include "registry/server.h"

/* ---- letting go of a session when its request is over ---- */

struct farewell {
    struct job job;
    struct upload *upload;
};

static void run_farewell(struct job *job)
{
    struct farewell *farewell = H2O_STRUCT_FROM_MEMBER(struct farewell, job, job);

    upload_release(&farewell->upload);
}

static void farewell_done(struct job *job)
{
    free(H2O_STRUCT_FROM_MEMBER(struct farewell, job, job));
}

static void release(struct request *rq)
{
    struct upload_call *call = rq->state;

    if (call->piece != NULL)
        body_return(call->piece);
    if (call->upload != NULL) {
        struct farewell *farewell = xcalloc(1, sizeof(*farewell));

        farewell->job = (struct job){.run = run_farewell, .done = farewell_done, .loop = rq->loop};
        farewell->upload = call->upload;
        workers_submit(rq->server->workers, LANE_DISK, &farewell->job);
    }
    pin_drop(rq->server->store->pins, &call->pin);
    free(call);
}

struct upload_call *upload_call_new(struct request *rq)
{
    struct upload_call *call = xcalloc(1, sizeof(*call));

    rq->state = call;
    rq->release = release;
    return call;
}

bool upload_call_digest(struct request *rq, struct upload_call *call)
{
    struct str text;

    if (!request_param(rq, "digest", 0, &text)) {
        reply_error(rq, OCI_DIGEST_INVALID, "the digest parameter is missing");
        return false;
    }
    if (digest_parse(text, &call->digest, &rq->err) != 0) {
        reply_error(rq, OCI_DIGEST_INVALID, "%s", rq->err.text);
        return false;
    }
    return true;
}

/* ---- quotas ---- */

/* Does the repository hold the blob that this request completes? Then it costs nothing. */
static bool is_held(const struct request *rq, const struct upload_call *call, struct meta_txn *txn)
{
    struct blob_info info;

    return call->finishing && meta_blob_get(txn, rq->target.repository, &call->digest, &info, NULL) == 0;
}

static bool reserve(struct request *rq, uint64_t bytes)
{
    struct upload_call *call = rq->state;
    struct meta_txn *txn;
    int rc = 0;

    if (rq->server->quotas == NULL)
        return true;
    txn = meta_read(rq->loop->reader, &rq->err);
    if (txn == NULL)
        return false;
    if (!is_held(rq, call, txn))
        rc = quota_reserve(rq->server->quotas, &rq->hold, rq->target.repository, bytes, txn, &rq->err);
    meta_done(rq->loop->reader);
    return rc == 0;
}

/* One byte at least: who begins an upload is told at once when there is no room at all. */
bool upload_call_reserve(struct request *rq)
{
    const struct upload_call *call = rq->state;
    uint64_t length = body_length(rq->h2o);
    uint64_t bytes;

    if (length == BODY_LENGTH_UNKNOWN)
        length = 0;
    if (__builtin_add_overflow(call->offset, length, &bytes))
        bytes = UINT64_MAX;
    return reserve(rq, bytes > 0 ? bytes : 1);
}

static void no_room(struct request *rq)
{
    reply_failure(rq, OCI_DENIED, &rq->err);
}

/* ---- replies ---- */

void upload_call_headers(struct request *rq, const struct upload_call *call)
{
    reply_location(rq, "blobs/uploads/%s", call->id);
    reply_header(rq, "Docker-Upload-UUID", str_of(call->id));
    /* The last byte kept, inclusive; "0-0" also when there is none (end-13). */
    reply_header_text(rq, "Range", "0-%llu", (unsigned long long)(call->offset > 0 ? call->offset - 1 : 0));
}

void upload_call_created(struct request *rq, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(digest, text);
    reply_location(rq, "blobs/%s", text);
    reply_header(rq, "Docker-Content-Digest", str_of(text));
    reply_empty(rq, 201);
}

/* ---- the end of a PATCH ---- */

static void let_go(struct request *rq)
{
    struct upload_call *call = rq->state;

    upload_release(&call->upload);
}

static void chunk_kept(struct request *rq)
{
    upload_call_headers(rq, rq->state);
    reply_empty(rq, 202);
}

/* ---- the end of a PUT ---- */

static void finish(struct request *rq)
{
    struct upload_call *call = rq->state;

    pin_hold(rq->server->store->pins, &call->pin, &call->digest);
    rq->rc = upload_finish(&call->upload, &call->digest, &call->size, &rq->err);
}

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct upload_call *call = rq->state;

    quota_release(&rq->hold); /* it is either stored now, and counted as such, or refused */
    if (quota_admit_blob(rq->server->quotas, txn, rq->target.repository, &call->digest, call->size, e) != 0)
        return -1;
    if (meta_blob_put(txn, rq->target.repository, &call->digest, call->size, clock_wall_s(), e) != 0)
        return -1;
    event_call_append(
        rq, txn, ACTION_PUSH,
        &(struct event_content){
            .target = TARGET_BLOB, .digest = &call->digest, .media_type = EVENT_BLOB_TYPE, .size = call->size});
    return 0;
}

static void committed(struct request *rq)
{
    struct upload_call *call = rq->state;

    pin_drop(rq->server->store->pins, &call->pin);
    if (rq->rc == 0)
        upload_call_created(rq, &call->digest);
    else
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
}

static void finished(struct request *rq)
{
    struct upload_call *call = rq->state;

    if (rq->rc == 0) {
        metric_add(METRIC_UPLOADS_FINISHED, 1);
        event_call_begin(rq, ACTION_PUSH);
        request_commit(rq, apply, committed);
        return;
    }
    if (rq->err.code == ERR_DIGEST)
        metric_add(METRIC_UPLOADS_REFUSED, 1);
    pin_drop(rq->server->store->pins, &call->pin);
    reply_failure(rq, OCI_DIGEST_INVALID, &rq->err);
}

/* ---- a body that does not fit its Content-Range ---- */

static void rewind_chunk(struct request *rq)
{
    struct upload_call *call = rq->state;

    rq->rc = upload_rewind(call->upload, &rq->err);
    upload_release(&call->upload);
}

static void rewound(struct request *rq)
{
    struct upload_call *call = rq->state;

    if (rq->rc != 0)
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    else
        reply_error(rq, OCI_SIZE_INVALID,
                    "Content-Range speaks of %llu bytes, the body is different; nothing of it was kept",
                    (unsigned long long)call->last - call->first + 1);
}

/* ---- the body ---- */

static void append(struct request *rq)
{
    struct upload_call *call = rq->state;

    rq->rc = upload_append(call->upload, call->piece->spans, call->piece->span_count, &rq->err);
    if (rq->rc == 0)
        call->offset = upload_offset(call->upload);
    else
        upload_release(&call->upload); /* before the reply: the client may try again at once */
}

static void appended(struct request *rq)
{
    struct upload_call *call = rq->state;
    struct body_piece *piece = call->piece;

    call->piece = NULL;
    if (rq->rc != 0)
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    body_return(piece); /* may bring the next piece, or the end, at once */
}

/* What was sent without telling how much it is, and is too much, is not kept. */
static void cancel(struct request *rq)
{
    struct upload_call *call = rq->state;
    struct err e;

    if (upload_cancel(&call->upload, &e) == 0)
        metric_add(METRIC_UPLOADS_REFUSED, 1);
    else
        log_warn("%s", e.text);
}

static void cancelled(struct request *rq)
{
    struct upload_call *call = rq->state;
    struct body_piece *piece = call->piece;

    call->piece = NULL;
    no_room(rq);
    body_return(piece);
}

static void on_piece(struct body_sink *sink, struct body_piece *piece)
{
    struct request *rq = H2O_STRUCT_FROM_MEMBER(struct request, sink, sink);
    struct upload_call *call = rq->state;
    uint64_t bytes = call->offset + piece->length;

    call->piece = piece;
    call->received += piece->length;
    if (rq->hold.quotas != NULL && bytes > rq->hold.bytes && !reserve(rq, bytes))
        request_work(rq, LANE_DISK, cancel, cancelled);
    else
        request_work(rq, LANE_DISK, append, appended);
}

static void on_end(struct body_sink *sink)
{
    struct request *rq = H2O_STRUCT_FROM_MEMBER(struct request, sink, sink);
    struct upload_call *call = rq->state;

    if (call->has_range && call->received != call->last - call->first + 1)
        request_work(rq, LANE_DISK, rewind_chunk, rewound);
    else if (call->finishing)
        request_work(rq, LANE_DISK, finish, finished);
    else
        request_work(rq, LANE_DISK, let_go, chunk_kept);
}

/* What the length alone can tell is told before a byte is read. */
static bool length_disagrees(struct request *rq, const struct upload_call *call)
{
    uint64_t length = body_length(rq->h2o);

    return call->has_range && length != BODY_LENGTH_UNKNOWN && length != call->last - call->first + 1;
}

static void out_of_order(struct request *rq)
{
    const struct upload_call *call = rq->state;

    upload_call_headers(rq, call);
    reply_error(rq, OCI_BLOB_UPLOAD_RANGE, "the session holds %llu bytes: the next chunk starts there, not at %llu",
                (unsigned long long)call->offset, (unsigned long long)call->first);
}

static void disagrees(struct request *rq)
{
    reply_error(rq, OCI_SIZE_INVALID, "Content-Range and Content-Length disagree");
}

void upload_call_receive(struct request *rq)
{
    const struct upload_call *call = rq->state;

    /* A refused chunk lets go of the session before it is answered, so that the right one can follow at once. */
    if (call->has_range && call->first != call->offset) {
        request_work(rq, LANE_DISK, let_go, out_of_order);
    } else if (length_disagrees(rq, call)) {
        request_work(rq, LANE_DISK, let_go, disagrees);
    } else if (!upload_call_reserve(rq)) {
        request_work(rq, LANE_DISK, let_go, no_room);
    } else {
        rq->sink.position = call->offset;
        rq->sink.piece = on_piece;
        rq->sink.end = on_end;
        body_start(rq->h2o, &rq->sink);
    }
}
