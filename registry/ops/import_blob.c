#include "registry/ops/import_blob.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* storage */
#include "storage/blob.h"
#include "storage/pin.h"
#include "storage/reference.h"
#include "storage/upload.h"

/* base */
#include "registry/base/clock.h"

/* No user has a name with a control character, so nobody's request can take up such a session. */
#define OWNER STR("import\n")

/* With less progress than this between them, tries count as one row of failures. */
enum { PROGRESS_BYTES = 1024 * 1024, RESUMES_MAX = 100 };

/* ---- what our store knows ---- */

static bool take_first(struct str repository, void *arg)
{
    char *out = arg;

    if (repository.n > REPOSITORY_NAME_MAX)
        return false;
    memcpy(out, repository.p, repository.n);
    out[repository.n] = '\0';
    return true;
}

bool import_blob_is_here(struct hand *hand, const char *repository, const struct digest *d)
{
    struct meta_txn *txn = meta_read(hand->reader, NULL);
    struct blob_info info;
    bool here = txn != NULL && meta_blob_get(txn, str_of(repository), d, &info, NULL) == 0;

    if (txn != NULL)
        meta_done(hand->reader);
    return here;
}

/* ---- changes ---- */

struct holding {
    struct meta_change change; /* first: it is what apply() gets */
    const struct import_blobs *blobs;
    const struct digest *digest;
    uint64_t size;
    const char *from; /* NULL: the blob is new on disk */
};

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    const struct holding *holding = (const struct holding *)change;
    struct str repository = str_of(holding->blobs->repository);

    if (quota_admit_blob(holding->blobs->quotas, txn, repository, holding->digest, holding->size, e) != 0)
        return -1;
    if (holding->from != NULL)
        return meta_blob_mount(txn, repository, str_of(holding->from), holding->digest, clock_wall_s(), e);
    return meta_blob_put(txn, repository, holding->digest, holding->size, clock_wall_s(), e);
}

static int hold(const struct import_blobs *blobs, const struct import_blob *blob, const char *from, struct err *e)
{
    struct holding holding = {
        .change = {.apply = apply}, .blobs = blobs, .digest = &blob->digest, .size = blob->size, .from = from};

    if (meta_write(blobs->store->meta, &holding.change) == 0)
        return 0;
    *e = holding.change.err;
    return -1;
}

/* Another repository has it, whole as far as its length tells: then it is shared. */
static bool share(struct hand *hand, const struct import_blobs *blobs, const struct import_blob *blob)
{
    char from[REPOSITORY_NAME_MAX + 1] = "";
    struct meta_txn *txn = meta_read(hand->reader, NULL);
    uint64_t size, changed;
    struct err e;

    if (txn == NULL)
        return false;
    meta_blob_holders(txn, &blob->digest, take_first, from);
    meta_done(hand->reader);
    return from[0] != '\0' && blob_stat(blobs->store->blobs, &blob->digest, &size, &changed, &e) == 0 &&
           size == blob->size && hold(blobs, blob, from, &e) == 0;
}

