/* Blobs: GET, HEAD, DELETE /v2/<name>/blobs/<digest> (end-2, end-10). */
#include <stdlib.h>

#include "registry/api/api.h"
#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/api/etag.h"
#include "registry/api/range.h"
#include "registry/blob_file.h"
#include "registry/events/event_call.h"
#include "registry/reply.h"
#include "registry/server.h"

struct blob_call {
    struct digest digest;
    struct blob_info info;
    int fd; /* -1: not open */
};

static void release(struct request *rq)
{
    struct blob_call *call = rq->state;

    if (call->fd >= 0)
        workers_close(rq->server->workers, rq->loop, call->fd);
    free(call);
}

static struct blob_call *new_call(struct request *rq)
{
    struct blob_call *call;
    struct digest digest;
    struct err e;

    if (digest_parse(rq->target.reference, &digest, &e) != 0) {
        reply_error(rq, OCI_DIGEST_INVALID, "%s", e.text);
        return NULL;
    }
    call = xcalloc(1, sizeof(*call));
    call->digest = digest;
    call->fd = -1;
    rq->state = call;
    rq->release = release;
    return call;
}

static bool unchanged(const struct request *rq, const struct digest *d)
{
    return etag_matches(request_header(rq, H2O_TOKEN_IF_NONE_MATCH), d);
}

static enum range_result wanted_range(const struct request *rq, const struct blob_call *call, uint64_t *first,
                                      uint64_t *last)
{
    /* Range is for GET alone (RFC 9110 §14.2). */
    if (rq->method == METHOD_HEAD || !etag_allows_range(request_header(rq, H2O_TOKEN_IF_RANGE), &call->digest))
        return RANGE_WHOLE;
    return range_parse(request_header(rq, H2O_TOKEN_RANGE), call->info.size, first, last);
}

static void tell_pulled(struct request *rq, const struct blob_call *call)
{
    event_call_pulled(rq, &(struct event_content){.target = TARGET_BLOB,
                                                  .digest = &call->digest,
                                                  .media_type = EVENT_BLOB_TYPE,
                                                  .size = call->info.size});
}

static void send_opened(struct request *rq)
{
    struct blob_call *call = rq->state;
    uint64_t first = 0, last = 0;
    int fd = call->fd;

    reply_digest(rq, &call->digest);
    reply_header(rq, "Accept-Ranges", STR("bytes"));
    if (unchanged(rq, &call->digest)) {
        reply_empty(rq, 304);
        return;
    }
    switch (wanted_range(rq, call, &first, &last)) {
    case RANGE_UNSATISFIABLE:
        reply_header_text(rq, "Content-Range", "bytes */%llu", (unsigned long long)call->info.size);
        reply_error(rq, OCI_RANGE_INVALID, "the blob has %llu bytes", (unsigned long long)call->info.size);
        return;
    case RANGE_PART:
        tell_pulled(rq, call);
        reply_header(rq, "Content-Type", STR("application/octet-stream"));
        reply_header_text(rq, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
                          (unsigned long long)last, (unsigned long long)call->info.size);
        call->fd = -1;
        reply_file(rq, 206, fd, &call->digest, first, last - first + 1);
        return;
    default:
        tell_pulled(rq, call);
        reply_header(rq, "Content-Type", STR("application/octet-stream"));
        call->fd = -1;
        reply_file(rq, 200, fd, &call->digest, 0, call->info.size);
    }
}

static void not_found(struct request *rq)
{
    reply_error(rq, OCI_BLOB_UNKNOWN, "this repository holds no such blob");
}

/* What is held no more was deleted, or swept, after it was looked up. */
static bool is_still_held(struct request *rq, const struct blob_call *call)
{
    struct blob_info info;
    struct err e;
    struct meta_txn *txn = meta_read(rq->loop->reader, &e);
    bool held = txn == NULL || meta_blob_get(txn, rq->target.repository, &call->digest, &info, &e) == 0 ||
                e.code != ERR_NOT_FOUND;

    if (txn != NULL)
        meta_done(rq->loop->reader);
    return held;
}

