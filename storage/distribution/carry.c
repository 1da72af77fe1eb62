#include "storage/distribution/carry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/blob.h"
#include "storage/digest_file.h"

enum { CHUNK = 256 * 1024, NAME_ROOM = 24, GROUPS_MOST = 256 };

/* ---- the workshop ---- */

static int empty(int workshop, struct err *e)
{
    int fd = openat(workshop, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (listing == NULL) {
        err_errno(e, "open");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((entry = readdir(listing)) != NULL)
        unlinkat(workshop, entry->d_name, 0); /* what cannot go is not in the way: names are tried one by one */
    closedir(listing);
    return 0;
}

int carrier_open(struct carrier *c, const struct carrier_options *options, struct err *e)
{
    *c = (struct carrier){.options = *options, .workshop = -1};
    c->options.workshop = str_dup(str_of(options->workshop));
    if (file_mkdirs(options->workshop, 0700, e) == 0) {
        c->workshop = open(options->workshop, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (c->workshop < 0)
            err_errno(e, "open");
    }
    if (c->workshop >= 0 && empty(c->workshop, e) == 0)
        return 0;
    err_wrap(e, "%s", options->workshop);
    carrier_close(c);
    return -1;
}

void carrier_close(struct carrier *c)
{
    char *path = (char *)(uintptr_t)c->options.workshop;

    if (path == NULL)
        return;
    if (c->workshop >= 0) {
        close(c->workshop);
        rmdir(path); /* what is left in it goes next time */
    }
    free(path);
    *c = (struct carrier){.workshop = -1};
}

static void name_file(struct carrier *c, char out[NAME_ROOM])
{
    snprintf(out, NAME_ROOM, "%llu", (unsigned long long)c->serial++);
}

static int place(const struct carrier *c, const char *made, const struct carry *what)
{
    return renameat(c->workshop, made, what->to, what->to_name);
}

/* ---- links ---- */

static bool is_group(gid_t gid)
{
    gid_t groups[GROUPS_MOST];
    int n = getgroups(GROUPS_MOST, groups);

    if (gid == getegid())
        return true;
    for (int i = 0; i < n; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

/* By its mode alone: rights to read everything that we have now are not there for good. */
static bool is_readable(const struct stat *st)
{
    if (geteuid() == 0)
        return true;
    if (st->st_uid == geteuid())
        return (st->st_mode & S_IRUSR) != 0;
    return (st->st_mode & (is_group(st->st_gid) ? S_IRGRP : S_IROTH)) != 0;
}

static bool is_same(int dir, const char *name, const struct stat *st)
{
    struct stat found;

    return fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_ino == st->st_ino &&
           found.st_dev == st->st_dev;
}

/* By way of the workshop: what is at the blob's name, a client's push of this moment say, goes when there is the right
 * file for it, and not before. As carry() returns, or -1 with errno alone. */
static int make_link(struct carrier *c, const struct carry *what, struct err *e)
{
    char made[NAME_ROOM];
    int rc = 0, number;

    name_file(c, made);
    if (linkat(what->from, what->from_name, c->workshop, made, 0) != 0)
        return -1;
    if (!is_same(c->workshop, made, what->st)) {
        err_set(e, ERR_DAMAGED, "it was replaced while it was looked at");
        rc = 1;
    } else if (place(c, made, what) != 0) {
        rc = -1;
    }
    number = errno;
    unlinkat(c->workshop, made, 0); /* still there when both were one file: rename(2) does nothing then */
    errno = number;
    return rc;
}

/* What keeps a link from being made, where a copy is no answer unless it is asked for; NULL: a copy it is. */
static const char *why_refused(int number)
{
    if (number == EXDEV || number == EMLINK)
        return NULL;
    if (number == EPERM || number == EACCES)
        return "the kernel refuses a hard link to a file of another user (fs.protected_hardlinks)";
    return "the file system makes no hard links";
}

/* ---- files of their own ---- */

/* As carry() returns. */
static int copy_bytes(const struct carrier *c, int from, int to, const struct digest *d, struct err *e)
{
    char *chunk = xmalloc(CHUNK);
    struct hasher hasher;
    struct digest found;
    uint64_t at = 0;
    int rc = 0;

    hasher_init(&hasher, d == NULL ? DIGEST_SHA256 : d->alg);
    while (rc == 0) {
        ssize_t got = pread(from, chunk, CHUNK, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            rc = got < 0 ? (err_errno(e, "read at offset %llu", (unsigned long long)at), 1) : 0;
            break;
        }
        if (d != NULL)
            hasher_update(&hasher, chunk, (size_t)got);
        at += (uint64_t)got;
        if (file_write(to, chunk, (size_t)got, e) != 0 ||
            interrupt_check(&c->options.interrupt, INTERRUPT_RESUMES, e) != 0)
            rc = -1;
    }
    free(chunk);
    if (rc != 0 || d == NULL)
        return rc;
    hasher_digest(&hasher, &found);
    if (digest_equal(&found, d))
        return 0;
    err_set(e, ERR_DIGEST, "its content has another digest");
    return 1;
}

static int compare(const struct carrier *c, int fd, const struct digest *d, struct err *e)
{
    struct digest found;
    uint64_t size;

    if (d == NULL)
        return 0;
    if (digest_of_fd(fd, d->alg, &c->options.interrupt, &found, &size, e) != 0)
        return interrupt_wanted(&c->options.interrupt) ? -1 : 1;
    if (digest_equal(&found, d))
        return 0;
    err_set(e, ERR_DIGEST, "its content has another digest");
    return 1;
}

/* `refused` (or NULL) says why only a clone will do. */
static int fill(struct carrier *c, int from, int to, const struct carry *what, const char *refused, enum carried *how,
                struct err *e)
{
    *how = CARRIED_CLONED;
    if (ioctl(to, FICLONE, from) == 0)
        return what->verify ? compare(c, to, what->digest, e) : 0;
    *how = CARRIED_COPIED;
    if (refused == NULL || c->options.copies)
        return copy_bytes(c, from, to, what->digest, e);
    return err_set(e, ERR_DENIED,
                   "%s, and the file system has no clones. The file belongs to user %u, this is user %u: run the same "
                   "as root while no server runs, or give the files to this user (chown -R), or add --copy, which "
                   "takes their space a second time",
                   refused, (unsigned)what->st->st_uid, (unsigned)geteuid());
}

static int fill_synced(struct carrier *c, int to, const struct carry *what, const char *refused, enum carried *how,
                       struct err *e)
{
    int from = openat(what->from, what->from_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int rc;

    if (from < 0) {
        if (errno == EACCES || (!blob_errno_damaged(errno) && errno != ENOENT))
            return err_errno(e, "open");
        err_errno(e, "open");
        return 1;
    }
    rc = fill(c, from, to, what, refused, how, e);
    close(from);
    if (rc == 0 && (fchmod(to, c->options.mode) != 0 || fsync(to) != 0))
        return err_errno(e, "fsync");
    return rc;
}

static int make_own(struct carrier *c, const struct carry *what, const char *refused, enum carried *how, struct err *e)
{
    char made[NAME_ROOM];
    int to, rc;

    name_file(c, made);
    to = openat(c->workshop, made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return err_errno(e, "make a copy");
    rc = fill_synced(c, to, what, refused, how, e);
    close(to);
    if (rc == 0 && place(c, made, what) != 0)
        rc = err_errno(e, "rename");
    if (rc != 0)
        unlinkat(c->workshop, made, 0);
    return rc;
}

/* ---- either ---- */

enum { NO_LINK = 2 };

/* As carry() returns, or NO_LINK with *refused: what keeps a copy from being the answer, or NULL. */
static int try_link(struct carrier *c, const struct carry *what, const char **refused, struct err *e)
{
    int rc;

    *refused = NULL;
    c->why_not = c->options.copies ? "copies were asked for" : "it is on another file system";
    if (c->options.copies || c->elsewhere)
        return NO_LINK;
    if (c->options.serves && !is_readable(what->st)) {
        c->why_not = *refused = "its mode keeps who serves it from reading it, so a hard link is no use";
        return NO_LINK;
    }
    rc = make_link(c, what, e);
    if (rc >= 0)
        return rc;
    if (errno == ENOSPC || errno == EDQUOT || errno == EROFS || errno == EIO)
        return err_errno(e, "link");
    if (errno == ENOENT) {
        err_errno(e, "link");
        return 1;
    }
    c->elsewhere = errno == EXDEV;
    *refused = why_refused(errno);
    if (*refused != NULL || errno == EMLINK)
        c->why_not = *refused != NULL ? *refused : "it has as many hard links as the file system grants";
    return NO_LINK;
}

int carry(struct carrier *c, const struct carry *what, enum carried *how, struct err *e)
{
    const char *refused;
    int rc = try_link(c, what, &refused, e);

    *how = CARRIED_LINKED;
    return rc == NO_LINK ? make_own(c, what, refused, how, e) : rc;
}
