/*
 * The calls themselves: each finds out whether it concerns CRASH_ROOT or a socket, passes call_enter(), is made by the C
 * library, and passes call_leave(). What they promise is in the manual pages of the calls.
 */
#include "tests/crash/shim.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* The C library calls its parameters by names that are reserved for it.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

/* ---- opening ---- */

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* Does the call count? Fills it in, and sees what opening is going to do. */
static bool is_open_below(struct call *call, int dir, const char *name, int flags)
{
    bool there;

    *call = (struct call){.fd = -1};
    path_at(dir, name, call->path);
    if (!below_root(call->path))
        return false;
    there = exists(call->path);
    call->created = !there && (flags & O_CREAT) != 0;
    call->truncated = there && (flags & O_TRUNC) != 0;
    call->kind = call->created || call->truncated ? CALL_CREATE : CALL_OPEN;
    return true;
}

static const char *other_boot(const char *name)
{
    const char *instead = getenv("CRASH_BOOT");

    return instead != NULL && strcmp(name, "/proc/sys/kernel/random/boot_id") == 0 ? instead : name;
}

static int open_counted(int dir, const char *name, int flags, mode_t mode)
{
    NEXT(openat);
    struct call call;

    if (!is_open_below(&call, dir, name, flags))
        return next(dir, other_boot(name), flags, mode);
    return call_enter(&call) != 0 ? -1 : (int)call_leave(&call, next(dir, name, flags, mode));
}

/* The mode is there only with O_CREAT or O_TMPFILE; reading it without is harmless on the machines this runs on. */
#define WITH_MODE(after)         \
    va_list more;                \
    mode_t mode;                 \
    va_start(more, after);       \
    mode = va_arg(more, mode_t); \
    va_end(more)

int open(const char *name, int flags, ...)
{
    WITH_MODE(flags);
    return open_counted(AT_FDCWD, name, flags, mode);
}

int openat(int dir, const char *name, int flags, ...)
{
    WITH_MODE(flags);
    return open_counted(dir, name, flags, mode);
}

