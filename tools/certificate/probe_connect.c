#include "tools/certificate/probe_connect.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"

int wait_before(int fd, short events, uint64_t deadline, struct err *e)
{
    struct pollfd waited = {.fd = fd, .events = events};

    for (;;) {
        uint64_t now = clock_monotonic_ms();
        int rc = poll(&waited, 1, now >= deadline ? 0 : (int)(deadline - now));

        if (rc > 0)
            return 0;
        if (rc == 0)
            return err_set(e, ERR_BUSY, "no answer in time");
        if (errno != EINTR)
            return err_errno(e, "poll");
    }
}

static int finish(int fd, uint64_t deadline, struct err *e)
{
    socklen_t size = sizeof(int);
    int result = 0;

    if (wait_before(fd, POLLOUT, deadline, e) != 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0)
        return err_errno(e, "connect");
    if (result == 0)
        return 0;
    errno = result;
    return err_errno(e, "connect");
}

static int connect_one(const struct addrinfo *to, uint64_t deadline, struct err *e)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(e, "socket");
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return fd;
    if ((errno == EINPROGRESS ? finish(fd, deadline, e) : err_errno(e, "connect")) == 0)
        return fd;
    close(fd);
    return -1;
}

int connect_before(const char *host, const char *port, uint64_t deadline, char *address, size_t room, struct err *e)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, port, &hints, &found), fd = -1;

    if (rc != 0)
        return err_set(e, rc == EAI_NONAME ? ERR_NOT_FOUND : ERR_IO, "%s: %s", host, gai_strerror(rc));
    for (const struct addrinfo *to = found; to != NULL && fd < 0; to = to->ai_next) {
        if (getnameinfo(to->ai_addr, to->ai_addrlen, address, (socklen_t)room, NULL, 0, NI_NUMERICHOST) != 0)
            address[0] = '\0';
        fd = connect_one(to, deadline, e);
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd : err_wrap(e, "%s port %s", host, port);
}
