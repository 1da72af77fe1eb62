/*
 * What a snapshot of a backup says of itself: <backup>/snapshots/<stamp>/backup.json.
 *
 *   {"version": 1, "berth": "0.1.0", "created": "2026-11-22T10:15:30Z", "schema": 2,
 *    "metadata": {"size": 40960, "digest": "sha256:…"},            data.mdb
 *    "list": {"size": 1234, "digest": "sha256:…"},                 blobs: one line per blob, its digest and size
 *    "blobs": {"count": 12, "size": 345678},
 *    "complete": false,                                             true: nothing is lost
 *    "lost": {"count": 1, "blobs": [{"digest": "sha256:…", "reason": "…"}]}}   the first LOST_LISTED of them
 *
 * It is written when all the rest is durable. Members that are not known are passed over; another version is refused.
 *
 * Thread: any that may block; no shared state.
 */
#ifndef BERTH_STORAGE_BACKUP_RECORD_H
#define BERTH_STORAGE_BACKUP_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/clock.h"
#include "storage/digest.h"

enum { BACKUP_VERSION = 1, LOST_LISTED = 1000 };

/* A file of a snapshot, as it has to be. */
struct snapshot_file {
    uint64_t size;
    struct digest digest;
};

struct snapshot {
    char stamp[CLOCK_TEXT_ROOM];   /* its name */
    char created[CLOCK_TEXT_ROOM]; /* by the clock of then */
    uint32_t schema;               /* of the metadata */
    struct snapshot_file metadata;
    struct snapshot_file list;
    uint64_t blobs;
    uint64_t bytes;        /* of them */
    uint64_t lost;         /* of them, blobs that were missing or damaged; 0: the snapshot is complete */
    struct err unreadable; /* code ERR_NONE, or why nothing but `stamp` is known */
};

/* The lost ones, as they are found. */
struct lost_list {
    struct sbuf json; /* members of the array */
    uint64_t count;
};

void lost_add(struct lost_list *lost, const struct digest *d, const char *reason);
void lost_free(struct lost_list *lost);

/* Durably, in the directory `path` of the snapshot. */
int snapshot_save(const char *path, const struct snapshot *snapshot, const struct lost_list *lost, struct err *e);
/* `stamp` is kept. */
int snapshot_load(const char *path, struct snapshot *snapshot, struct err *e);
/* Its members as one JSON object, for programs. */
void snapshot_json(const struct snapshot *snapshot, struct sbuf *out);

#endif
