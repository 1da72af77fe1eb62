#include "registry/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/rnd.h"

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

/* Write and fsync the temporary file, with the owner and mode of the file it will replace. */
static int fill_replacement(int fd, const char *path, const void *bytes, size_t n, struct err *e)
{
    struct stat old;

    if (stat(path, &old) == 0) {
        if (fchmod(fd, old.st_mode & 07777) != 0)
            return err_errno(e, "keep mode");
        if (fchown(fd, old.st_uid, old.st_gid) != 0 && geteuid() == 0)
            return err_errno(e, "keep owner");
    }
    if (file_write(fd, bytes, n, e) != 0)
        return -1;
    return fsync(fd) == 0 ? 0 : err_errno(e, "fsync");
}

int file_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
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
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(e, "%s", temporary);
    rc = fill_replacement(fd, path, bytes, n, e);
    close(fd);
    if (rc == 0 && rename(temporary, path) != 0)
        rc = err_errno(e, "rename");
    if (rc != 0) {
        unlink(temporary);
        return err_wrap(e, "%s", path);
    }
    return file_sync_dir(directory, e);
}
