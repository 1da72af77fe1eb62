#include "registry/process/service_manager.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/str.h"
#include "registry/process/watchdog.h"
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
    service_extends(90);
    CHECK_TEXT(heard(fd), "EXTEND_TIMEOUT_USEC=90000000");
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

TEST(watchdog_time, "the watchdog's time is for the process that it names, and a number")
{
    static const struct {
        const char *usec, *pid; /* "self": this process */
        uint64_t ms;
    } cases[] = {
        {"60000000", NULL, 60000}, {"60000000", "self", 60000},
        {"60000000", "1", 0},      {"60000000", "x", 0},
        {"60s", NULL, 0},          {"", NULL, 0},
        {NULL, "self", 0},
    };
    char self[20];

    snprintf(self, sizeof(self), "%ld", (long)getpid());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *pid = cases[i].pid;

        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (cases[i].usec != NULL)
            setenv("WATCHDOG_USEC", cases[i].usec, 1);
        if (pid != NULL)
            setenv("WATCHDOG_PID", strcmp(pid, "self") == 0 ? self : pid, 1);
        if (service_watchdog_ms() != cases[i].ms)
            test_fail(__FILE__, __LINE__, "case %zu: %llu", i, (unsigned long long)service_watchdog_ms());
    }
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

TEST(watchdog, "the watchdog hears that we live while every loop turns, and not otherwise")
{
    static struct loop loops[2];
    struct watchdog *watchdog;
    char name[100];
    int fd;

    snprintf(name, sizeof(name), "@berth-watchdog-%ld", (long)getpid());
    fd = listen_at(name);
    setenv("WATCHDOG_USEC", "8000000", 1);
    watchdog = watchdog_new(loops, 2, 10000);
    CHECK(watchdog != NULL);
    loop_lag_note(&loops[0].lag, 1);
    loop_lag_note(&loops[1].lag, 1);
    watchdog_look(watchdog, 11000);
    CHECK_TEXT(heard(fd), ""); /* it is early */
    watchdog_look(watchdog, 12000);
    CHECK_TEXT(heard(fd), "WATCHDOG=1");
    loop_lag_note(&loops[0].lag, 1);
    watchdog_look(watchdog, 14000);
    watchdog_look(watchdog, 17000);
    CHECK_TEXT(heard(fd), ""); /* the other one hangs */
    loop_lag_note(&loops[1].lag, 5000);
    watchdog_look(watchdog, 17500);
    CHECK_TEXT(heard(fd), "WATCHDOG=1");
    watchdog_free(&watchdog);
    CHECK(watchdog == NULL);
    unsetenv("WATCHDOG_USEC");
    CHECK(watchdog_new(loops, 2, 0) == NULL);
    watchdog_look(NULL, 0);
    close(fd);
}
