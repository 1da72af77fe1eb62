/*
 * Uploads: POST /v2/<name>/blobs/uploads/ (end-4a, end-4b, end-11) and the session's
 * PATCH, PUT, GET, DELETE /v2/<name>/blobs/uploads/<id> (end-5, end-6, end-13, end-14).
 */
#include <string.h>
#include <unistd.h>

#include "registry/api/api.h"
#include "registry/base/clock.h"
#include "registry/blob_file.h"
#include "registry/observe/metrics.h"
#include "registry/events/event_call.h"
#include "registry/permission.h"
#include "registry/api/range.h"
#include "registry/reply.h"
#include "registry/server.h"
#include "registry/api/upload_call.h"
#include "storage/reference.h"

/* ---- whose a session is ---- */

enum { OWNER_MAX = 16 + DIGEST_TEXT_MAX };

/* The user's; without one the certificate's, by whatever rules it was let in; else everybody's who has neither. A
 * certificate's name may have as many bytes as an owner, so its digest stands for it; and no user and no certificate
 * has a name with a control character (htpasswd_check_name), so the forms cannot be confused. */
static struct str owner_of(const struct request *rq, char text[OWNER_MAX])
{
    static const struct str kind = STR("certificate\n");
    struct digest digest;

    if (rq->user[0] != '\0' || rq->certificate[0] == '\0')
        return str_of(rq->user);
    digest_of(DIGEST_SHA256, rq->certificate, strlen(rq->certificate), &digest);
    memcpy(text, kind.p, kind.n);
    return (struct str){text, kind.n + digest_format(&digest, text + kind.n)};
}

/* ---- POST: a new session ---- */

static void create(struct request *rq)
{
    struct upload_call *call = rq->state;
    enum digest_alg alg = call->digest.alg == 0 ? DIGEST_SHA256 : call->digest.alg;
    char owner[OWNER_MAX];

    rq->rc = upload_create(rq->server->store->uploads, rq->target.repository, owner_of(rq, owner), alg, &call->upload,
                           &rq->err);
    if (rq->rc != 0)
        return;
    memcpy(call->id, upload_id(call->upload), sizeof(call->id));
    if (!call->finishing)
        upload_release(&call->upload);
}

static void created(struct request *rq)
{
    struct upload_call *call = rq->state;

    if (rq->rc == 0)
        metric_add(METRIC_UPLOADS_STARTED, 1);
    if (rq->rc != 0) {
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    } else if (call->finishing) {
        upload_call_receive(rq);
    } else {
        upload_call_headers(rq, call);
        reply_empty(rq, 202);
    }
}

/* `digest=` brings the whole blob in this request (end-4b); `digest-algorithm=` announces how it will be hashed. */
static void start_session(struct request *rq)
{
    struct upload_call *call = rq->state;
    struct str text;

    call->finishing = request_param(rq, "digest", 0, &text);
    if (call->finishing && !upload_call_digest(rq, call))
        return;
    if (!call->finishing && request_param(rq, "digest-algorithm", 0, &text) &&
        digest_alg_parse(text, &call->digest.alg, &rq->err) != 0) {
        reply_error(rq, OCI_DIGEST_INVALID, "%s", rq->err.text);
        return;
    }
    if (upload_call_reserve(rq))
        request_work(rq, LANE_DISK, create, created);
    else
        reply_failure(rq, OCI_DENIED, &rq->err);
}

/* ---- POST with mount= ---- */

struct mount {
    struct upload_call call; /* first: release() frees both; becomes an ordinary session when the mount cannot be */
    char from[REPOSITORY_NAME_MAX + 1];
    uint64_t size; /* of the blob, by its record */
    int fd;        /* of its file while that is looked at */
};

static int apply_mount(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct request *rq = request_of_change(change);
    struct mount *mount = rq->state;

    if (quota_admit_blob(rq->server->quotas, txn, rq->target.repository, &mount->call.digest, mount->size, e) != 0)
        return -1;
    if (meta_blob_mount(txn, rq->target.repository, str_of(mount->from), &mount->call.digest, clock_wall_s(), e) != 0)
        return -1;
    event_call_append(rq, txn, ACTION_MOUNT,
                      &(struct event_content){.target = TARGET_BLOB,
                                              .digest = &mount->call.digest,
                                              .media_type = EVENT_BLOB_TYPE,
                                              .size = mount->size,
                                              .from = str_of(mount->from)});
    return 0;
}

