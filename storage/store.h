/*
 * The data directory as a whole: its lock, blobs, uploads and metadata.
 *
 *   <root>/berth.lock   held (flock) by the one process that serves or repairs this directory; names its pid
 *   <root>/blobs/       blob.h
 *   <root>/uploads/     upload.h
 *   <root>/meta/        meta.h
 */
#ifndef BERTH_STORAGE_STORE_H
#define BERTH_STORAGE_STORE_H

#include "registry/base/err.h"
#include "storage/blob.h"
#include "storage/meta.h"
#include "storage/pin.h"
#include "storage/upload.h"

struct store {
    char *root;
    int lock_fd;
    struct blob_store *blobs;
    struct uploads *uploads;
    struct meta *meta;
    struct pins *pins; /* between pushes and the sweeper */
};

/* Creates what is missing. ERR_BUSY when another process holds the directory; the text names its pid. Blocks. */
struct store *store_open(const char *root, struct err *e);
void store_close(struct store **store);

#endif
