/*
 * Blob files as they are met while serving: is the file what its record says?
 *
 * A blob whose file is missing, or of another length than its record, or cannot be read, is told to clients as absent:
 * then `docker push` uploads it again, which repairs it. Each such blob is logged once in a while, however often clients
 * ask for it.
 *
 * Thread: any; the list of what was logged has a lock of its own, held for a look at it.
 */
#ifndef BERTH_REGISTRY_BLOB_FILE_H
#define BERTH_REGISTRY_BLOB_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/store.h"

/* What clients are told of a damaged blob. */
#define BLOB_FILE_REMEDY "the blob is damaged or missing on the registry's disk; push it again to repair it"

/* A read-only descriptor of the file of `d`, which by its record has `size` bytes. ERR_DAMAGED: the file is missing, not
 * a file, of another length or unreadable. With `waits` it may block; without, ERR_BUSY means "try again with it, on a
 * worker". */
int blob_file_open(const struct store *store, const struct digest *d, uint64_t size, bool waits, int *fd,
                   struct err *e);
/* Somebody met the damage that `what` describes. Logs digest, path and `what`, unless this blob was logged within the
 * hour. */
void blob_file_damaged(const struct store *store, const struct digest *d, const char *what);

#endif