static void upload_instead(struct request *rq)
{
    struct mount *mount = rq->state;

    sbuf_free(&rq->origin); /* of a mount that was not to be */
    mount->call.digest = (struct digest){0};
    start_session(rq);
}

static void mounted(struct request *rq)
{
    struct mount *mount = rq->state;

    if (rq->rc == 0) {
        upload_call_created(rq, &mount->call.digest);
    } else if (rq->err.code == ERR_NOT_FOUND) {
        upload_instead(rq);
    } else {
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
    }
}

/* Does the source hold the blob? Then its size is known. */
static bool source_holds(struct request *rq, struct mount *mount)
{
    struct blob_info info = {0};
    struct meta_txn *txn = meta_read(rq->loop->reader, &rq->err);
    bool held = txn != NULL && meta_blob_get(txn, str_of(mount->from), &mount->call.digest, &info, &rq->err) == 0;

    if (txn != NULL)
        meta_done(rq->loop->reader);
    mount->size = info.size;
    return held;
}

static void open_source(struct request *rq, bool waits)
{
    struct mount *mount = rq->state;

    rq->rc = blob_file_open(rq->server->store, &mount->call.digest, mount->size, waits, &mount->fd, &rq->err);
}

static void open_source_on_worker(struct request *rq)
{
    struct mount *mount = rq->state;

    open_source(rq, true);
    if (rq->rc == 0)
        close(mount->fd);
}

/* A damaged blob is not mounted, so that the client uploads it, which repairs it. */
static void source_looked_at(struct request *rq)
{
    struct mount *mount = rq->state;

    if (rq->rc == 0 || rq->err.code != ERR_DAMAGED) {
        event_call_begin(rq, ACTION_MOUNT);
        request_commit(rq, apply_mount, mounted);
        return;
    }
    if (source_holds(rq, mount))
        blob_file_damaged(rq->server->store, &mount->call.digest, rq->err.text);
    upload_instead(rq);
}

static void look_at_source(struct request *rq)
{
    struct mount *mount = rq->state;

    open_source(rq, false);
    if (rq->rc == 0)
        workers_close(rq->server->workers, rq->loop, mount->fd);
    if (rq->rc != 0 && rq->err.code == ERR_BUSY)
        request_work(rq, LANE_DISK, open_source_on_worker, source_looked_at);
    else
        source_looked_at(rq);
}

static void take(struct mount *mount, struct str repository)
{
    memcpy(mount->from, repository.p, repository.n);
    mount->from[repository.n] = '\0';
}

/* A client that names no source is content with an ordinary upload (end-11), so the search is short: a blob that very
 * many repositories hold must not keep the loop busy for a caller who may read none of them. */
enum { HOLDERS_ASKED = 64 };

struct search {
    struct permission_view may_pull;
    struct mount *mount;
    int asked;
    bool found;
};

/* Ends the search when it returns true. */
static bool take_if_readable(struct str repository, void *argument)
{
    struct search *search = argument;

    search->found = repository.n <= REPOSITORY_NAME_MAX && permission_view_has(&search->may_pull, repository);
    if (search->found)
        take(search->mount, repository);
    return search->found || ++search->asked == HOLDERS_ASKED;
}

static bool search_source(struct request *rq, struct mount *mount)
{
    struct search search = {.mount = mount};
    struct meta_txn *txn = meta_read(rq->loop->reader, &rq->err);

    if (txn == NULL)
        return false;
    permission_view_make(rq, ACCESS_PULL, &search.may_pull);
    meta_blob_holders(txn, &mount->call.digest, take_if_readable, &search);
    meta_done(rq->loop->reader);
    return search.found;
}

/* Where to mount from: the repository that the client names, or one of the first that hold the blob; the caller must be
 * allowed to read it. */
static bool find_source(struct request *rq, struct mount *mount)
{
    struct str from;

    if (!request_param(rq, "from", 0, &from))
        return search_source(rq, mount);
    if (!repository_name_valid(from) || !permission_has(rq, ACCESS_PULL, from))
        return false;
    take(mount, from);
    return true;
}

