#include "registry/health/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/clock.h"

int reach_wait(int fd, short events, uint64_t deadline_ms, struct err *e)
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

    if (reach_wait(fd, POLLOUT, deadline_ms, e) != 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0)
        return err_errno(e, "connect");
    errno = result;
    return result == 0 ? 0 : err_errno(e, "connect");
}

static int reach(int family, const struct sockaddr *to, socklen_t size, uint64_t deadline_ms, struct err *e)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(e, "socket");
    if (connect(fd, to, size) == 0)
        return fd;
    /* A Unix socket whose backlog is full says EAGAIN at once: whoever should accept does not. */
    if (errno == EAGAIN)
        err_set(e, ERR_BUSY, "nobody accepts connections");
    else if ((errno == EINPROGRESS ? finish(fd, deadline_ms, e) : err_errno(e, "connect")) == 0)
        return fd;
    close(fd);
    return -1;
}

int reach_tcp(struct str host, struct str port, uint64_t deadline_ms, struct err *e)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    char *name = host.n == 0 ? NULL : str_dup(host), *number = str_dup(port);
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(name, number, &hints, &found), fd = -1;

    if (rc != 0)
        err_set(e, ERR_NOT_FOUND, "%s", gai_strerror(rc));
    for (const struct addrinfo *a = found; rc == 0 && a != NULL && fd < 0; a = a->ai_next)
        fd = reach(a->ai_family, a->ai_addr, a->ai_addrlen, deadline_ms, e);
    if (fd < 0)
        err_wrap(e, "%s port %s", name == NULL ? "this machine" : name, number);
    if (found != NULL)
        freeaddrinfo(found);
    free(number);
    free(name);
    return fd;
}

int reach_unix(const char *path, uint64_t deadline_ms, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return err_set(e, ERR_INVALID, "%s: longer than a socket's path can be", path);
    strcpy(address.sun_path, path);
    fd = reach(AF_UNIX, (const struct sockaddr *)&address, sizeof(address), deadline_ms, e);
    return fd >= 0 ? fd : err_wrap(e, "%s", path);
}
