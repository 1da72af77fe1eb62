/*
 * Where an operation's output goes: the terminal of this process, or a connection whose other end has one.
 *
 * Thread: that of the operation.
 */
#ifndef BERTH_OPS_OUTPUT_H
#define BERTH_OPS_OUTPUT_H

#include <stdatomic.h>

#include "registry/ops/op.h"
#include "registry/ops/wire.h"

struct op_output {
    int fd;              /* a connection; -1: stdout and stderr */
    int stop;            /* readable: the server is stopping; with a connection only */
    const char *program; /* in front of remarks */
    bool terminal;       /* progress is wanted */
    bool gone;           /* whoever asked does not listen any more */
    bool shown;          /* progress, on this terminal */
    uint64_t shown_ms;   /* monotonic */
    struct sbuf held;    /* output that is sent when it is enough for a frame */
};

/* What a kind of frame is on stdout and stderr; how commands show what comes from a server. */
void output_show(struct op_output *output, enum frame_kind kind, struct str bytes);
/* All that was printed is on its way, and a terminal shows no progress any more. */
void output_finish(struct op_output *output);

/* Ctrl-C and SIGTERM end an operation in this process between two of its steps; a second one ends the process. */
void output_catch_signals(void);
/* The signal that came, or 0. */
int output_signal(void);

#endif