/* The file is open, or could not be opened. A damaged one is told as absent: then a client pushes it again, which
 * repairs it. */
static void opened(struct request *rq)
{
    struct blob_call *call = rq->state;

    if (rq->rc == 0) {
        send_opened(rq);
    } else if (rq->err.code != ERR_DAMAGED) {
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    } else if (!is_still_held(rq, call)) {
        not_found(rq);
    } else {
        blob_file_damaged(rq->server->store, &call->digest, rq->err.text);
        reply_error(rq, OCI_BLOB_UNKNOWN, BLOB_FILE_REMEDY);
    }
}

static void open_waiting(struct request *rq, bool waits)
{
    struct blob_call *call = rq->state;

    rq->rc = blob_file_open(rq->server->store, &call->digest, call->info.size, waits, &call->fd, &rq->err);
}

static void open_on_worker(struct request *rq)
{
    open_waiting(rq, true);
}

static void open_file(struct request *rq)
{
    open_waiting(rq, false);
    if (rq->rc != 0 && rq->err.code == ERR_BUSY)
        request_work(rq, LANE_DISK, open_on_worker, opened);
    else
        opened(rq);
}

/* ---- leases ----
 *
 * Who is told that a blob is there may be about to name it in a manifest. So nobody is told of a blob that no manifest
 * of the repository names and whose lease there has less than half of the grace left: it is renewed first, in a durable
 * commit, for otherwise the sweeper could be quicker than the renewal. Half the time there is nothing to write. */

static bool lease_is_short(const struct request *rq, const struct blob_call *call)
{
    const struct config *config = rq->server->config;

    return !live_is_readonly(&rq->server->live) && !call->info.named_here &&
           call->info.needed_here + config->garbage_collection.grace_s / 2 <= clock_wall_s();
}

static int apply_renewal(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct blob_call *call = rq->state;

    return meta_blob_touch(txn, rq->target.repository, &call->digest, clock_wall_s(), e);
}

/* A lease that cannot be renewed, because the disk is full say, does not keep anybody from reading. */
static void renewed(struct request *rq)
{
    if (rq->rc != 0 && rq->err.code == ERR_NOT_FOUND) {
        not_found(rq);
        return;
    }
    if (rq->rc != 0)
        log_warn("the lease of a blob could not be renewed: %s", rq->err.text);
    open_file(rq);
}

void api_blob_get(struct request *rq)
{
    struct blob_call *call = new_call(rq);
    struct meta_txn *txn;

    if (call == NULL)
        return;
    txn = reply_snapshot(rq);
    if (txn == NULL)
        return;
    rq->rc = meta_blob_get(txn, rq->target.repository, &call->digest, &call->info, &rq->err);
    meta_done(rq->loop->reader);
    if (rq->rc != 0 && rq->err.code == ERR_NOT_FOUND) {
        not_found(rq);
        return;
    }
    if (rq->rc != 0) {
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
        return;
    }
    if (lease_is_short(rq, call))
        request_commit(rq, apply_renewal, renewed);
    else
        open_file(rq);
}

static int apply_delete(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct blob_call *call = rq->state;

    if (meta_blob_delete(txn, rq->target.repository, &call->digest, e) != 0)
        return -1;
    event_call_append(rq, txn, ACTION_DELETE, &(struct event_content){.target = TARGET_BLOB, .digest = &call->digest});
    return 0;
}

static void deleted(struct request *rq)
{
    if (rq->rc == 0)
        reply_empty(rq, 202);
    else
        reply_failure(rq, OCI_BLOB_UNKNOWN, &rq->err);
}

void api_blob_delete(struct request *rq)
{
    if (new_call(rq) == NULL)
        return;
    event_call_begin(rq, ACTION_DELETE);
    request_commit(rq, apply_delete, deleted);
}
