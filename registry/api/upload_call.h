/*
 * What the upload handlers share: a session held by a request, and the way from a body to a blob.
 *
 *   hold (worker) ─▶ body pieces, each appended on a worker ─▶ end ─┬─ PATCH: release (worker) ─▶ 202
 *                                                                   └─ PUT, POST?digest: finish (worker) ─▶ commit ─▶ 201
 *
 * From finish to commit the blob is pinned (storage/pin.h), so that the sweeper does not take the new file for the old.
 * Quotas are asked before the body is read, or with each piece when its length is not known, and once more by the commit
 * (storage/quota.h). Whenever the client vanishes, the session is released on a worker with what it has.
 */
#ifndef BERTH_API_UPLOAD_CALL_H
#define BERTH_API_UPLOAD_CALL_H

#include "registry/request.h"
#include "storage/pin.h"
#include "storage/upload.h"

struct upload_call {
    struct upload *upload; /* NULL: none held */
    char id[UPLOAD_ID_LENGTH + 1];
    uint64_t offset; /* bytes in the session */

    /* the chunk */
    bool has_range; /* Content-Range was given */
    uint64_t first;
    uint64_t last;
    uint64_t received;
    struct body_piece *piece; /* being appended */

    /* the end */
    bool finishing; /* the body completes the blob */
    struct digest digest;
    uint64_t size;
    struct pin pin; /* from before the file becomes the blob until its record is committed */
};

/* rq->state becomes a new upload_call with its release. */
struct upload_call *upload_call_new(struct request *rq);
/* Read ?digest= into the call. False: 400 was replied. */
bool upload_call_digest(struct request *rq, struct upload_call *call);
/* Reserve room for what this request brings, under the quotas over the repository. False: rq->err says why not. */
bool upload_call_reserve(struct request *rq);
/* The session is held: take the body, then finish or release it, and reply. */
void upload_call_receive(struct request *rq);
/* Location, Docker-Upload-UUID and Range of a session that lives on. */
void upload_call_headers(struct request *rq, const struct upload_call *call);
/* Location and digest of a finished blob, 201. */
void upload_call_created(struct request *rq, const struct digest *digest);

#endif
