#include "tools/trust/trust_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_RUN = 127, READ_AT_ONCE = 64 << 10, KILL_PATIENCE_MS = 1000 };

struct pipes {
    int in[2], out[2], err[2];
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
    close_fd(&pipes->in[0]);
    close_fd(&pipes->in[1]);
    close_fd(&pipes->out[0]);
    close_fd(&pipes->out[1]);
    close_fd(&pipes->err[0]);
    close_fd(&pipes->err[1]);
}

static int open_pipes(struct pipes *pipes, struct err *e)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->in, O_CLOEXEC) == 0 && pipe2(pipes->out, O_CLOEXEC) == 0 && pipe2(pipes->err, O_CLOEXEC) == 0 &&
        fcntl(pipes->in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(pipes->out[0], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(pipes->err[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    err_errno(e, "make a pipe");
    close_pipes(pipes);
    return -1;
}

/* In the new process. It ends with its parent, which nobody else would notice. */
static _Noreturn void become(const struct pipes *pipes, const char *const *arguments, bool group)
{
    union {
        const char *const *borrowed;
        char *const *wanted; /* execvp() promises not to change them */
    } vector = {arguments};

    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (group)
        setpgid(0, 0);
    if (dup2(pipes->in[0], STDIN_FILENO) < 0 || dup2(pipes->out[1], STDOUT_FILENO) < 0 ||
        dup2(pipes->err[1], STDERR_FILENO) < 0)
        _exit(CANNOT_RUN);
    execvp(arguments[0], vector.wanted);
    dprintf(STDERR_FILENO, "%s cannot be run: %s\n", arguments[0], strerror(errno));
    _exit(CANNOT_RUN);
}

int trust_child_start(struct trust_child *child, const char *const *arguments, struct str input, bool group,
                      struct err *e)
{
    struct pipes pipes;

    *child = (struct trust_child){.in = -1, .out = -1, .err = -1, .input = input, .group = group};
    if (open_pipes(&pipes, e) != 0)
        return -1;
    child->pid = fork();
    if (child->pid < 0) {
        child->pid = 0;
        close_pipes(&pipes);
        return err_errno(e, "start %s", arguments[0]);
    }
    if (child->pid == 0)
        become(&pipes, arguments, group);
    if (group)
        setpgid(child->pid, child->pid); /* both sides do it: neither must wait for the other */
    child->in = pipes.in[1];
    child->out = pipes.out[0];
    child->err = pipes.err[0];
    pipes.in[1] = pipes.out[0] = pipes.err[0] = -1;
    close_pipes(&pipes);
    return 0;
}

size_t trust_child_wants(const struct trust_child *child, struct pollfd out[TRUST_CHILD_FDS])
{
    size_t n = 0;

    if (child->in >= 0)
        out[n++] = (struct pollfd){.fd = child->in, .events = POLLOUT};
    if (child->out >= 0)
        out[n++] = (struct pollfd){.fd = child->out, .events = POLLIN};
    if (child->err >= 0)
        out[n++] = (struct pollfd){.fd = child->err, .events = POLLIN};
    return n;
}

/* A program that ends without having read all is no error here: its answer tells. */
static void send_input(struct trust_child *child)
{
    ssize_t n = 0;

    if (child->in < 0)
        return;
    while (child->input.n > 0) {
        n = write(child->in, child->input.p, child->input.n);
        if (n < 0)
            break;
        child->input = str_from(child->input, (size_t)n);
    }
    if (child->input.n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&child->in);
}

static void take_output(struct trust_child *child, const char *bytes, size_t n, struct trust_report *report)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            if (child->line_n < sizeof(child->line))
                child->line[child->line_n++] = bytes[i];
            continue;
        }
        trust_report_line(report, (struct str){child->line, child->line_n});
        child->line_n = 0;
    }
}

static void take_complaint(struct trust_child *child, const char *bytes, size_t n)
{
    if (n > sizeof(child->tail)) {
        bytes += n - sizeof(child->tail);
        n = sizeof(child->tail);
    }
    if (child->tail_n + n > sizeof(child->tail)) {
        size_t over = child->tail_n + n - sizeof(child->tail);

        memmove(child->tail, child->tail + over, child->tail_n - over);
        child->tail_n -= over;
    }
    memcpy(child->tail + child->tail_n, bytes, n);
    child->tail_n += n;
}

/* Read once. Returns true when there may be more. */
static bool read_some(struct trust_child *child, int *fd, struct trust_report *report)
{
    static char bytes[READ_AT_ONCE];
    ssize_t n = *fd < 0 ? 0 : read(*fd, bytes, sizeof(bytes));

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            close_fd(fd);
        return n < 0 && errno == EINTR;
    }
    child->said += (size_t)n;
    if (fd == &child->out)
        take_output(child, bytes, (size_t)n, report);
    else
        take_complaint(child, bytes, (size_t)n);
    return true;
}

bool trust_child_floods(const struct trust_child *child)
{
    return child->said > TRUST_SAYS_MAX;
}

/* Others may hold the pipes open for long after it (a connection that ssh keeps): its own end is what counts. */
bool trust_child_pump(struct trust_child *child, struct trust_report *report)
{
    bool ended = child->pid == 0 || waitpid(child->pid, &child->status, WNOHANG) == child->pid, more;

    if (ended)
        child->pid = 0;
    send_input(child);
    do {
        more = read_some(child, &child->out, report);
        more = read_some(child, &child->err, report) || more;
    } while (ended && more && !trust_child_floods(child));
    return ended;
}

struct str trust_child_last_words(const struct trust_child *child)
{
    struct str rest = {child->tail, child->tail_n}, last = {0};

    while (rest.n > 0) {
        struct str line = {rest.p, str_find(rest, '\n')}, bare = line;

        while (bare.n > 0 && bare.p[bare.n - 1] == '\r')
            bare.n--;
        bare = str_trim(bare);
        if (bare.n > 0)
            last = bare;
        rest = str_from(rest, line.n + 1);
    }
    return last;
}

/* One that runs as another user cannot be killed, but it loses its pipes and is not waited for any longer. */
static void end_process(struct trust_child *child)
{
    if (kill(child->group ? -child->pid : child->pid, SIGKILL) != 0)
        kill(child->pid, SIGTERM);
    for (int i = 0; i < KILL_PATIENCE_MS / 10 && child->pid != 0; i++) {
        if (waitpid(child->pid, &child->status, WNOHANG) != 0)
            child->pid = 0;
        else
            poll(NULL, 0, 10);
    }
    child->pid = 0;
}

void trust_child_stop(struct trust_child *child)
{
    close_fd(&child->in);
    close_fd(&child->out);
    close_fd(&child->err);
    if (child->pid != 0)
        end_process(child);
}
