#include "registry/process/service_manager.h"

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
#include "registry/base/str.h"

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

void service_alive(void)
{
    say("WATCHDOG=1");
}

/* A number from the environment; false when it is none. */
static bool take(const char *name, uint64_t *out)
{
    const char *text = getenv(name);

    return text != NULL && str_to_u64(str_of(text), out);
}

uint64_t service_watchdog_ms(void)
{
    uint64_t usec, pid;

    /* sd_watchdog_enabled(3): with WATCHDOG_PID it is meant for that process alone. */
    if (getenv("WATCHDOG_PID") != NULL && (!take("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
        return 0;
    return take("WATCHDOG_USEC", &usec) ? usec / 1000 : 0;
}

void service_extends(unsigned seconds)
{
    char text[64];

    snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%llu", seconds * 1000000ULL);
    say(text);
}