int creat(const char *name, mode_t mode)
{
    return open_counted(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* What <fcntl.h> makes of open() in programs built with _FORTIFY_SOURCE. */
int __open_2(const char *name, int flags);
int __openat_2(int dir, const char *name, int flags);
int __open64_2(const char *name, int flags);
int __openat64_2(int dir, const char *name, int flags);

int __open_2(const char *name, int flags)
{
    return open_counted(AT_FDCWD, name, flags, 0);
}

int __openat_2(int dir, const char *name, int flags)
{
    return open_counted(dir, name, flags, 0);
}

/* "/proc/self/fd/7/control" is "control" in the directory 7, which is how long names are made short enough. */
static const char *name_in_directory(const char *name, int *dir)
{
    static const char by_descriptor[] = "/proc/self/fd/";
    char *rest;

    *dir = AT_FDCWD;
    if (strncmp(name, by_descriptor, sizeof(by_descriptor) - 1) != 0)
        return name;
    *dir = (int)strtol(name + sizeof(by_descriptor) - 1, &rest, 10);
    return *rest == '/' ? rest + 1 : name;
}

/* A local socket is made by giving it a name. */
int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    NEXT(bind);
    struct call call;
    const char *name;
    int dir;

    if (address->sa_family != AF_UNIX)
        return next(fd, address, length);
    name = name_in_directory(((const struct sockaddr_un *)(const void *)address)->sun_path, &dir);
    if (!is_open_below(&call, dir, name, O_CREAT))
        return next(fd, address, length);
    return call_enter(&call) != 0 ? -1 : (int)call_leave(&call, next(fd, address, length));
}

/* Blobs are opened by openat2, which the C library does not know; any other number is let through. */
long syscall(long number, ...)
{
    NEXT(syscall);
    struct call call;
    va_list more;
    long a[6];

    va_start(more, number);
    for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
        a[i] = va_arg(more, long);
    va_end(more);
    if (number != SYS_openat2 ||
        !is_open_below(&call, (int)a[0], (const char *)a[1], (int)((const struct open_how *)a[2])->flags))
        return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return call_enter(&call) != 0 ? -1 : (long)call_leave(&call, next(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* ---- writing and sending ---- */

/* A file below the root, or a socket? Where the write goes is the caller's to fill in. */
static bool is_written(struct call *call, int fd)
{
    *call = (struct call){.fd = fd};
    fd_path(fd, call->path);
    call->kind = strncmp(call->path, "socket:", 7) == 0 ? CALL_SEND : CALL_WRITE;
    return call->kind == CALL_SEND || below_root(call->path);
}

static size_t total_of(const struct iovec *spans, int n)
{
    size_t total = 0;

    for (int i = 0; i < n; i++)
        total += spans[i].iov_len;
    return total;
}

/* The first half of the spans: one span is what it takes here. */
static struct iovec half_of(const struct iovec *spans, int n)
{
    size_t half = total_of(spans, n) / 2;

    return (struct iovec){spans[0].iov_base, half < spans[0].iov_len ? half : spans[0].iov_len};
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    NEXT(write);
    struct iovec span = {(void *)(uintptr_t)bytes, n};
    struct call call;

    if (!is_written(&call, fd))
        return next(fd, bytes, n);
    call.offset = call.kind == CALL_WRITE ? lseek(fd, 0, SEEK_CUR) : 0;
    call.spans = &span;
    call.span_count = 1;
    if (call_enter(&call) != 0)
        return -1;
    return call_leave(&call, next(fd, bytes, call_shortened(&call) ? n / 2 : n));
}

ssize_t writev(int fd, const struct iovec *spans, int n)
{
    NEXT(writev);
    struct call call;
    struct iovec half;

    if (n <= 0 || !is_written(&call, fd))
        return next(fd, spans, n);
    call.offset = call.kind == CALL_WRITE ? lseek(fd, 0, SEEK_CUR) : 0;
    call.spans = spans;
    call.span_count = n;
    half = half_of(spans, n);
    if (call_enter(&call) != 0)
        return -1;
    return call_leave(&call, call_shortened(&call) ? next(fd, &half, 1) : next(fd, spans, n));
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    NEXT(pwrite);
    struct iovec span = {(void *)(uintptr_t)bytes, n};
    struct call call;

    if (!is_written(&call, fd))
        return next(fd, bytes, n, offset);
    call.offset = offset;
    call.spans = &span;
    call.span_count = 1;
    if (call_enter(&call) != 0)
        return -1;
    return call_leave(&call, next(fd, bytes, call_shortened(&call) ? n / 2 : n, offset));
}

ssize_t pwritev(int fd, const struct iovec *spans, int n, off_t offset)
{
    NEXT(pwritev);
    struct call call;
    struct iovec half;

    if (n <= 0 || !is_written(&call, fd))
        return next(fd, spans, n, offset);
    call.offset = offset;
    call.spans = spans;
    call.span_count = n;
    half = half_of(spans, n);
    if (call_enter(&call) != 0)
        return -1;
    return call_leave(&call, call_shortened(&call) ? next(fd, &half, 1, offset) : next(fd, spans, n, offset));
}

ssize_t pwritev2(int fd, const struct iovec *spans, int n, off_t offset, int flags)
{
    NEXT(pwritev2);
    struct call call;

    if (n <= 0 || !is_written(&call, fd))
        return next(fd, spans, n, offset, flags);
    call.offset = offset;
    call.spans = spans;
    call.span_count = n;
    return call_enter(&call) != 0 ? -1 : call_leave(&call, next(fd, spans, n, offset, flags));
}

/* A call on a descriptor that counts when that is a file below the root, or a socket. */
#define ON_WRITTEN(name, fd_of, ...) \
    NEXT(name);                      \
    struct call call;                \
    if (!is_written(&call, fd_of))   \
        return next(__VA_ARGS__);    \
    return call_enter(&call) != 0 ? -1 : call_leave(&call, next(__VA_ARGS__))

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    ON_WRITTEN(send, fd, fd, bytes, n, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to, socklen_t to_length)
{
    ON_WRITTEN(sendto, fd, fd, bytes, n, flags, to, to_length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ON_WRITTEN(sendmsg, fd, fd, message, flags);
}

/* These two write to files without the program ever seeing the bytes. Berth uses them to send only, so a record of what
 * they write to a file would be a hole: say so. */
static void refuse_to_guess(int fd, const char *name)
{
    char path[PATH_MAX];

    fd_path(fd, path);
    if (!record_wanted() || !below_root(path))
        return;
    dprintf(STDERR_FILENO, "shim: %s writes to %s, which cannot be recorded\n", name, path);
    abort();
}

ssize_t sendfile(int to, int from, off_t *offset, size_t n)
{
    refuse_to_guess(to, "sendfile");
    ON_WRITTEN(sendfile, to, to, from, offset, n);
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t n, unsigned flags)
{
    refuse_to_guess(to, "copy_file_range");
    ON_WRITTEN(copy_file_range, to, from, from_offset, to, to_offset, n, flags);
}

/* ---- the other calls on descriptors ---- */

/* The same for a file below the root only. */
#define ON_FILE(name, what, where, ...)                   \
    NEXT(name);                                           \
    struct call call;                                     \
    if (!is_written(&call, fd) || call.kind == CALL_SEND) \
        return next(__VA_ARGS__);                         \
    call.kind = what;                                     \
    call.offset = where;                                  \
    return call_enter(&call) != 0 ? -1 : (int)call_leave(&call, next(__VA_ARGS__))

int ftruncate(int fd, off_t length)
{
    ON_FILE(ftruncate, CALL_TRUNCATE, length, fd, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    ON_FILE(fallocate, CALL_TRUNCATE, offset + length, fd, mode, offset, length);
}

int fsync(int fd)
{
    ON_FILE(fsync, CALL_SYNC, 0, fd);
}

int fdatasync(int fd)
{
    ON_FILE(fdatasync, CALL_SYNC, 0, fd);
}

int sync_file_range(int fd, off64_t offset, off64_t n, unsigned flags)
{
    ON_FILE(sync_file_range, CALL_HINT, offset, fd, offset, n, flags);
}

int fchmod(int fd, mode_t mode)
{
    ON_FILE(fchmod, CALL_ATTRIBUTES, 0, fd, mode);
}

int fchown(int fd, uid_t user, gid_t group)
{
    ON_FILE(fchown, CALL_ATTRIBUTES, 0, fd, user, group);
}

int futimens(int fd, const struct timespec times[2])
{
    ON_FILE(futimens, CALL_ATTRIBUTES, 0, fd, times);
}

/* ---- the same by the names they have for files over 2 GiB, where that is a choice ---- */

#define SAME_AS(name) __attribute__((alias(#name)))

int open64(const char *name, int flags, ...) SAME_AS(open);
int openat64(int dir, const char *name, int flags, ...) SAME_AS(openat);
int creat64(const char *name, mode_t mode) SAME_AS(creat);
int __open64_2(const char *name, int flags) SAME_AS(__open_2);
int __openat64_2(int dir, const char *name, int flags) SAME_AS(__openat_2);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset) SAME_AS(pwrite);
ssize_t pwritev64(int fd, const struct iovec *spans, int n, off64_t offset) SAME_AS(pwritev);
ssize_t pwritev64v2(int fd, const struct iovec *spans, int n, off64_t offset, int flags) SAME_AS(pwritev2);
int ftruncate64(int fd, off64_t length) SAME_AS(ftruncate);
int fallocate64(int fd, int mode, off64_t offset, off64_t length) SAME_AS(fallocate);
ssize_t sendfile64(int to, int from, off64_t *offset, size_t n) SAME_AS(sendfile);

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
