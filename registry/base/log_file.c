#include "registry/base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_FILE_MODE = 0640 };

struct log_file {
    const char *key;
    char *path;
    pthread_mutex_t lock; /* guards what follows: a file is not closed while somebody writes to it */
    int fd;
    struct stat st; /* which file it is */
};

/* ---- opening ---- */

static int open_failed(const struct log_file *file, struct err *e)
{
    const char *remedy = errno == ELOOP ? "it is a link; name the file itself, or leave the key out for the standard "
                                          "output or error"
                         : errno == ENOENT ? "make its directory"
                         : errno == EACCES ? "let the server's user write there, or name another file"
                         : errno == EROFS  ? "the server may not write there; name another file, or allow it "
                                             "(ReadWritePaths= of a unit)"
                                           : NULL;
    struct err cause;

    err_errno(&cause, "%s: %s", file->key, file->path);
    return remedy == NULL ? err_set(e, cause.code, "%s", cause.text)
                          : err_set(e, cause.code, "%s; %s", cause.text, remedy);
}

/* The umask of a server takes the group's right away. */
static int make(const char *path, int flags)
{
    int fd = open(path, flags | O_CREAT | O_EXCL, LOG_FILE_MODE);

    if (fd >= 0 && fchmod(fd, LOG_FILE_MODE) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Non-blocking: a pipe that nobody reads must not stop us before it is refused. */
static int open_name(const struct log_file *file, struct stat *st, struct err *e)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(file->path, flags);

    if (fd < 0 && errno == ENOENT)
        fd = make(file->path, flags);
    if (fd < 0 && errno == EEXIST) /* made by somebody else meanwhile */
        fd = open(file->path, flags);
    if (fd < 0)
        return open_failed(file, e);
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    return err_set(e, ERR_INVALID, "%s: %s: not a regular file; name one, or leave the key out", file->key, file->path);
}

struct log_file *log_file_open(const char *key, const char *path, struct err *e)
{
    struct log_file *file = xcalloc(1, sizeof(*file));

    file->key = key;
    file->path = str_dup(str_of(path));
    pthread_mutex_init(&file->lock, NULL);
    file->fd = open_name(file, &file->st, e);
    if (file->fd < 0)
        log_file_close(&file);
    return file;
}

void log_file_close(struct log_file **file)
{
    struct log_file *f = *file;

    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    pthread_mutex_destroy(&f->lock);
    free(f->path);
    free(f);
    *file = NULL;
}

int log_file_follow(struct log_file *file, bool force, struct err *e)
{
    struct stat now, fresh;
    bool same;
    int old, fd;

    pthread_mutex_lock(&file->lock);
    same = lstat(file->path, &now) == 0 && now.st_ino == file->st.st_ino && now.st_dev == file->st.st_dev;
    pthread_mutex_unlock(&file->lock);
    if (same && !force)
        return 0;
    fd = open_name(file, &fresh, e);
    if (fd < 0)
        return -1;
    pthread_mutex_lock(&file->lock);
    old = file->fd;
    file->fd = fd;
    file->st = fresh;
    pthread_mutex_unlock(&file->lock);
    close(old);
    return 1;
}

/* ---- appending ---- */

static size_t count_lines(struct str lines)
{
    size_t n = 0;

    for (; lines.n > 0; lines = str_from(lines, str_find(lines, '\n') + 1))
        n++;
    return n;
}

/* How much of `written` bytes are whole lines. */
static size_t whole_lines(const char *lines, size_t written)
{
    while (written > 0 && lines[written - 1] != '\n')
        written--;
    return written;
}

/* Part of a line went in before the disk was full: take it out again. Under the lock. */
static void take_back(const struct log_file *file, size_t n)
{
    struct stat st;

    if (n == 0 || fstat(file->fd, &st) != 0 || st.st_size < (off_t)n)
        return;
    /* That fails where only appending is allowed (chattr +a): then a torn line stays. */
    if (ftruncate(file->fd, st.st_size - (off_t)n) != 0)
        return;
}

size_t log_file_append(struct log_file *file, struct str lines, struct err *e)
{
    size_t done = 0, whole;

    pthread_mutex_lock(&file->lock);
    while (done < lines.n) {
        ssize_t n = write(file->fd, lines.p + done, lines.n - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done < lines.n)
        err_errno(e, "%s: %s", file->key, file->path);
    whole = whole_lines(lines.p, done);
    take_back(file, done - whole);
    pthread_mutex_unlock(&file->lock);
    return count_lines(str_from(lines, whole));
}
