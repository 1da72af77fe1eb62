#include "registry/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/rnd.h"

enum { LOCK_WAIT_MS = 10 * 1000, LOCK_STEP_US = 20 * 1000, LOCK_TRIES = 10 };

int file_write(int fd, const void *bytes, size_t n, struct err *e)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t written = write(fd, p, n);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_errno(e, "write");
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

/* Drop `done` bytes from the front of the spans. */
static void spans_advance(struct iovec **spans, int *n, size_t done)
{
    while (*n > 0 && done >= (*spans)->iov_len) {
        done -= (*spans)->iov_len;
        (*spans)++;
        (*n)--;
    }
    if (*n > 0) {
        (*spans)->iov_base = (char *)(*spans)->iov_base + done;
        (*spans)->iov_len -= done;
    }
}

int file_pwritev(int fd, struct iovec *spans, int n, off_t offset, struct err *e)
{
    spans_advance(&spans, &n, 0); /* empty spans at the front */
    while (n > 0) {
        ssize_t written = pwritev(fd, spans, n < IOV_MAX ? n : IOV_MAX, offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_errno(e, "write at offset %lld", (long long)offset);
        offset += written;
        spans_advance(&spans, &n, (size_t)written);
    }
    return 0;
}

int file_read_fd(int fd, size_t limit, struct sbuf *out, struct err *e)
{
    char chunk[16384];

    out->n = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, "read");
        if (got == 0)
            break;
        if ((size_t)got > limit - out->n)
            return err_set(e, ERR_TOO_LARGE, "larger than %zu bytes", limit);
        sbuf_put(out, chunk, (size_t)got);
    }
    sbuf_text(out);
    return 0;
}

