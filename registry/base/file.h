/*
 * File operations that finish what they start: whole writes, durable replaces, bounded reads.
 *
 * Every function here may block: never on an event loop. close() is never retried (on Linux the
 * descriptor is gone whatever it returns).
 */
#ifndef BERTH_BASE_FILE_H
#define BERTH_BASE_FILE_H

#include <stdbool.h>
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
/* The same for a file that a stranger may have named: ERR_INVALID when it is not a regular one, so that a pipe nobody
 * writes to does not stop the program. */
int file_read_regular(const char *path, size_t limit, struct sbuf *out, struct err *e);
/* The same of what an open file holds from here to its end. */
int file_read_fd(int fd, size_t limit, struct sbuf *out, struct err *e);
/* fsync of a directory given by path. */
int file_sync_dir(const char *path, struct err *e);
/* Make a directory and its missing parents; one that is there already is no error. */
int file_mkdirs(const char *path, mode_t mode, struct err *e);
/* Replace `path` by `bytes`: write "<path>.tmp.<random>", fsync, rename, fsync the directory. Readers see the old or
 * the new content, never part of one. A replaced file keeps its owner, group and mode, and stays as it is when they
 * cannot be kept: ERR_DENIED. A new one gets `mode`. */
int file_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e);
/* The same for a secret. A new file gets mode 0600. One that is replaced keeps a mode that shuts out others, because
 * somebody gave it to a group; a mode that lets everybody in becomes 0600, and `*narrowed` (may be NULL) true. */
int file_replace_secret(const char *path, const void *bytes, size_t n, bool *narrowed, struct err *e);
/* Hold a lock on "<path>.lock", which stays there: whoever edits `path` does, from reading to replacing. It is made for
 * all who may write `path`. Waits ten seconds for others, then ERR_BUSY; ERR_NOT_FOUND when there is no such directory.
 * Returns a descriptor, whose closing lets go. */
int file_lock(const char *path, struct err *e);

#endif
