#include "registry/health/reach.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "registry/base/connect.h"

int reach_tcp(struct str host, struct str port, uint64_t deadline_ms, struct err *e)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    char *name = host.n == 0 ? NULL : str_dup(host), *number = str_dup(port);
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(name, number, &hints, &found), fd = -1;

    if (rc != 0)
        err_set(e, ERR_NOT_FOUND, "%s", gai_strerror(rc));
    for (const struct addrinfo *a = found; rc == 0 && a != NULL && fd < 0; a = a->ai_next)
        fd = connect_before(a->ai_family, a->ai_addr, a->ai_addrlen, deadline_ms, e);
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
    fd = connect_before(AF_UNIX, (const struct sockaddr *)&address, sizeof(address), deadline_ms, e);
    return fd >= 0 ? fd : err_wrap(e, "%s", path);
}
