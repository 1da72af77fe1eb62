#include "registry/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"

/* "/path", or "@name" in the abstract name space, which begins with a NUL and is not terminated by one. */
static socklen_t address_of(const char *name, struct sockaddr_un *out)
{
    size_t n = strlen(name);

    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(out->sun_path))
        return 0;
    memcpy(out->sun_path, name, n);
    if (name[0] == '@')
        out->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
}

static void say(const char *text)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t n;
    int fd;

    if (name == NULL || name[0] == '\0')
        return;
    n = address_of(name, &address);
    if (n == 0) {
        log_warn("NOTIFY_SOCKET=%s: not a path and not an abstract name", name);
        return;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, n) < 0)
        log_warn("NOTIFY_SOCKET=%s: %s", name, strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
}

void service_ready(void)
{
    say("READY=1");
}

void service_reloading(void)
{
    char text[64];

    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_monotonic_ms() * 1000);
    say(text);
}

void service_stopping(void)
{
    say("STOPPING=1");
}
