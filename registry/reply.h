/*
 * Replies. Each function ends the handler's part of the request; headers are added before.
 *
 * Thread: the request's loop.
 */
#ifndef BERTH_REGISTRY_REPLY_H
#define BERTH_REGISTRY_REPLY_H

#include "registry/oci_error.h"
#include "registry/request.h"

/* Add a header; name and value are copied. */
void reply_header(struct request *rq, const char *name, struct str value);
void reply_header_text(struct request *rq, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Docker-Content-Digest, and ETag with the digest in quotes. */
void reply_digest(struct request *rq, const struct digest *d);
/* Location "/v2/<repository>/<rest>", behind http.host when that is set. */
void reply_location(struct request *rq, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For repliers with a generator of their own: status, length and the headers that every reply has. */
void reply_start(struct request *rq, int status, uint64_t length);

/* Headers only; Content-Length: 0. */
void reply_empty(struct request *rq, int status);
/* `body` is copied. For HEAD its length is told and nothing sent. */
void reply_body(struct request *rq, int status, const char *type, struct str body);
/* As reply_body() with the Content-Type already added. */
void reply_bytes(struct request *rq, int status, struct str body);
/* An error of the table, with a detail that says what to do. */
void reply_error(struct request *rq, enum oci_error error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same, with Retry-After: for what will be possible again by itself. */
void reply_later(struct request *rq, enum oci_error error, unsigned seconds, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A failure underneath. What only the client's input can cause gets `error`, what finds no room under a quota DENIED; the system's failures get 500 or 503 and a
 * line in the log; ERR_TOO_MANY is 429 with its text. */
void reply_failure(struct request *rq, enum oci_error error, const struct err *e);
/* The loop's snapshot, to be ended by meta_done(rq->loop->reader); NULL: its failure was replied. */
struct meta_txn *reply_snapshot(struct request *rq);
/* Bytes [offset, offset+length) of the open file `fd` of the blob `d`; the reply takes the descriptor over and closes it.
 * Status and headers but Content-Length are set. */
void reply_file(struct request *rq, int status, int fd, const struct digest *d, uint64_t offset, uint64_t length);

#endif
