/*
 * The digest of what a file holds, read in pieces by somebody who may be told to stop.
 *
 * Thread: any that may block; no shared state.
 */
#ifndef BERTH_STORAGE_DIGEST_FILE_H
#define BERTH_STORAGE_DIGEST_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/interrupt.h"
#include "storage/digest.h"

/* Hash what is in the open file from its start on; *size is its length. ERR_IO: it cannot be read. */
int digest_of_fd(int fd, enum digest_alg alg, const struct interrupt *interrupt, struct digest *out, uint64_t *size,
                 struct err *e);
/* The same of a file by name, SHA-256. */
int digest_of_path(const char *path, const struct interrupt *interrupt, struct digest *out, uint64_t *size,
                   struct err *e);

#endif
