/*
 * From a backup (backup.h) to a data directory.
 *
 * The directory is absent or empty, or one that an interrupted restore has left: that one is marked, no server opens it,
 * and a second run goes on with it. Metadata comes first, is compared with its digest and opened, which upgrades an
 * older schema; then all blobs it has records of. Each is hashed on its way, and what is there from before is hashed,
 * too. All is synced before the mark goes.
 *
 * Thread: any that may block. A tool does this, and no server.
 */
#ifndef BERTH_STORAGE_RESTORE_H
#define BERTH_STORAGE_RESTORE_H

#include "storage/backup/backup_dir.h"
#include "storage/digest_file.h"

struct restore_result {
    struct snapshot snapshot; /* the one that was taken */
    uint64_t blobs;           /* so far, whether they are there or lost */
    uint64_t bytes;           /* of those that are there */
    uint64_t lost;
};

struct restore_options {
    const char *backup;
    const char *stamp; /* NULL: the newest complete snapshot */
    const char *to;    /* the data directory */
    bool link;         /* hard links to the pool instead of copies, where the file system can */
    bool incomplete;   /* finish without blobs that are missing or damaged in the backup */
    /* May be NULL. Called after each blob, and for each that is lost. */
    void (*progress)(const struct restore_result *so_far, void *arg);
    void (*lost)(const struct digest *d, const char *reason, void *arg);
    void *arg;
    struct interrupt interrupt;
};

/* ERR_EXISTS: there is something in the directory. ERR_BUSY: a server or another restore works on it. ERR_DIGEST: the
 * backup is damaged; the directory stays marked unless options->incomplete. */
int restore_run(const struct restore_options *options, struct restore_result *result, struct err *e);

#endif
