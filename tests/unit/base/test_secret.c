#include "registry/base/secret.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* Pipe `n` bytes into secret_read(). */
static int piped(const char *bytes, size_t n, char *out, size_t *length, struct err *e)
{
    int ends[2], rc;

    if (pipe(ends) != 0 || write(ends[1], bytes, n) != (ssize_t)n)
        test_fail(__FILE__, __LINE__, "pipe");
    close(ends[1]);
    rc = secret_read(ends[0], "password", out, length, e);
    close(ends[0]);
    return rc;
}

static const struct {
    const char *bytes;
    size_t n;
    const char *password; /* or NULL: refused */
    const char *error;
} cases[] = {
    {"secret", 6, "secret", NULL},
    {"secret\n", 7, "secret", NULL},
    {"secret\r\n", 8, "secret", NULL},
    {" with blanks \n", 14, " with blanks ", NULL},
    {"", 0, NULL, "the password is empty"},
    {"\n", 1, NULL, "the password is empty"},
    {"two\nlines\n", 10, NULL, "the password has a NUL byte or more than one line"},
    {"two\n\n", 5, NULL, "the password has a NUL byte or more than one line"},
    {"nul\0x", 5, NULL, "the password has a NUL byte or more than one line"},
};

TEST(from_pipe, "a piped password is one line, whatever ends it")
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[SECRET_ROOM];
        struct err e;
        size_t n;

        CHECK_INT(piped(cases[i].bytes, cases[i].n, out, &n, &e), cases[i].password == NULL ? -1 : 0);
        CHECK_TEXT(cases[i].password == NULL ? e.text : out,
                   cases[i].password == NULL ? cases[i].error : cases[i].password);
    }
}

TEST(noun, "texts call it what the caller does")
{
    char out[SECRET_ROOM];
    struct err e;
    size_t n;
    int fd = open("/dev/null", O_RDONLY);

    CHECK_INT(secret_read(fd, "passphrase", out, &n, &e), -1);
    CHECK_TEXT(e.text, "the passphrase is empty");
    close(fd);
}

TEST(long_pipe, "1024 bytes and their newline are read whole, one more is refused")
{
    char text[1100], out[SECRET_ROOM];
    struct err e;
    size_t n;

    memset(text, 'x', sizeof(text));
    text[1024] = '\n';
    CHECK_INT(piped(text, 1025, out, &n, &e), 0);
    CHECK_INT(n, 1024);
    text[1024] = 'x';
    CHECK_INT(piped(text, 1025, out, &n, &e), -1);
    CHECK_TEXT(e.text, "the password is longer than 1024 bytes");
    CHECK_INT(piped(text, sizeof(text), out, &n, &e), -1);
}

/* A person at a terminal: what the screen shows up to and including `until`. */
static void expect(int terminal, const char *until, char *screen, size_t room)
{
    size_t n = strlen(screen);

    while (strstr(screen, until) == NULL) {
        struct pollfd poll_for = {.fd = terminal, .events = POLLIN};
        ssize_t got = poll(&poll_for, 1, 10000) == 1 ? read(terminal, screen + n, room - n - 1) : 0;

        if (got <= 0)
            test_fail(__FILE__, __LINE__, "no \"%s\" on the screen, but \"%s\"", until, screen);
        n += (size_t)got;
        screen[n] = '\0';
    }
}

static pid_t start_asking(int *terminal)
{
    pid_t child = forkpty(terminal, NULL, NULL, NULL);

    if (child < 0)
        test_fail(__FILE__, __LINE__, "forkpty");
    if (child == 0) {
        char out[SECRET_ROOM];
        struct err e;
        size_t n;

        if (secret_ask("password", "alice", true, out, &n, &e) != 0)
            printf("error: %s.\n", e.text);
        else
            printf("length %zu, right: %d.\n", n, strcmp(out, "hush hush") == 0);
        fflush(stdout);
        _exit(0);
    }
    return child;
}

static void type(int terminal, const char *text)
{
    if (write(terminal, text, strlen(text)) != (ssize_t)strlen(text))
        test_fail(__FILE__, __LINE__, "cannot type");
}

TEST(typed, "a typed password is asked for twice and not shown")
{
    char screen[1024] = "";
    int terminal, status;
    pid_t child = start_asking(&terminal);

    expect(terminal, "Password for alice: ", screen, sizeof(screen));
    type(terminal, "hush hush\n");
    expect(terminal, "Once more: ", screen, sizeof(screen));
    type(terminal, "hush hush\n");
    expect(terminal, "right: 1.", screen, sizeof(screen));
    CHECK(strstr(screen, "hush") == NULL);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(terminal);
}

TEST(mistyped, "two passwords that differ are refused")
{
    char screen[1024] = "";
    int terminal, status;
    pid_t child = start_asking(&terminal);

    expect(terminal, "Password for alice: ", screen, sizeof(screen));
    type(terminal, "hush hush\n");
    expect(terminal, "Once more: ", screen, sizeof(screen));
    type(terminal, "hush hash\n");
    expect(terminal, "error: the two passwords differ.", screen, sizeof(screen));
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(terminal);
}

TEST(interrupted, "Ctrl-C ends the program with the echo switched on again")
{
    char screen[1024] = "";
    int terminal, status;
    struct termios state;
    pid_t child = start_asking(&terminal);

    expect(terminal, "Password for alice: ", screen, sizeof(screen));
    CHECK(tcgetattr(terminal, &state) == 0 && (state.c_lflag & ECHO) == 0);
    type(terminal, "hus\003");
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    CHECK(tcgetattr(terminal, &state) == 0 && (state.c_lflag & ECHO) != 0);
    close(terminal);
}

TEST(no_terminal, "without a terminal the text names the options that need none")
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        char out[SECRET_ROOM];
        struct err e;
        size_t n;
        bool good;

        setsid();
        good = secret_ask("password", "alice", true, out, &n, &e) == -1 && e.code == ERR_UNSUPPORTED &&
               strcmp(e.text, "there is no terminal to ask on") == 0;
        _exit(good ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}