/* Before anything is sent for: is there room for it, as far as can be told? */
static int has_room(struct hand *hand, const struct import_blobs *blobs, const struct import_blob *blob, struct err *e)
{
    struct meta_txn *txn = meta_read(hand->reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    rc = quota_admit_blob(blobs->quotas, txn, str_of(blobs->repository), &blob->digest, blob->size, e);
    meta_done(hand->reader);
    return rc == 0 ? uploads_reserve(blobs->store->uploads, blob->size, e) : -1;
}

/* ---- over the wire ---- */

struct arrival {
    struct hand *hand;
    struct import_blobs *blobs;
    const struct import_blob *blob;
    struct upload *upload;
    struct http_response response;
    struct sbuf path, scope;
    bool begun; /* this answer's head was looked at */
};

/* What an answer to a request for the rest begins with: "bytes 100-199/200" (RFC 9110 §14.4). */
static bool continues(const struct http_response *response, uint64_t offset)
{
    char wanted[40];

    snprintf(wanted, sizeof(wanted), "bytes %" PRIu64 "-", offset);
    return str_starts(http_response_field(response, "content-range"), str_of(wanted));
}

static int wrong_size(const struct arrival *a, const char *what, struct err *e)
{
    return err_set(e, ERR_SIZE, "%s than the %" PRIu64 " bytes that its manifest says", what, a->blob->size);
}

/* The head of an answer: does it bring what is missing? Who sends all of it again makes us begin again. */
static int begin(struct arrival *a, struct err *e)
{
    uint64_t length;

    a->begun = true;
    if (a->response.status == 206 && !continues(&a->response, upload_offset(a->upload)))
        return err_set(e, ERR_RANGE, "the other registry sends another part of it than was asked for");
    if (a->response.status != 206 && upload_offset(a->upload) > 0 && upload_rewind(a->upload, e) != 0)
        return -1;
    if (str_to_u64(http_response_field(&a->response, "content-length"), &length) &&
        length != a->blob->size - upload_offset(a->upload))
        return wrong_size(a, "the other registry has another number of bytes", e);
    return 0;
}

static int take_piece(void *context, struct str piece, struct err *e)
{
    struct arrival *a = context;
    struct iovec span = {.iov_base = (void *)(uintptr_t)piece.p, .iov_len = piece.n};

    if (!a->begun && begin(a, e) != 0)
        return -1;
    if (piece.n > a->blob->size - upload_offset(a->upload))
        return wrong_size(a, "the other registry sends more", e);
    atomic_fetch_add(&a->blobs->fetched, piece.n);
    return upload_append(a->upload, &span, 1, e);
}

/* One answer, taken as far as it goes. */
static int receive(struct arrival *a, struct err *e)
{
    const struct remote_call call = {.method = "GET",
                                     .path = a->path.p,
                                     .scope = a->scope.p,
                                     .from = upload_offset(a->upload),
                                     .sink = take_piece,
                                     .context = a};

    a->begun = false;
    if (remote_call(a->hand->remote, &call, &a->response, e) != 0)
        return -1;
    if (a->response.status < 200 || a->response.status > 299)
        return remote_refusal(&a->response, e);
    if (upload_offset(a->upload) < a->blob->size)
        return wrong_size(a, "the other registry sends fewer", e);
    return 0;
}

static int receive_all(struct arrival *a, struct err *e)
{
    struct remote_patience patience = {0};
    uint64_t reached = 0;

    for (unsigned resumes = 0; upload_offset(a->upload) < a->blob->size || a->blob->size == 0; resumes++) {
        if (receive(a, e) == 0)
            return 0;
        if (upload_offset(a->upload) >= reached + PROGRESS_BYTES) {
            reached = upload_offset(a->upload);
            patience.tries = 0;
        }
        if (resumes == RESUMES_MAX || !remote_wait(a->hand->remote, &patience, &a->response, e))
            return -1;
    }
    return 0;
}

/* From its digest to its record it is pinned (storage/pin.h). The upload is gone in any case. */
static int keep(struct arrival *a, struct err *e)
{
    struct pin pin = {0};
    uint64_t size;
    int rc;

    pin_hold(a->blobs->store->pins, &pin, &a->blob->digest);
    rc = upload_finish(&a->upload, &a->blob->digest, &size, e);
    if (rc == 0)
        rc = hold(a->blobs, a->blob, NULL, e);
    pin_drop(a->blobs->store->pins, &pin);
    return rc;
}

static int fetch(struct arrival *a, struct err *e)
{
    char digest[DIGEST_TEXT_MAX];
    int rc;

    if (upload_create(a->blobs->store->uploads, str_of(a->blobs->repository), OWNER, a->blob->digest.alg, &a->upload,
                      e) != 0)
        return -1;
    digest_format(&a->blob->digest, digest);
    sbuf_printf(&a->path, "/v2/%s/blobs/%s", a->blobs->repository, digest);
    sbuf_printf(&a->scope, "repository:%s:pull", a->blobs->repository);
    sbuf_text(&a->path);
    sbuf_text(&a->scope);
    rc = receive_all(a, e);
    if (rc == 0)
        rc = keep(a, e);
    else
        upload_cancel(&a->upload, NULL);
    http_response_clear(&a->response);
    sbuf_free(&a->path);
    sbuf_free(&a->scope);
    return rc;
}

void import_blob(struct hand *hand, struct import_blobs *blobs, struct import_blob *blob)
{
    struct arrival arrival = {.hand = hand, .blobs = blobs, .blob = blob};

    if (import_blob_is_here(hand, blobs->repository, &blob->digest))
        blob->outcome = BLOB_PRESENT;
    else if (share(hand, blobs, blob))
        blob->outcome = BLOB_SHARED;
    else if (has_room(hand, blobs, blob, &blob->err) == 0 && fetch(&arrival, &blob->err) == 0)
        blob->outcome = BLOB_FETCHED;
    else
        blob->outcome = blob->optional && blob->err.code == ERR_NOT_FOUND ? BLOB_ABSENT : BLOB_FAILED;
}