int file_read(const char *path, size_t limit, struct sbuf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = file_read_fd(fd, limit, out, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

int file_read_regular(const char *path, size_t limit, struct sbuf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    if (fstat(fd, &st) != 0)
        rc = err_errno(e, "stat");
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_INVALID, "not a regular file");
    else
        rc = file_read_fd(fd, limit, out, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

int file_sync_dir(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = fsync(fd);
    if (rc != 0)
        err_errno(e, "%s: fsync", path);
    close(fd);
    return rc;
}

static int make_directory(const char *path, mode_t mode, struct err *e)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return err_errno(e, "mkdir %s", path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return err_set(e, ERR_EXISTS, "mkdir %s: something else has that name", path);
}

int file_mkdirs(const char *path, mode_t mode, struct err *e)
{
    char partial[PATH_MAX];
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(partial))
        return err_set(e, ERR_INVALID, "directory name of %zu bytes", n);
    memcpy(partial, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (partial[i] != '/' && partial[i] != '\0')
            continue;
        partial[i] = '\0';
        if (make_directory(partial, mode, e) != 0)
            return -1;
        partial[i] = i == n ? '\0' : '/';
    }
    return 0;
}

/* Who may read a file must not change because somebody else has edited it. */
static int keep_owner(int fd, const struct stat *old, struct err *e)
{
    struct stat made;

    if (fstat(fd, &made) != 0)
        return err_errno(e, "stat");
    if (made.st_uid == old->st_uid && made.st_gid == old->st_gid)
        return 0;
    if (fchown(fd, old->st_uid, old->st_gid) == 0)
        return 0;
    if (errno != EPERM)
        return err_errno(e, "keep owner");
    return err_set(e, ERR_DENIED, "it belongs to user %u, group %u, which only they or root can keep; edit it as one",
                   (unsigned)old->st_uid, (unsigned)old->st_gid);
}

/* A way to replace a file. */
struct manner {
    mode_t mode; /* of a new file */
    bool secret;
    bool narrowed; /* set when a secret had been readable by everybody */
};

/* Write and fsync the temporary file, with the owner and mode of the file it will replace. */
static int fill_replacement(int fd, const char *path, struct str bytes, struct manner *manner, struct err *e)
{
    struct stat old;

    if (stat(path, &old) == 0) {
        manner->narrowed = manner->secret && (old.st_mode & 07) != 0;
        if (keep_owner(fd, &old, e) != 0)
            return -1;
        if (fchmod(fd, manner->narrowed ? 0600 : old.st_mode & 07777) != 0)
            return err_errno(e, "keep mode");
    }
    if (file_write(fd, bytes.p, bytes.n, e) != 0)
        return -1;
    return fsync(fd) == 0 ? 0 : err_errno(e, "fsync");
}

static int replace(const char *path, struct str bytes, struct manner *manner, struct err *e)
{
    char temporary[PATH_MAX];
    char directory[PATH_MAX];
    char random[17];
    const char *slash = strrchr(path, '/');
    int fd, rc;

    rnd_hex(random, 16);
    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.tmp.%s", path, random) >= sizeof(temporary))
        return err_set(e, ERR_INVALID, "%s: name too long", path);
    snprintf(directory, sizeof(directory), "%.*s",
             slash == NULL   ? 1
             : slash == path ? 1
                             : (int)(slash - path),
             slash == NULL ? "." : path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, manner->mode);
    if (fd < 0)
        return err_errno(e, "%s", temporary);
    rc = fill_replacement(fd, path, bytes, manner, e);
    close(fd);
    if (rc == 0 && rename(temporary, path) != 0)
        rc = err_errno(e, "rename");
    if (rc != 0) {
        unlink(temporary);
        return err_wrap(e, "%s", path);
    }
    return file_sync_dir(directory, e);
}

int file_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
{
    return replace(path, (struct str){bytes, n}, &(struct manner){.mode = mode}, e);
}

int file_replace_secret(const char *path, const void *bytes, size_t n, bool *narrowed, struct err *e)
{
    struct manner manner = {.mode = 0600, .secret = true};
    int rc = replace(path, (struct str){bytes, n}, &manner, e);

    if (narrowed != NULL)
        *narrowed = rc == 0 && manner.narrowed;
    return rc;
}

/* A lock file that was just made: for those who may write what it is for, and nobody else, since who can open it can
 * keep others waiting. Where the group cannot be had it stays with its maker, and open_lock() tells the next one. */
static void share_lock(int fd, const char *path)
{
    struct stat st;
    mode_t write;

    if (stat(path, &st) != 0)
        return;
    write = st.st_mode & 0022;
    if (fchown(fd, geteuid() == 0 ? st.st_uid : (uid_t)-1, st.st_gid) == 0)
        (void)fchmod(fd, 0600 | write | write << 1);
}

static int open_lock(const char *path, const char *name, struct err *e)
{
    int fd = -1;

    errno = EEXIST;
    for (int i = 0; i < LOCK_TRIES && fd < 0 && (errno == EEXIST || errno == ENOENT); i++) {
        fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0)
            share_lock(fd, path);
        else if (errno == EEXIST)
            fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW); /* unless it is gone again: once more */
    }
    if (fd >= 0)
        return fd;
    if (errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "%s: its directory does not exist; make that first", path);
    if (errno == EACCES && access(name, F_OK) == 0)
        return err_set(e, ERR_DENIED, "%s: no permission to write it; give it the owner, group and mode of %s", name,
                       path);
    return err_errno(e, "%s", name);
}

int file_lock(const char *path, struct err *e)
{
    uint64_t give_up = clock_monotonic_ms() + LOCK_WAIT_MS;
    char name[PATH_MAX];
    int fd;

    if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name))
        return err_set(e, ERR_INVALID, "%s: name too long", path);
    fd = open_lock(path, name, e);
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool held = errno == EWOULDBLOCK || errno == EINTR;

        if (held && clock_monotonic_ms() <= give_up) {
            usleep(LOCK_STEP_US);
            continue;
        }
        if (held)
            err_set(e, ERR_BUSY, "%s: another program has been editing it for ten seconds; try again", path);
        else
            err_errno(e, "%s: lock", path);
        close(fd);
        fd = -1;
    }
    return fd;
}
