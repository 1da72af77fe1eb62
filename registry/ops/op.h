/*
 * Operations: the maintenance work that an administrator asks for (gc, du, tags, retention, scrub, backup, …).
 *
 *   berth du team-a ──▶ command_op() ─┬─ nobody holds the data directory: open the store, run it here
 *                                     └─ a server does: send the command line to <root>/control (control.h), which runs
 *                                        it in the server; its lines come back as they are printed
 *
 * So an operation is one function that cannot tell where it runs, and every one works on a registry that serves.
 *
 * Thread: an operation has a thread of its own and may block. It touches nothing of the server but the store, and the
 * queue of notifications (events/events.h).
 */
#ifndef BERTH_OPS_OP_H
#define BERTH_OPS_OP_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "registry/base/options.h"
#include "registry/config/config.h"
#include "registry/live.h"
#include "storage/store.h"

struct server;

struct op {
    const struct invocation *call; /* the command line; option_value() and friends work as in any command */
    const struct config *config;   /* of the server where there is one */
    const struct live *live;       /* likewise; without one as the configuration says */
    const struct store *store;
    struct server *server; /* that this runs in (served.h), or NULL */
    const char *directory; /* where whoever asked is: what relative paths on the command line begin at */
    struct str secret;     /* what op_spec.secret() made; borrowed, and wiped when the operation is over */
    struct op_output *output;
};

/* One line to the standard output of whoever asked. The newline is added. This and what follows waits for somebody who
 * reads slowly, a minute at most: so not between meta_read() and meta_done(), nor in a change. */
void op_print(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a line of any length. */
void op_print_str(struct op *op, struct str line);
/* What is being done just now, for a person at a terminal; replaces what was shown before. Cheap: call it often. */
void op_progress(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A remark for the person that is no part of the answer: one line on the standard error. */
void op_note(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Has whoever asked gone away, or is the server stopping? Ask between steps, and return -1 when it is so. */
bool op_cancelled(struct op *op);
/* The same question for work in storage/. The operation outlives it. */
struct interrupt op_interrupt(struct op *op);

enum op_when {
    OP_ANYTIME,   /* runs beside anything */
    OP_ALONE,     /* one such operation at a time: ERR_BUSY names the one under way */
    OP_UNCHANGED, /* as OP_ALONE, and not while a server holds the directory */
    OP_SERVED,    /* about the server itself: there must be one, and nothing else is held up by it */
};

struct op_spec {
    const char *name;   /* of its command */
    const char *prefix; /* of the first argument: a command may be several operations, of which the first that fits is
                         * meant. NULL: whatever */
    enum op_when when;
    bool changes;      /* a server that is read-only refuses it, but for --dry-run */
    bool takes_files;  /* links files of others: root who becomes another user keeps that right (CAP_FOWNER) */
    bool names_config; /* its first argument, where there is one, is the configuration, as --config is */
    /* What the operation has to know and no command line may show, a password: made where the command was typed, with
     * the terminal and the rights of who typed it, before anything is opened. At most WIRE_SECRET_MAX bytes. NULL: there
     * is none. */
    int (*secret)(const struct invocation *call, struct sbuf *out, struct err *e);
    /* 0, or -1 with an error. `*status` (an enum exit_status) is EXIT_DONE at first; what is left of that after an
     * error becomes the status that goes with its code, so that only EXIT_USAGE needs to be said. */
    int (*run)(struct op *op, int *status, struct err *e);
};

/* The commands of `berth` that are operations run this: opens the store or finds the server, and returns the exit
 * status. Each such command takes --config FILE. Thread: main, before any other is started. */
int command_op(const struct invocation *call);

/* The operation of a command whose first argument is `argument` (NULL: it has none). NULL: no such operation. */
const struct op_spec *op_find(const char *name, const char *argument);

/* Run one, and return its exit status; e->text is empty when there was no error. ERR_BUSY names the operation under way
 * in this process that this one has to wait for. */
int op_run(const struct op_spec *spec, struct op *op, struct err *e);

#endif
