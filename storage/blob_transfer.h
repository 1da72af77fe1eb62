/*
 * Blobs from one blob store to another: into the pool of a backup, and from there into a data directory.
 *
 * Copies are hashed (while they are written, where there is a choice) and get their names when they are synced, many at a time: whatever stands
 * under a blob's name in the destination is whole, also after a power cut. What was transferred counts as kept only
 * after transfer_finish().
 *
 *   transfer_new ─▶ transfer_blob … ─▶ transfer_finish ─▶ transfer_free
 *
 * Thread: a struct transfer belongs to one thread, which blocks.
 */
#ifndef BERTH_STORAGE_BLOB_TRANSFER_H
#define BERTH_STORAGE_BLOB_TRANSFER_H

#include "storage/blob.h"
#include "storage/digest_file.h"

struct transfer;

enum transfer_end {
    TRANSFER_THERE,  /* the destination has it already */
    TRANSFER_LINKED, /* one file under two names now */
    TRANSFER_COPIED,
    TRANSFER_MISSING, /* the source has no such file */
    TRANSFER_DAMAGED, /* the source's file cannot be read, or is not what it should be */
};

struct transfer_options {
    const struct blob_store *from;
    const struct blob_store *to;
    const char *workshop; /* a directory on the file system of `to`, for files in the making: made, emptied, removed */
    bool link;            /* link where the file system can; else copy (by reference, where it can that) */
    bool verify;          /* also hash what is there or linked; copies always are */
    struct interrupt interrupt;
};

struct transfer *transfer_new(const struct transfer_options *options, struct err *e);
/* Removes what was not finished. */
void transfer_free(struct transfer **transfer);

/* Returns 0 with *end; for TRANSFER_MISSING and TRANSFER_DAMAGED the reason is in `e`. A blob that is there and has
 * another length (or, with `verify`, other content) is replaced. -1: the destination cannot take it, or interrupted.
 * `e` is not NULL. */
int transfer_blob(struct transfer *transfer, const struct digest *d, uint64_t size, enum transfer_end *end,
                  struct err *e);
/* All that was transferred is durable. */
int transfer_finish(struct transfer *transfer, struct err *e);

#endif
