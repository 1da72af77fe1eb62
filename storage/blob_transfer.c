#include "storage/blob_transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/blob_internal.h"

enum {
    BATCH_FILES = 64,
    BATCH_BYTES = 64 * 1024 * 1024, /* of files that wait for their fsync */
    CHUNK = 256 * 1024,
};

/* A copy whose bytes are written, and that has no name as a blob yet. */
struct copied {
    int fd;
    char name[24]; /* in the workshop */
    struct digest digest;
};

struct transfer {
    struct transfer_options options;
    char *workshop_path;
    int workshop;
    char *chunk;
    bool links; /* the file system has not refused one yet */

    struct copied batch[BATCH_FILES];
    size_t count;
    uint64_t bytes;
    uint64_t serial; /* names of files in the workshop */

    bool unsynced[BLOB_FOLDERS]; /* folders of `to` that got a name */
};

/* ---- the workshop ---- */

static int empty_workshop(int workshop, struct err *e)
{
    int fd = openat(workshop, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int rc = 0;

    if (listing == NULL) {
        err_errno(e, "open");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while (rc == 0 && (entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(workshop, entry->d_name, 0) != 0)
            rc = err_errno(e, "remove %s", entry->d_name);
    closedir(listing);
    return rc;
}

static int open_workshop(struct transfer *t, struct err *e)
{
    if (file_mkdirs(t->workshop_path, 0700, e) != 0)
        return -1;
    t->workshop = open(t->workshop_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (t->workshop < 0)
        return err_errno(e, "%s", t->workshop_path);
    return empty_workshop(t->workshop, e) == 0 ? 0 : err_wrap(e, "%s", t->workshop_path);
}

struct transfer *transfer_new(const struct transfer_options *options, struct err *e)
{
    struct transfer *t = xcalloc(1, sizeof(*t));

    t->options = *options;
    t->workshop = -1;
    t->workshop_path = str_dup(str_of(options->workshop));
    t->links = options->link;
    t->chunk = xmalloc(CHUNK);
    if (open_workshop(t, e) != 0)
        transfer_free(&t);
    return t;
}

void transfer_free(struct transfer **transfer)
{
    struct transfer *t = *transfer;

    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        close(t->batch[i].fd);
        unlinkat(t->workshop, t->batch[i].name, 0);
    }
    if (t->workshop >= 0) {
        close(t->workshop);
        rmdir(t->workshop_path); /* what is left in it goes next time */
    }
    free(t->workshop_path);
    free(t->chunk);
    free(t);
    *transfer = NULL;
}

/* ---- judging ---- */

/* 0: the open file is the blob. 1: it is not, and `e` says why. -1: interrupted. */
static int judge(const struct transfer *t, int fd, const struct digest *d, struct err *e)
{
    struct digest found;
    uint64_t size;

    if (digest_of_fd(fd, d->alg, &t->options.interrupt, &found, &size, e) != 0)
        return interrupt_check(&t->options.interrupt, INTERRUPT_RESUMES, NULL) != 0 ? -1 : 1;
    if (digest_equal(&found, d))
        return 0;
    err_set(e, ERR_DIGEST, "its content has another digest");
    return 1;
}

/* Does the destination have it? -1: interrupted. */
static int look_there(const struct transfer *t, const struct digest *d, uint64_t size, bool *there, struct err *e)
{
    uint64_t stored;
    struct err why;
    int fd, verdict;

    *there = false;
    if (!t->options.verify) {
        uint64_t changed;

        *there = blob_stat(t->options.to, d, &stored, &changed, NULL) == 0 && stored == size;
        return 0;
    }
    if (blob_open(t->options.to, d, &fd, &stored, NULL) != 0)
        return 0;
    verdict = stored == size ? judge(t, fd, d, &why) : 1;
    close(fd);
    *there = verdict == 0;
    if (verdict < 0 && e != NULL)
        *e = why;
    return verdict < 0 ? -1 : 0;
}

/* ---- names ---- */

/* Give the file `name` of the workshop its place as a blob. */
static int place(struct transfer *t, const char *name, const struct digest *d, struct err *e)
{
    struct blob_name to;

    blob_name_of(d, &to);
    if (renameat(t->workshop, name, t->options.to->dir, to.file) != 0)
        return err_errno(e, "blob %s: rename", to.text);
    t->unsynced[blob_folder_of(d)] = true;
    return 0;
}

static int commit_batch(struct transfer *t, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int rc = 0;

    for (size_t i = 0; i < t->count && rc == 0; i++)
        if (fsync(t->batch[i].fd) != 0) {
            digest_format(&t->batch[i].digest, text);
            rc = err_errno(e, "blob %s: fsync", text);
        }
    for (size_t i = 0; i < t->count && rc == 0; i++)
        rc = place(t, t->batch[i].name, &t->batch[i].digest, e);
    for (size_t i = 0; i < t->count; i++) {
        close(t->batch[i].fd);
        if (rc != 0)
            unlinkat(t->workshop, t->batch[i].name, 0);
    }
    t->count = 0;
    t->bytes = 0;
    return rc;
}

/* ---- linking ---- */

/* Over a file that has to go: by way of the workshop, so that there is always one. */
static int replace_by_link(struct transfer *t, const struct blob_name *name, const struct digest *d)
{
    char made[24];

    snprintf(made, sizeof(made), "%llu", (unsigned long long)t->serial++);
    if (linkat(t->options.from->dir, name->file, t->workshop, made, 0) != 0)
        return -1;
    if (place(t, made, d, NULL) != 0) {
        unlinkat(t->workshop, made, 0);
        return -1;
    }
    unlinkat(t->workshop, made, 0); /* still there when both were one file: rename(2) does nothing then */
    return 0;
}

/* False: it has to be copied. That is no failure: file systems differ in what they link, and how often. */
static bool link_blob(struct transfer *t, const struct digest *d)
{
    struct blob_name name;
    int rc;

    if (!t->links)
        return false;
    blob_name_of(d, &name);
    rc = linkat(t->options.from->dir, name.file, t->options.to->dir, name.file, 0);
    if (rc != 0 && errno == EEXIST)
        rc = replace_by_link(t, &name, d);
    if (rc == 0)
        t->unsynced[blob_folder_of(d)] = true;
    else if (errno == EXDEV)
        t->links = false;
    return rc == 0;
}

/* ---- copying ---- */

/* 0 as judge() says; -1: the destination cannot take it, or interrupted. */
static int copy_bytes(struct transfer *t, int from, int to, const struct digest *d, struct err *e)
{
    struct hasher hasher;
    struct digest found;

    hasher_init(&hasher, d->alg);
    for (;;) {
        ssize_t got = pread(from, t->chunk, CHUNK, (off_t)hasher_length(&hasher));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_errno(e, "read at offset %llu", (unsigned long long)hasher_length(&hasher));
            return 1;
        }
        if (got == 0)
            break;
        hasher_update(&hasher, t->chunk, (size_t)got);
        if (file_write(to, t->chunk, (size_t)got, e) != 0 ||
            interrupt_check(&t->options.interrupt, INTERRUPT_RESUMES, e) != 0)
            return -1;
    }
    hasher_digest(&hasher, &found);
    if (digest_equal(&found, d))
        return 0;
    err_set(e, ERR_DIGEST, "its content has another digest");
    return 1;
}

static int fill(struct transfer *t, int from, int to, const struct digest *d, struct err *e)
{
    if (ioctl(to, FICLONE, from) != 0)
        return copy_bytes(t, from, to, d, e);
    return judge(t, to, d, e);
}

/* As judge() returns; with 0 the copy waits in the batch. */
static int copy_blob(struct transfer *t, int from, const struct digest *d, uint64_t size, struct err *e)
{
    struct copied *c = &t->batch[t->count];
    char text[DIGEST_TEXT_MAX];
    int verdict;

    digest_format(d, text);
    c->digest = *d;
    snprintf(c->name, sizeof(c->name), "%llu", (unsigned long long)t->serial++);
    c->fd = openat(t->workshop, c->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (c->fd < 0)
        return err_errno(e, "blob %s: make a copy", text);
    verdict = fill(t, from, c->fd, d, e);
    if (verdict != 0) {
        close(c->fd);
        unlinkat(t->workshop, c->name, 0);
        return verdict < 0 ? err_wrap(e, "blob %s", text) : verdict;
    }
    sync_file_range(c->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* begin; the batch waits */
    t->count++;
    t->bytes += size;
    return t->count == BATCH_FILES || t->bytes >= BATCH_BYTES ? commit_batch(t, e) : 0;
}

/* ---- one blob ---- */

/* As judge() returns. */
static int take(struct transfer *t, int from, const struct digest *d, uint64_t size, enum transfer_end *end,
                struct err *e)
{
    int verdict = t->links && t->options.verify ? judge(t, from, d, e) : 0;

    if (verdict != 0)
        return verdict;
    if (link_blob(t, d)) {
        *end = TRANSFER_LINKED;
        return 0;
    }
    *end = TRANSFER_COPIED;
    return copy_blob(t, from, d, size, e);
}

int transfer_blob(struct transfer *t, const struct digest *d, uint64_t size, enum transfer_end *end, struct err *e)
{
    uint64_t found;
    bool there;
    int from, verdict;

    *end = TRANSFER_THERE;
    if (interrupt_check(&t->options.interrupt, INTERRUPT_RESUMES, e) != 0 || look_there(t, d, size, &there, e) != 0)
        return -1;
    if (there)
        return 0;
    if (blob_open(t->options.from, d, &from, &found, e) != 0) {
        *end = e->code == ERR_NOT_FOUND ? TRANSFER_MISSING : TRANSFER_DAMAGED;
        return e->code == ERR_NOT_FOUND || e->code == ERR_DAMAGED ? 0
                                                                  : -1; /* short of something: no fault of the blob */
    }
    if (found == size) {
        verdict = take(t, from, d, size, end, e);
    } else {
        err_set(e, ERR_SIZE, "it has %llu bytes instead of %llu", (unsigned long long)found, (unsigned long long)size);
        verdict = 1;
    }
    close(from);
    if (verdict > 0)
        *end = TRANSFER_DAMAGED;
    return verdict < 0 ? -1 : 0;
}

int transfer_finish(struct transfer *t, struct err *e)
{
    if (commit_batch(t, e) != 0)
        return -1;
    for (unsigned i = 0; i < BLOB_FOLDERS; i++) {
        char folder[BLOB_FOLDER_MAX];

        if (!t->unsynced[i])
            continue;
        blob_folder_name(i, folder);
        if (blob_sync_folder(t->options.to->dir, folder, e) != 0)
            return -1;
        t->unsynced[i] = false;
    }
    return 0;
}
