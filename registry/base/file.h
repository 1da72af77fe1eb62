/*
 * File operations that finish what they start: whole writes, durable replaces, bounded reads.
 *
 * Every function here may block: never on an event loop. close() is never retried (on Linux the
 * descriptor is gone whatever it returns).
 */
#ifndef BERTH_BASE_FILE_H
#define BERTH_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* Write all of it, going on after short writes and EINTR. */
int file_write(int fd, const void *bytes, size_t n, struct err *e);
/* Write all spans at `offset` (bytes from the start); `spans` is consumed. */
int file_pwritev(int fd, struct iovec *spans, int n, off_t offset, struct err *e);
/* The whole file, terminated by a NUL that is not counted. Over `limit` bytes: ERR_TOO_LARGE. */
int file_read(const char *path, size_t limit, struct sbuf *out, struct err *e);
/* The same of what an open file holds from here to its end. */
int file_read_fd(int fd, size_t limit, struct sbuf *out, struct err *e);
/* fsync of a directory given by path. */
int file_sync_dir(const char *path, struct err *e);
/* Make a directory and its missing parents; one that is there already is no error. */
int file_mkdirs(const char *path, mode_t mode, struct err *e);
/* Replace `path` by `bytes`: write "<path>.tmp.<random>", fsync, rename, fsync the directory. Readers see the old or
 * the new content, never part of one. A replaced file keeps its owner and mode; a new one gets `mode`. */
int file_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e);

#endif
