/*
 * The data directory as a whole: its lock, blobs, uploads and metadata.
 *
 *   <root>/berth.lock   held (flock) by the one process that serves or repairs this directory; names its pid
 *   <root>/blobs/       blob.h
 *   <root>/uploads/     upload.h
 *   <root>/meta/        meta.h
 *   <root>/takeover.unfinished, taken-over   distribution/inplace.h
 *   <root>/restore.unfinished   from the beginning of a restore (restore.h) to its end: nobody opens such a directory
 */
#ifndef BERTH_STORAGE_STORE_H
#define BERTH_STORAGE_STORE_H

#include <limits.h>

#include "registry/base/err.h"
#include "storage/asked.h"
#include "storage/blob.h"
#include "storage/meta/meta.h"
#include "storage/pin.h"
#include "storage/upload.h"

#define STORE_UNFINISHED "restore.unfinished"

struct store {
    char *root;
    int lock_fd;
    struct blob_store *blobs;
    struct uploads *uploads;
    struct meta *meta;
    struct pins *pins;           /* between pushes and the sweeper */
    struct clock_watch *clock;   /* are leases to be believed? (clock_watch.h) */
    struct asked *asked;         /* between pulls and the removal of untagged manifests (asked.h) */
    struct sweep_gate *sweeping; /* between sweeps, and between them and who wants none (sweep.h) */
};

/* Creates what is missing. ERR_BUSY when another process holds the directory; the text names its pid. Blocks. */
struct store *store_open(const char *root, struct err *e);
/* The same for who repairs the metadata next, as meta_open_for_repair() has it. */
struct store *store_open_for_repair(const char *root, struct err *e);
void store_close(struct store **store);

/* From the return of the first until the release no sweep removes anything: every blob that a snapshot taken meanwhile
 * speaks of keeps its file. Waits for the step under way. Holds are counted. Thread: any that may block. */
void store_hold_sweeps(const struct store *store);
void store_release_sweeps(const struct store *store);

/* uploads_purge() (upload.h), but while the clock is not to be believed for `age_s` (clock_watch.h): ERR_BUSY, and nothing
 * is removed. Blocks. */
int store_purge_uploads(const struct store *store, uint64_t age_s, size_t limit, bool dry_run, size_t *purged,
                        struct err *e);

/* The name of what lies below a data directory. ERR_INVALID: too long. */
int store_path(const char *root, const char *name, char out[PATH_MAX], struct err *e);
/* Only the lock, as store_open() takes it, of a directory that is made if it is not there. *lock_fd: closing it lets go.
 * Blocks. */
int store_lock(const char *root, int *lock_fd, struct err *e);

#endif
