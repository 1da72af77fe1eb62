#include "tools/certificate/probe_connect.h"

#include <netdb.h>

/* base */
#include "registry/base/connect.h"

int connect_to_host(const char *host, const char *port, uint64_t deadline, char *address, size_t room, struct err *e)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, port, &hints, &found), fd = -1;

    if (rc != 0)
        return err_set(e, rc == EAI_NONAME ? ERR_NOT_FOUND : ERR_IO, "%s: %s", host, gai_strerror(rc));
    for (const struct addrinfo *to = found; to != NULL && fd < 0; to = to->ai_next) {
        if (getnameinfo(to->ai_addr, to->ai_addrlen, address, (socklen_t)room, NULL, 0, NI_NUMERICHOST) != 0)
            address[0] = '\0';
        fd = connect_before(to->ai_family, to->ai_addr, to->ai_addrlen, deadline, e);
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd : err_wrap(e, "%s port %s", host, port);
}
