/*
 * Backups of a data directory that is being served, into a directory of backups (backup_dir.h).
 *
 * A backup is a consistent copy of the metadata and all blobs that it speaks of. Blobs come into a pool that all
 * snapshots share, as links where the file system can, else as copies; what is in the pool is not touched again. Uploads
 * under way are no part of it.
 *
 *   1. what interrupted ones have left goes (their blobs stay in the pool and are used)
 *   2. sweeps are held: no blob that has a record loses its file
 *   3. the metadata is copied; then the blobs that have records now, and they are listed. Records only come while
 *      sweeps are held, so every blob of the copy is among them
 *   4. sweeps go on; all is synced; backup.json is written; the snapshot gets its name
 *   5. older snapshots go, then the blobs of the pool that no snapshot lists any more
 *
 * A crash in 1 to 4 leaves a directory without a name and blobs that the next backup finds; in 5 a snapshot is whole or
 * has no name, and its blobs go after it.
 *
 * A blob that is missing or damaged in the data directory does not stop the backup: it is reported, and the snapshot is
 * not complete.
 *
 * Thread: any that may block, for long; one backup into a directory at a time.
 */
#ifndef BERTH_STORAGE_BACKUP_H
#define BERTH_STORAGE_BACKUP_H

#include "storage/backup/backup_dir.h"
#include "storage/digest_file.h"
#include "storage/store.h"

enum { BACKUP_KEEP_MAX = 500 };

struct backup_result {
    char stamp[CLOCK_TEXT_ROOM];
    uint64_t blobs; /* of the snapshot so far, whether they are there or lost */
    uint64_t bytes;
    uint64_t lost;
    uint64_t linked;
    uint64_t copied;
    uint64_t copied_bytes;
    uint64_t metadata_bytes;

    /* of --keep */
    uint64_t removed_snapshots;
    uint64_t removed_blobs;
    uint64_t removed_bytes;
};

struct backup_options {
    const char *directory; /* absolute; not within the data directory */
    bool copy;             /* no hard links */
    bool verify;           /* hash what is in the pool, and replace what is damaged there */
    uint64_t keep;         /* complete snapshots that stay, up to BACKUP_KEEP_MAX; 0: all */
    /* May be NULL. Called after each blob, and for each that is lost. */
    void (*progress)(const struct backup_result *so_far, void *arg);
    void (*lost)(const struct digest *d, const char *reason, void *arg);
    void (*note)(const char *text, void *arg); /* a remark for the person; may be NULL */
    void *arg;
    struct interrupt interrupt;
};

/* 0 also when blobs are lost: result->lost says how many. -1: there is no new snapshot (or, when result->stamp is not
 * empty, there is one and only older things could not be removed). */
int backup_run(const struct store *store, const struct backup_options *options, struct backup_result *result,
               struct err *e);

/* Step 5 (backup_prune.c). The snapshots stay that are among the `keep` newest complete ones or among the `keep` newest
 * of all. With one that cannot be read nothing is removed: nobody knows what it needs. */
int backup_prune(const struct backup_dir *dir, uint64_t keep, const struct interrupt *interrupt,
                 struct backup_result *result, struct err *e);

/* ---- looking at backups (backup_verify.c); plain tools, no server ---- */

struct verify_result {
    uint64_t snapshots;
    uint64_t blobs; /* different ones */
    uint64_t bytes;
    uint64_t problems;
};

struct verify_options {
    const char *stamp; /* NULL: all snapshots */
    void (*progress)(const struct verify_result *so_far, void *arg);
    void (*problem)(const char *text, void *arg); /* one line for a person */
    void *arg;
    struct interrupt interrupt;
};

/* Reads everything: records, metadata, lists, and every blob once. 0 also when there are problems. */
int backup_verify(const struct backup_dir *dir, const struct verify_options *options, struct verify_result *result,
                  struct err *e);

#endif
