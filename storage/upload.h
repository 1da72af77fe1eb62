/*
 * Upload sessions: bytes on their way to becoming a blob.
 *
 * A session is two files: <root>/uploads/<id> with the bytes and <root>/uploads/<id>.state with who owns it, how far
 * its hash has come, and the hash's state. The length of the data file is the truth; the state is a checkpoint that
 * saves re-hashing. (Not LMDB: a session needs to survive SIGKILL, which any written file does, not power loss; keeping
 * it out of the database saves two synchronous commits per blob.) A checkpoint is trusted only within the boot that
 * wrote it; after a power cut the bytes are hashed again from the start.
 *
 * Life of a session:
 *   upload_create ─▶ IDLE ─ upload_acquire ─▶ HELD ─ upload_append* ─▶ HELD ─ upload_release ─▶ IDLE
 *                                              HELD ─ upload_finish / upload_cancel ─▶ gone
 * Only one request holds a session at a time. upload_status() is legal in any state.
 *
 * Thread: any; every function but upload_id() and upload_offset() may block, so: workers only. A held session is used
 * by one thread at a time.
 */
#ifndef BERTH_STORAGE_UPLOAD_H
#define BERTH_STORAGE_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/blob.h"
#include "storage/digest.h"

struct uploads;
struct upload_limits;
struct upload;

enum { UPLOAD_ID_LENGTH = 36 }; /* a version 4 UUID in lower case (RFC 9562) */

struct uploads *uploads_open(const char *root, struct blob_store *blobs, struct err *e);
void uploads_close(struct uploads **uploads);

/* Limits on sessions at once, and bytes of the file system that uploads leave free (0: none). Without this there are
 * none. Before the first session. */
void uploads_limit(struct uploads *uploads, const struct upload_limits *limits, uint64_t reserve);
/* Count up to `looks` files of sessions that were there before; true when there are more to count. One thread. */
bool uploads_count_some(struct uploads *uploads, size_t looks);
/* Sessions, as far as they are counted. */
size_t uploads_total(struct uploads *uploads);
/* May so much more be written to the file system? ERR_NO_SPACE when that would reach into the reserve (reserve.h). */
int uploads_reserve(struct uploads *uploads, uint64_t bytes, struct err *e);

/* A new session, held by the caller. ERR_TOO_MANY with as many as may be, ERR_NO_SPACE at the reserve. `owner` (at most 255 bytes, may be empty) and `repository` are checked at every
 * later use. */
int upload_create(struct uploads *uploads, struct str repository, struct str owner, enum digest_alg alg,
                  struct upload **out, struct err *e);
/* Hold an existing session. ERR_NOT_FOUND when there is none of this id for this repository and owner; ERR_BUSY while
 * another request holds it. After a restart this re-hashes the bytes behind the checkpoint. */
int upload_acquire(struct uploads *uploads, struct str id, struct str repository, struct str owner, struct upload **out,
                   struct err *e);
/* Bytes kept so far, whether held or not. ERR_NOT_FOUND as upload_acquire(). */
int upload_status(struct uploads *uploads, struct str id, struct str repository, struct str owner, uint64_t *offset,
                  struct err *e);

const char *upload_id(const struct upload *u);
uint64_t upload_offset(const struct upload *u);

/* Hash and write `n` spans at the end. ERR_NO_SPACE also when only the reserve is left. On failure the session keeps what it had before the call. */
int upload_append(struct upload *u, const struct iovec *spans, int n, struct err *e);
/* Back to what the session had when it was created or acquired: for a chunk that turned out not to be what it was
 * announced as. */
int upload_rewind(struct upload *u, struct err *e);
/* The caller has `expected` pinned (pin.h) until the blob's record is committed. Verify against `expected` (hashing again when the algorithm differs from the session's), make the blob durable, end
 * the session. ERR_DIGEST: the bytes are something else; the session and its bytes are gone. Other errors: the session
 * is idle again. In every case *u is NULL afterwards. `size` gets the blob's bytes. */
int upload_finish(struct upload **u, const struct digest *expected, uint64_t *size, struct err *e);
/* End the session and remove its bytes. */
int upload_cancel(struct upload **u, struct err *e);
/* Write the checkpoint and let go. */
void upload_release(struct upload **u);

/* Remove idle sessions that nobody has written to for `age_s` seconds, at most `limit` of them; returns how many. With
 * `dry_run` they are logged instead. */
size_t uploads_purge(struct uploads *uploads, uint64_t age_s, size_t limit, bool dry_run);

#endif
