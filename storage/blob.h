/*
 * Blob files: <root>/blobs/<alg>/<first two hex digits>/<hex>, one copy of each whatever the number of
 * repositories. This room knows files only; who may see a blob is metadata (meta.h).
 *
 * Thread: any. Functions that may block say so; those must not run on an event loop.
 */
#ifndef BERTH_STORAGE_BLOB_H
#define BERTH_STORAGE_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/digest.h"

struct blob_store;

enum {
    BLOB_FOLDERS = 2 * 256,                                     /* of both algorithms */
    BLOB_NAME_MAX = 6 + 1 + 2 + 1 + 2 * DIGEST_RAW_MAX + 1,     /* "sha256/ab/<hex>" with terminator */
    BLOB_QUARANTINE_MAX = 11 + 6 + 1 + 2 * DIGEST_RAW_MAX + 12, /* "quarantine/sha256-<hex>.2" with terminator */
};

/* The name of a blob's file below <root>/blobs/. */
void blob_file_name(const struct digest *d, char out[BLOB_NAME_MAX]);
/* Does such an errno of open(2) or read(2) mean that this file is damaged, and not that the machine is short of
 * something? */
bool blob_errno_damaged(int number);

/* Opens (and makes durable) the folders under `root`. Blocks. */
struct blob_store *blob_store_open(const char *root, struct err *e);
/* The same of folders that are there, on a file system that may be read-only: nothing is made, and nothing is put in
 * quarantine. */
struct blob_store *blob_store_open_readonly(const char *root, struct err *e);
void blob_store_close(struct blob_store **store);

/* A read-only descriptor and the file's size in bytes. ERR_NOT_FOUND when there is no such file; ERR_DAMAGED when what
 * is there is no file, or the disk cannot read it. May block. */
int blob_open(const struct blob_store *store, const struct digest *d, int *fd, uint64_t *size, struct err *e);
/* As blob_open() but never waits for the disk (openat2 with RESOLVE_CACHED): ERR_BUSY means "call blob_open on a
 * worker". */
int blob_open_cached(const struct blob_store *store, const struct digest *d, int *fd, uint64_t *size, struct err *e);
/* Make the finished file at `path` (same file system, descriptor `fd` open on it) the blob `d`: fsync, rename, fsync of
 * the directory. Replaces an existing file of that digest, which repairs a damaged one. On failure `path` is left to
 * the caller; only when the very last fsync fails is it gone already: the blob is there, but nobody may be told so.
 * Blocks. */
int blob_adopt(const struct blob_store *store, const struct digest *d, const char *path, int fd, struct err *e);
/* <root>/quarantine, if it is not there. */
int blob_quarantine_make(const struct blob_store *store, struct err *e);
/* Move the file of `d` out of everybody's way, to <root>/quarantine/<alg>-<hex>, with ".2", ".3", … behind it when that
 * name is taken; `where` gets the name below <root>. Whoever has it open reads on. ERR_NOT_FOUND when there is none. The
 * caller has claimed the blob (pin.h). Blocks. */
int blob_quarantine(const struct blob_store *store, const struct digest *d, char where[BLOB_QUARANTINE_MAX],
                    struct err *e);
/* Remove the file; one that is not there is no error. Blocks. */
int blob_remove(const struct blob_store *store, const struct digest *d, struct err *e);
/* The same quickly: the file loses its name now, and its space when the caller closes *fd, which can take long for a large
 * one. -1 in *fd: it was not there. */
int blob_detach(const struct blob_store *store, const struct digest *d, int *fd, struct err *e);

/* Calls `visit` for each file in folder number `folder` that is named as a blob of that folder is; other names are
 * passed over. `visit` may remove the file; it returns false to end the walk. Blocks. */
int blob_list(const struct blob_store *store, unsigned folder, bool (*visit)(const struct digest *d, void *arg),
              void *arg, struct err *e);
/* The file's size in bytes, and when it got its bytes or its name, whichever is later, in wall-clock seconds.
 * ERR_NOT_FOUND. May block. */
int blob_stat(const struct blob_store *store, const struct digest *d, uint64_t *size, uint64_t *changed, struct err *e);

#endif
