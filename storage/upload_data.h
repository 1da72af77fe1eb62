/*
 * The bytes of a held upload session: the data file <root>/uploads/<id> and the hash that runs along with it.
 *
 * Invariants between calls:
 *   1. `hasher` has seen exactly the first hasher_length() bytes of the file; after upload_data_catch_up(), all
 * `length`.
 *   2. The file is `length` bytes long, unless taking back a failed write failed as well: upload_data_digest() looks.
 *   3. `fd` is -1 until there is a file; a session without bytes needs none.
 *
 * Thread: one at a time, except that `length` may be read by any.
 */
#ifndef BERTH_STORAGE_UPLOAD_DATA_H
#define BERTH_STORAGE_UPLOAD_DATA_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/uio.h>

#include "registry/base/err.h"
#include "storage/digest.h"

struct upload_data {
    int dir;          /* the directory of uploads; borrowed */
    const char *name; /* of the file in it; borrowed */
    int fd;
    _Atomic uint64_t length; /* bytes kept */
    uint64_t written_back;   /* bytes that the kernel was told to start writing to disk */
    struct hasher hasher;
};

/* `name` in `dir`, hashed with `alg`; opens nothing. */
void upload_data_init(struct upload_data *data, int dir, const char *name, enum digest_alg alg);
/* Open the file if there is one and learn its length. */
int upload_data_open(struct upload_data *data, struct err *e);
/* Hash what is behind the hasher. `data->hasher` may have been set to a checkpoint of at most `length` bytes before. */
int upload_data_catch_up(struct upload_data *data, struct err *e);
/* Write and hash spans at the end, creating the file if need be. On failure length and hash are as before. */
int upload_data_append(struct upload_data *data, const struct iovec *spans, int n, struct err *e);
/* Drop the bytes behind those that `hasher` has seen, and go on from there. On failure nothing is dropped. */
int upload_data_rewind(struct upload_data *data, const struct hasher *hasher, struct err *e);
/* The digest of all bytes by `alg`; reads the file when that is not the hash that ran along. Creates the file if there
 * is none: afterwards `fd` can become a blob. ERR_IO when the file is not as long as it should be. */
int upload_data_digest(struct upload_data *data, enum digest_alg alg, struct digest *out, struct err *e);
/* Remove the file; the session starts again from nothing. The open file itself is not touched: it may be a blob by now.
 */
int upload_data_remove(struct upload_data *data, struct err *e);
void upload_data_close(struct upload_data *data);

#endif
