#include "registry/base/connect.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "registry/base/clock.h"

int wait_before(int fd, short events, uint64_t deadline_ms, struct err *e)
{
    struct pollfd waited = {.fd = fd, .events = events};

    for (;;) {
        uint64_t now_ms = clock_monotonic_ms();
        int rc = poll(&waited, 1, now_ms >= deadline_ms ? 0 : (int)(deadline_ms - now_ms));

        if (rc > 0)
            return 0;
        if (rc == 0)
            return err_set(e, ERR_BUSY, "no answer in time");
        if (errno != EINTR)
            return err_errno(e, "poll");
    }
}

static int finish(int fd, uint64_t deadline_ms, struct err *e)
{
    socklen_t size = sizeof(int);
    int result = 0;

    if (wait_before(fd, POLLOUT, deadline_ms, e) != 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0)
        return err_errno(e, "connect");
    errno = result;
    return result == 0 ? 0 : err_errno(e, "connect");
}

int connect_before(int family, const struct sockaddr *to, socklen_t size, uint64_t deadline_ms, struct err *e)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(e, "socket");
    if (connect(fd, to, size) == 0)
        return fd;
    /* A Unix socket whose backlog is full says EAGAIN at once: whoever should accept does not. */
    if (family == AF_UNIX && errno == EAGAIN)
        err_set(e, ERR_BUSY, "nobody accepts connections");
    else if ((errno == EINPROGRESS ? finish(fd, deadline_ms, e) : err_errno(e, "connect")) == 0)
        return fd;
    close(fd);
    return -1;
}