void api_upload_start(struct request *rq)
{
    struct str text;
    struct mount *mount;

    if (!request_param(rq, "mount", 0, &text)) {
        upload_call_new(rq);
        start_session(rq);
        return;
    }
    upload_call_new(rq);
    mount = rq->state = xrealloc(rq->state, sizeof(*mount));
    mount->from[0] = '\0';
    if (digest_parse(text, &mount->call.digest, &rq->err) != 0)
        reply_error(rq, OCI_DIGEST_INVALID, "%s", rq->err.text);
    else if (find_source(rq, mount) && source_holds(rq, mount))
        look_at_source(rq);
    else
        upload_instead(rq);
}

/* ---- PATCH and PUT ---- */

static void acquire(struct request *rq)
{
    struct upload_call *call = rq->state;
    char owner[OWNER_MAX];

    rq->rc = upload_acquire(rq->server->store->uploads, rq->target.reference, rq->target.repository,
                            owner_of(rq, owner), &call->upload, &rq->err);
    if (rq->rc != 0)
        return;
    memcpy(call->id, upload_id(call->upload), sizeof(call->id));
    call->offset = upload_offset(call->upload);
}

static void reply_unavailable(struct request *rq)
{
    if (rq->err.code == ERR_NOT_FOUND)
        reply_error(rq, OCI_BLOB_UPLOAD_UNKNOWN, "there is no such upload here; start a new one");
    else if (rq->err.code == ERR_BUSY)
        reply_error(rq, OCI_BLOB_UPLOAD_RANGE, "another request is writing to this upload");
    else
        reply_failure(rq, OCI_UNKNOWN, &rq->err);
}

static void acquired(struct request *rq)
{
    if (rq->rc == 0)
        upload_call_receive(rq);
    else
        reply_unavailable(rq);
}

static bool take_content_range(struct request *rq, struct upload_call *call)
{
    struct str header = request_header(rq, H2O_TOKEN_CONTENT_RANGE);

    call->has_range = header.n > 0;
    if (!call->has_range || range_parse_chunk(header, &call->first, &call->last))
        return true;
    reply_error(rq, OCI_BLOB_UPLOAD_INVALID, "Content-Range must be <first>-<last>, both inclusive");
    return false;
}

void api_upload_patch(struct request *rq)
{
    struct upload_call *call = upload_call_new(rq);

    if (take_content_range(rq, call))
        request_work(rq, LANE_DISK, acquire, acquired);
}

void api_upload_put(struct request *rq)
{
    struct upload_call *call = upload_call_new(rq);

    call->finishing = true;
    if (upload_call_digest(rq, call) && take_content_range(rq, call))
        request_work(rq, LANE_DISK, acquire, acquired);
}

/* ---- GET ---- */

static void look_up(struct request *rq)
{
    struct upload_call *call = rq->state;
    char owner[OWNER_MAX];

    rq->rc = upload_status(rq->server->store->uploads, rq->target.reference, rq->target.repository, owner_of(rq, owner),
                           &call->offset, &rq->err);
}

static void looked_up(struct request *rq)
{
    struct upload_call *call = rq->state;

    if (rq->rc != 0) {
        reply_unavailable(rq);
        return;
    }
    metric_add(METRIC_UPLOADS_RESUMED, 1);
    memcpy(call->id, rq->target.reference.p, UPLOAD_ID_LENGTH);
    upload_call_headers(rq, call);
    reply_empty(rq, 204);
}

void api_upload_status(struct request *rq)
{
    upload_call_new(rq);
    request_work(rq, LANE_DISK, look_up, looked_up);
}

/* ---- DELETE ---- */

static void cancel(struct request *rq)
{
    struct upload_call *call = rq->state;

    acquire(rq);
    if (rq->rc == 0)
        rq->rc = upload_cancel(&call->upload, &rq->err);
    if (rq->rc == 0)
        metric_add(METRIC_UPLOADS_CANCELLED, 1);
}

static void cancelled(struct request *rq)
{
    if (rq->rc == 0)
        reply_empty(rq, 204);
    else
        reply_unavailable(rq);
}

void api_upload_cancel(struct request *rq)
{
    upload_call_new(rq);
    request_work(rq, LANE_DISK, cancel, cancelled);
}
