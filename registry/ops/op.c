#include "registry/ops/op.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/ops/output.h"

enum { SEND_MS = 60 * 1000, PROGRESS_MS = 100, COLUMNS = 80, LINE_MAX_BYTES = 1024 };

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

void output_catch_signals(void)
{
    struct sigaction action = {.sa_handler = catch, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int output_signal(void)
{
    return caught;
}

/* ---- this terminal ---- */

static size_t columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : COLUMNS;
}

static void clear_progress(struct op_output *output)
{
    if (output->shown)
        fputs("\r\033[K", stderr);
    output->shown = false;
}

static void show_progress(struct op_output *output, struct str bytes)
{
    size_t most = columns() - 1;

    if (!output->terminal)
        return;
    fprintf(stderr, "\r%.*s\033[K", (int)(bytes.n < most ? bytes.n : most), bytes.p);
    output->shown = true;
}

void output_show(struct op_output *output, enum frame_kind kind, struct str bytes)
{
    if (kind == FRAME_PROGRESS) {
        show_progress(output, bytes);
        return;
    }
    clear_progress(output);
    if (kind == FRAME_OUTPUT) {
        fwrite(bytes.p, 1, bytes.n, stdout);
    } else {
        fflush(stdout);
        fprintf(stderr, "%s: %.*s\n", output->program, (int)bytes.n, bytes.p);
    }
}

/* ---- either ---- */

static void send_now(struct op_output *output, enum frame_kind kind, struct str bytes)
{
    struct err e;

    while (!output->gone && bytes.n > 0) {
        struct str piece = {bytes.p, bytes.n < FRAME_MAX ? bytes.n : FRAME_MAX};

        output->gone = frame_send(output->fd, output->stop, kind, piece, SEND_MS, &e) != 0;
        bytes = str_from(bytes, piece.n);
    }
}

static void send_held(struct op_output *output)
{
    send_now(output, FRAME_OUTPUT, (struct str){output->held.p, output->held.n});
    output->held.n = 0;
}

static void put(struct op_output *output, enum frame_kind kind, struct str bytes)
{
    if (output->fd < 0) {
        output_show(output, kind, bytes);
    } else if (kind == FRAME_OUTPUT) {
        if (output->held.n + bytes.n > FRAME_MAX)
            send_held(output);
        if (bytes.n > FRAME_MAX)
            send_now(output, kind, bytes);
        else
            sbuf_str(&output->held, bytes);
    } else {
        send_held(output);
        send_now(output, kind, bytes);
    }
}

void output_finish(struct op_output *output)
{
    if (output->fd < 0) {
        clear_progress(output);
        return;
    }
    send_held(output);
    sbuf_free(&output->held);
}

/* ---- what operations call ---- */

void op_print_str(struct op *op, struct str line)
{
    put(op->output, FRAME_OUTPUT, line);
    put(op->output, FRAME_OUTPUT, STR("\n"));
}

void op_print(struct op *op, const char *fmt, ...)
{
    char *line;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&line, fmt, args);
    va_end(args);
    if (n < 0)
        abort();
    op_print_str(op, (struct str){line, (size_t)n});
    free(line);
}

/* A line for a person, of which no more is shown than fits. */
__attribute__((format(printf, 2, 0))) static struct str line_of(char line[LINE_MAX_BYTES], const char *fmt,
                                                                va_list args)
{
    int n = vsnprintf(line, LINE_MAX_BYTES, fmt, args);

    return (struct str){line, n < 0 ? 0 : n < LINE_MAX_BYTES ? (size_t)n : LINE_MAX_BYTES - 1};
}

void op_progress(struct op *op, const char *fmt, ...)
{
    uint64_t now_ms = clock_monotonic_ms();
    char line[LINE_MAX_BYTES];
    va_list args;

    if (!op->output->terminal || (op->output->shown_ms != 0 && now_ms - op->output->shown_ms < PROGRESS_MS))
        return;
    op->output->shown_ms = now_ms;
    va_start(args, fmt);
    put(op->output, FRAME_PROGRESS, line_of(line, fmt, args));
    va_end(args);
}

void op_note(struct op *op, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    va_start(args, fmt);
    put(op->output, FRAME_NOTE, line_of(line, fmt, args));
    va_end(args);
}

bool op_cancelled(struct op *op)
{
    struct pollfd fds[] = {{.fd = op->output->fd, .events = POLLRDHUP}, {.fd = op->output->stop, .events = POLLIN}};

    if (op->output->fd < 0)
        return caught != 0;
    send_held(op->output); /* nobody waits for lines that are there */
    return op->output->gone || poll(fds, 2, 0) > 0;
}

static bool is_cancelled(void *op)
{
    return op_cancelled(op);
}

struct interrupt op_interrupt(struct op *op)
{
    return (struct interrupt){.wanted = is_cancelled, .arg = op};
}
