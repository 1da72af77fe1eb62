#include "registry/service_manager.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/str.h"
#include "tests/unit/test.h"

/* A socket of the service manager's at `name`, which is put into the environment. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    size_t n = strlen(name);

    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    CHECK_INT(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
    CHECK_INT(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static const char *heard(int fd)
{
    static char text[200];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void hold_conversation(const char *name)
{
    int fd = listen_at(name);
    static const struct str reloading = STR("RELOADING=1\nMONOTONIC_USEC=");
    struct str line;
    uint64_t usec = 0;

    service_ready();
    CHECK_TEXT(heard(fd), "READY=1");
    service_reloading();
    line = str_of(heard(fd));
    CHECK(str_starts(line, reloading) && str_to_u64(str_from(line, reloading.n), &usec));
    CHECK(usec > 0);
    service_stopping();
    CHECK_TEXT(heard(fd), "STOPPING=1");
    CHECK_TEXT(heard(fd), "");
    close(fd);
}

TEST(path, "the service manager hears all of it on a socket in the file system")
{
    char name[100];

    snprintf(name, sizeof(name), "%s/notify", test_dir());
    hold_conversation(name);
}

TEST(abstract, "and on an abstract one")
{
    char name[100];

    snprintf(name, sizeof(name), "@berth-test-%ld", (long)getpid());
    hold_conversation(name);
}

TEST(nobody, "without a service manager, or with one that is gone, nothing happens")
{
    static const char *const names[] = {"", "/nonexistent/notify", "relative", "@", "/"};
    char long_name[200];

    unsetenv("NOTIFY_SOCKET");
    service_ready();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        service_ready();
    }
    memset(long_name, '/', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", long_name, 1);
    service_ready();
}
