/*
 * The directory of backups: one pool of blobs, and snapshots that name blobs in it.
 *
 *   <backup>/berth-backup                    marks the directory; locked by who works on it
 *   <backup>/blobs/<alg>/<2 hex>/<hex>       the pool: as in a data directory (blob.h)
 *   <backup>/snapshots/<stamp>/data.mdb      the metadata, as <root>/meta/data.mdb will be again
 *   <backup>/snapshots/<stamp>/blobs         one line per blob of the snapshot: digest, blank, bytes; in key order
 *   <backup>/snapshots/<stamp>/backup.json   what the snapshot is (backup_record.h); written last
 *   <backup>/snapshots/<stamp>.partial/      a snapshot that is being made or removed; nobody reads it
 *   <backup>/incoming/                       copies in the making
 *
 * A stamp is the time in UTC, "2026-11-22T101530Z"; by name the newest is the last.
 *
 * Thread: any that may block; a struct backup_dir belongs to one.
 */
#ifndef BERTH_STORAGE_BACKUP_DIR_H
#define BERTH_STORAGE_BACKUP_DIR_H

#include <limits.h>
#include <stddef.h>

#include "storage/backup/backup_record.h"

struct backup_dir {
    char *path;
    int lock_fd;
};

enum backup_use {
    BACKUP_READ,  /* shared with other readers; the file system may be read-only */
    BACKUP_WRITE, /* alone; an absent or empty directory becomes one of backups, its parent is there already */
};

/* ERR_BUSY when it is in use otherwise, ERR_INVALID when it is another kind of directory or, to write, when a part of it is
 * a symbolic link. NULL: error. */
struct backup_dir *backup_dir_open(const char *path, enum backup_use use, struct err *e);
void backup_dir_close(struct backup_dir **dir);

/* Make a file that matters for being there; what is in it is for people. Durable. One that is there stays. */
int mark_make(const char *directory, const char *path, const char *text, struct err *e);

/* "<backup>/<name>", "<backup>/snapshots/<stamp><suffix>[/<name>]" (name may be NULL). ERR_INVALID: too long. */
int backup_path(const struct backup_dir *dir, const char *name, char out[PATH_MAX], struct err *e);
int snapshot_path(const struct backup_dir *dir, const char *stamp, const char *suffix, const char *name,
                  char out[PATH_MAX], struct err *e);
#define SNAPSHOT_PARTIAL ".partial"

/* Is the directory empty, as far as people see it? lost+found counts for nothing, nor does `besides` (may be NULL). */
int directory_is_empty(const char *path, const char *besides, bool *empty, struct err *e);

/* The snapshots, oldest first. The caller frees *out. */
int snapshots_load(const struct backup_dir *dir, struct snapshot **out, size_t *count, struct err *e);
/* The one of that name, or, with NULL, the newest complete one. Its record is readable. ERR_NOT_FOUND. */
int snapshot_find(const struct backup_dir *dir, const char *stamp, struct snapshot *out, struct err *e);

/* Make the directory of a new snapshot, as a partial one, with a stamp behind those that are there. */
int snapshot_begin(const struct backup_dir *dir, char stamp[CLOCK_TEXT_ROOM], struct err *e);
/* Durably complete: it has its name from now on. */
int snapshot_finish(const struct backup_dir *dir, const char *stamp, struct err *e);
/* Durably no snapshot any more, then gone. Going on after a crash: partials_remove(). */
int snapshot_remove(const struct backup_dir *dir, const char *stamp, struct err *e);
/* What interrupted backups and removals have left of snapshots. */
int partials_remove(const struct backup_dir *dir, struct err *e);

#endif
