/*
 * A program that gets a text on standard input and answers in lines: started, fed, read and, when it does not end,
 * killed, without ever waiting for it. What it may say is bounded.
 *
 * Thread: one. SIGPIPE must be ignored by the caller; the program gets its default back.
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_CHILD_H
#define BERTH_TOOLS_TRUST_TRUST_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* tools */
#include "tools/trust/trust_report.h"
#include "registry/base/err.h"
#include "registry/base/str.h"

enum { TRUST_SAYS_MAX = 4 << 20, TRUST_TAIL = 1024, TRUST_CHILD_FDS = 3 };

struct trust_child {
    pid_t pid;  /* 0: it has ended */
    bool group; /* it leads a process group, which dies with it */
    int status; /* as of waitpid(), once it has ended */
    int in, out, err;
    struct str input; /* what is still to be sent; borrowed */
    size_t said;      /* bytes it has written to both */
    char line[TRUST_LINE_MAX];
    size_t line_n;         /* a longer line is cut */
    char tail[TRUST_TAIL]; /* the end of its standard error */
    size_t tail_n;
};

/* Start it. `input` must live until it has ended. `group`: in a process group of its own, so that its children can be
 * killed with it; not for a program that may ask on the terminal. */
int trust_child_start(struct trust_child *child, const char *const *arguments, struct str input, bool group,
                      struct err *e);
/* What to wait for. Returns how many. */
size_t trust_child_wants(const struct trust_child *child, struct pollfd out[TRUST_CHILD_FDS]);
/* Send and read what can be sent and read now; each line of standard output goes into the report. Returns true when the
 * program has ended and all it said has been read. */
bool trust_child_pump(struct trust_child *child, struct trust_report *report);
/* Has it said more than TRUST_SAYS_MAX bytes? */
bool trust_child_floods(const struct trust_child *child);
/* The last line with something in it of its standard error, as it came. */
struct str trust_child_last_words(const struct trust_child *child);
/* Kill it if it runs, and close everything. */
void trust_child_stop(struct trust_child *child);

#endif
