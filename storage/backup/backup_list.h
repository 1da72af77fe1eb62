/*
 * Lists of blobs: which ones a snapshot of a backup has. Read as a stream and never by way of memory maps, because a
 * server does it and a disk of backups may be pulled out.
 *
 *   sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b 1234
 *
 * One line per blob: digest, blank, bytes. In the order of digests as keys (sha256 before sha512), each once.
 *
 * Thread: a writer or a struct lists belongs to one thread, which blocks.
 */
#ifndef BERTH_STORAGE_BACKUP_LIST_H
#define BERTH_STORAGE_BACKUP_LIST_H

#include "storage/backup/backup_dir.h"
#include "storage/digest_file.h"

/* ---- writing one ---- */

struct list_writer {
    int fd;
    struct sbuf line; /* lines that wait */
    struct hasher hasher;
};

/* Makes the file, mode 0600. */
int list_create(struct list_writer *w, const char *path, struct err *e);
int list_add(struct list_writer *w, const struct digest *d, uint64_t size, struct err *e);
/* Synced (its directory is not); what it has to be goes to *out. */
int list_finish(struct list_writer *w, struct snapshot_file *out, struct err *e);
/* In any case. */
void list_close(struct list_writer *w);

/* ---- reading several side by side ---- */

struct list_entry {
    struct digest digest;
    uint64_t size;
};

struct lists;

/* Of `count` snapshots, each verified against its record first. ERR_DIGEST and others name the file. */
struct lists *lists_open(const struct backup_dir *dir, const struct snapshot *snapshots, size_t count,
                         const struct interrupt *interrupt, struct err *e);
void lists_close(struct lists **lists);
/* The blobs of the next of the BLOB_FOLDERS folders that any of them names, in order, each once. They belong to `lists`
 * and are valid until the next call. */
int lists_folder(struct lists *lists, const struct list_entry **entries, size_t *count, struct err *e);
/* Is it among them? */
bool list_has(const struct list_entry *entries, size_t count, const struct digest *d);

/* Is the file of a snapshot what its record says? ERR_DIGEST: no. */
int snapshot_file_check(const char *path, const struct snapshot_file *file, const struct interrupt *interrupt,
                        struct err *e);

#endif
