#include "registry/net/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int port_of(const struct sockets *s, size_t i)
{
    struct sockaddr_in address = {0};
    socklen_t n = sizeof(address);

    return getsockname(s->fds[i], (struct sockaddr *)&address, &n) == 0 ? ntohs(address.sin_port) : -1;
}

TEST(local, "only loopback addresses and paths are local")
{
    static const struct {
        const char *addr;
        bool local;
    } cases[] = {{"127.0.0.1:0", true}, {"127.8.9.10:0", true}, {"[::1]:0", true},
                 {":0", false},         {"0.0.0.0:0", false},   {"[::]:0", false}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockets s = {0};
        struct err e;

        if (sockets_open_tcp(&s, "http.addr", cases[i].addr, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].addr, e.text);
        if (sockets_are_local(&s) != cases[i].local)
            test_fail(__FILE__, __LINE__, "%s is taken for %s", cases[i].addr, cases[i].local ? "public" : "local");
        CHECK(fcntl(s.fds[0], F_GETFL) & O_NONBLOCK);
        CHECK(fcntl(s.fds[0], F_GETFD) & FD_CLOEXEC);
        sockets_close(&s);
    }
}

TEST(errors, "an address that cannot be is refused with its key and what to write")
{
    static const struct {
        const char *addr, *text;
    } cases[] = {
        {"5000", "http.debug.addr: no port; write host:port, or :5000 for every address of this machine"},
        {"192.0.2.77:0", "listen on 192.0.2.77:0: Cannot assign requested address; this machine has no such address: "
                         "choose another http.debug.addr"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockets s = {0};
        struct err e = {0};

        CHECK_INT(sockets_open_tcp(&s, "http.debug.addr", cases[i].addr, &e), -1);
        CHECK_TEXT(e.text, cases[i].text);
        sockets_close(&s);
    }
}

TEST(taken, "an address in use is said to be, with the key to change")
{
    struct sockets first = {0}, second = {0};
    struct err e = {0};
    char addr[40], wanted[200];

    CHECK_INT(sockets_open_tcp(&first, "http.addr", "127.0.0.1:0", &e), 0);
    CHECK_INT(sockets_listen(&first, "http.addr", "127.0.0.1:0", &e), 0);
    snprintf(addr, sizeof(addr), "127.0.0.1:%d", port_of(&first, 0));
    CHECK_INT(sockets_open_tcp(&second, "http.acme.addr", addr, &e), -1);
    snprintf(wanted, sizeof(wanted),
             "listen on %s: Address already in use; another program listens there: stop it or choose another "
             "http.acme.addr",
             addr);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(second.count, 0);
    sockets_close(&second);
    sockets_close(&first);
}

TEST(unix_path, "a Unix socket replaces one that nobody answers, never one that somebody does, and goes at the end")
{
    struct sockets first = {0}, second = {0}, third = {0};
    struct stat st;
    struct err e = {0};

    CHECK_INT(chdir(test_dir()), 0);
    CHECK_INT(sockets_open_unix(&first, "http.addr", "s", &e), 0);
    CHECK_INT(sockets_listen(&first, "http.addr", "s", &e), 0);
    CHECK(sockets_are_local(&first));
    CHECK_INT(sockets_open_unix(&second, "http.addr", "s", &e), -1);
    CHECK_TEXT(e.text, "listen on s: Address already in use; another program listens there: stop it or choose another "
                       "http.addr");
    sockets_close(&second);
    CHECK_INT(lstat("s", &st), 0);
    close(first.fds[0]); /* killed: the file stays */
    first.count = 0;
    CHECK_INT(sockets_open_unix(&third, "http.addr", "s", &e), 0);
    sockets_close(&third);
    CHECK_INT(lstat("s", &st), -1);
    free(first.unix_path);
}

/* What systemd does: the socket is number 3 of the process that the variables name. */
static int inherit_in_child(const char *count)
{
    struct sockets s = {0};
    struct err e = {0};
    char pid[20];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    if (dup2(fd, 3) != 3 || sockets_inherit(&s, &e) != 0)
        return 1;
    if (s.count != 1 || s.fds[0] != 3 || (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 || (fcntl(3, F_GETFL) & O_NONBLOCK) == 0)
        return 2;
    return getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL ? 0 : 3;
}

static int status_of_child(const char *count)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(inherit_in_child(count));
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(inherited, "sockets from systemd are taken, once; a number that is none of ours is an error")
{
    CHECK_INT(status_of_child("1"), 0);
    CHECK_INT(status_of_child("900"), 1);
    CHECK_INT(status_of_child("x"), 2);
}

TEST(not_ours, "sockets meant for another process are not taken")
{
    struct sockets s = {0};
    struct err e;

    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    CHECK_INT(sockets_inherit(&s, &e), 0);
    CHECK_INT(s.count, 0);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
}
