#include "registry/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* base */
#include "registry/base/file.h"

static const int interrupting[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { INTERRUPTING = sizeof(interrupting) / sizeof(interrupting[0]) };

static volatile sig_atomic_t interrupted;

static void note(int signal)
{
    interrupted = signal;
}

/* Catch the signals that would leave the terminal without echo, blocked for now; `mask` gets the mask before. */
static void catch_signals(struct sigaction old[INTERRUPTING], sigset_t *mask)
{
    struct sigaction noting = {.sa_handler = note};
    sigset_t blocked;

    interrupted = 0;
    sigemptyset(&blocked);
    for (size_t i = 0; i < INTERRUPTING; i++)
        sigaddset(&blocked, interrupting[i]);
    sigprocmask(SIG_BLOCK, &blocked, mask);
    for (size_t i = 0; i < INTERRUPTING; i++)
        sigaction(interrupting[i], &noting, &old[i]);
}

/* Back to what was before, and have the signal that came meanwhile do what it would have done. */
static void release_signals(const struct sigaction old[INTERRUPTING], const sigset_t *mask)
{
    for (size_t i = 0; i < INTERRUPTING; i++)
        sigaction(interrupting[i], &old[i], NULL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (interrupted != 0)
        raise(interrupted);
}

static int check(const char *noun, const char *p, size_t n, struct err *e)
{
    if (n == 0)
        return err_set(e, ERR_INVALID, "the %s is empty", noun);
    if (n >= SECRET_ROOM)
        return err_set(e, ERR_TOO_LARGE, "the %s is longer than %d bytes", noun, SECRET_ROOM - 1);
    if (memchr(p, '\n', n) != NULL || memchr(p, '\0', n) != NULL)
        return err_set(e, ERR_INVALID, "the %s has a NUL byte or more than one line", noun);
    return 0;
}

/* Without one newline, or CR LF, at the end. */
static size_t chomp(const char *p, size_t n)
{
    if (n > 0 && p[n - 1] == '\n')
        n -= n > 1 && p[n - 2] == '\r' ? 2 : 1;
    return n;
}

static int keep(const char *noun, const char *p, size_t n, char *out, size_t *length, struct err *e)
{
    n = chomp(p, n);
    if (check(noun, p, n, e) != 0)
        return -1;
    memcpy(out, p, n);
    out[n] = '\0';
    *length = n;
    return 0;
}

int secret_read(int fd, const char *noun, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    char text[SECRET_ROOM + 2]; /* room for CR LF, and to see that there is more */
    size_t got = 0;
    int rc;

    while (got < sizeof(text)) {
        ssize_t more = read(fd, text + got, sizeof(text) - got);

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return err_errno(e, "read the %s", noun);
        if (more == 0)
            break;
        got += (size_t)more;
    }
    rc = keep(noun, text, got, out, n, e);
    explicit_bzero(text, sizeof(text));
    return rc;
}

/* One line from the terminal, which hands over a line at a time. Signals are blocked but for the time of waiting,
 * during which `during` is the mask: one that comes earlier is not missed. */
static int read_line(int tty, const sigset_t *during, const char *noun, const char *prompt, char *out, size_t *n,
                     struct err *e)
{
    char text[SECRET_ROOM + 2];
    struct pollfd input = {.fd = tty, .events = POLLIN};
    ssize_t got = -1;
    int rc;

    if (file_write(tty, prompt, strlen(prompt), e) != 0)
        return -1;
    do {
        rc = ppoll(&input, 1, NULL, during);
    } while (rc < 0 && errno == EINTR && interrupted == 0);
    if (rc > 0)
        got = read(tty, text, sizeof(text));
    if (got >= 0)
        rc = keep(noun, text, (size_t)got, out, n, e);
    else
        rc = err_set(e, ERR_IO, "no %s was typed", noun);
    explicit_bzero(text, sizeof(text));
    if (file_write(tty, "\n", 1, NULL) != 0 && rc == 0)
        rc = err_set(e, ERR_IO, "the terminal is gone");
    return rc;
}

static int ask(int tty, const sigset_t *during, const char *noun, const char *owner, bool twice, char *out, size_t *n,
               struct err *e)
{
    char prompt[300], again[SECRET_ROOM];
    size_t again_n = 0;
    int rc;

    snprintf(prompt, sizeof(prompt), "%c%s for %s: ", noun[0] - 'a' + 'A', noun + 1, owner);
    rc = read_line(tty, during, noun, prompt, out, n, e);
    if (rc != 0 || !twice)
        return rc;
    rc = read_line(tty, during, noun, "Once more: ", again, &again_n, e);
    if (rc == 0 && (again_n != *n || memcmp(again, out, *n) != 0))
        rc = err_set(e, ERR_DENIED, "the two %ss differ", noun);
    explicit_bzero(again, sizeof(again));
    return rc;
}

int secret_ask(const char *noun, const char *owner, bool twice, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    struct sigaction old[INTERRUPTING];
    sigset_t mask;
    struct termios shown, silent;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    int rc;

    if (tty < 0 || tcgetattr(tty, &shown) != 0) {
        if (tty >= 0)
            close(tty);
        return err_set(e, ERR_UNSUPPORTED, "there is no terminal to ask on");
    }
    catch_signals(old, &mask);
    silent = shown;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
        rc = err_errno(e, "switch off the terminal's echo");
    else
        rc = ask(tty, &mask, noun, owner, twice, out, n, e);
    tcsetattr(tty, TCSAFLUSH, &shown);
    close(tty);
    release_signals(old, &mask);
    return rc;
}
