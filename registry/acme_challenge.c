#include "registry/acme_challenge.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"

bool acme_challenge_path(struct str path, struct str *token)
{
    static const struct str prefix = STR("/.well-known/acme-challenge/");

    *token = str_from(path, prefix.n);
    return str_starts(path, prefix);
}

bool acme_token_valid(struct str token)
{
    return token.n > 0 && token.n <= ACME_TOKEN_MAX && str_has_only(token, STR("-_"));
}

/* Open `name` in the folder `at`, which is closed; -1 when either failed. A link is not followed: ELOOP, or ENOTDIR
 * where a folder is wanted. O_NONBLOCK: a FIFO without a writer would wait for one. */
static int descend(int at, const char *name, int flags)
{
    int fd = at < 0 ? -1 : openat(at, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int saved = errno;

    if (at >= 0)
        close(at);
    errno = saved;
    return fd;
}

static int open_failed(struct err *e)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return err_set(e, ERR_NOT_FOUND, "no such challenge");
    if (errno == ELOOP)
        return err_set(e, ERR_INVALID, "a symbolic link, which is not followed");
    if (errno == ENXIO) /* a socket, or a device that is not there */
        return err_set(e, ERR_INVALID, "not a regular file");
    return err_errno(e, "open");
}

static int check(int fd, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_errno(e, "stat");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "not a regular file");
    if (st.st_size > ACME_CHALLENGE_MAX)
        return err_set(e, ERR_TOO_LARGE, "larger than %d bytes", ACME_CHALLENGE_MAX);
    return 0;
}

int acme_challenge_read(const char *webroot, const char *token, struct sbuf *out, struct err *e)
{
    int fd = open(webroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc;

    fd = descend(fd, ".well-known", O_PATH | O_DIRECTORY);
    fd = descend(fd, "acme-challenge", O_PATH | O_DIRECTORY);
    fd = descend(fd, token, O_RDONLY);
    if (fd < 0) {
        open_failed(e);
    } else {
        rc = check(fd, e);
        if (rc == 0)
            rc = file_read_fd(fd, ACME_CHALLENGE_MAX, out, e); /* it may grow meanwhile */
        close(fd);
        if (rc == 0)
            return 0;
    }
    return err_wrap(e, "%s/.well-known/acme-challenge/%s", webroot, token);
}
