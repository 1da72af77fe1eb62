/*
 * Command lines of the form "PROGRAM COMMAND [ARGUMENT…] [--option [VALUE]]…", described by tables.
 *
 * --help and --version are served here, as is everything that can be wrong with a command line: unknown commands and
 * options, options that a command does not take, that are given twice or that exclude each other, too few and too many
 * arguments. Options may stand anywhere; "--" ends them. --help tells what commands there are and, beside a command's
 * name, its options and the examples in which it stands. --man and --completion, which help does not mention, print what is installed beside
 * the program, made from the same tables.
 */
#ifndef BERTH_BASE_OPTIONS_H
#define BERTH_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"

/* What our programs exit with. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,   /* it could not be done, or the answer is no */
    EXIT_USAGE = 2,     /* the command line is wrong */
    EXIT_NOT_FOUND = 3, /* what was named is not there */
    EXIT_IDLE = 4,      /* done, but to no effect as long as something else is wrong */
};

enum { OPTIONS_MAX = 63, ARGUMENTS_ANY = 1 << 20 };

struct option_spec {
    const char *name;  /* without the dashes */
    const char *value; /* how help names its value; NULL: it takes none. The shell completes FILE and DIR, and the words
                        * of "this|that" */
    const char *help;
    bool repeats; /* may be given several times: option_value() has them all */
};

struct invocation;

struct command_spec {
    const char *name;
    const char *arguments; /* for help: "USER…", "" for none; the shell completes where FILE or DIR stands in it */
    int min, max;          /* number of arguments */
    uint64_t options;      /* bit i: takes options[i] of its program */
    const char *help;
    int (*run)(const struct invocation *call); /* returns an exit status */
};

/* For --help and the manual page: what it does, and the line that does it. */
struct program_example {
    const char *text;
    const char *command;
};

/* A file or a variable of the environment, and what it is for. */
struct program_item {
    const char *name;
    const char *text;
};

struct program_spec {
    const char *name;
    const char *summary;
    const struct program_example *examples;
    size_t example_count;
    const struct command_spec *commands;
    size_t command_count;
    const struct option_spec *options;
    size_t option_count; /* at most OPTIONS_MAX */
    /* Sets of options, as in `options` of a command, of which one may be given at a time. May be left out. */
    const uint64_t *exclusive;
    size_t exclusive_count;
    /* The end of --help, and part of the manual page. Paragraphs stand apart by an empty line and are filled; indented
     * lines stay as they are; a paragraph that begins with "exit status:" says what differs from enum exit_status. */
    const char *notes;

    /* For the manual page only. Each may be left out. */
    const char *description; /* paragraphs, as in `notes` */
    const struct program_item *environment;
    size_t environment_count;
    const struct program_item *files;
    size_t file_count;
    const char *see_also; /* "berth-ca(1), htpasswd(1)" */
};

struct given_option {
    unsigned option;
    const char *value;
};

/* A command line that passed all checks. The strings are those of argv; it is valid while the command runs. */
struct invocation {
    const struct program_spec *program;
    const struct command_spec *command;
    bool given[OPTIONS_MAX];
    const char *values[OPTIONS_MAX]; /* of one that repeats: the first */
    struct given_option *all;        /* in the order of the command line */
    size_t all_count;
    char **arguments;
    int argument_count;
};

/* Check the command line and run its command. Returns the exit status. */
int program_run(const struct program_spec *program, int argc, char **argv);
/* Only check it: nothing is run or printed. ERR_INVALID says what is wrong with it, as --help and its like are here. The
 * words of `argv` are put in another order and must outlive `call`, which invocation_free() frees after success.
 * Thread: any. */
int program_parse(const struct program_spec *program, int argc, char **argv, struct invocation *call, struct err *e);
void invocation_free(struct invocation *call);

/* Print "PROGRAM: TEXT" on stderr and return the status that goes with the error's code. */
int program_fail(const struct invocation *call, const struct err *e);
/* The same for a value on the command line that cannot be: EXIT_USAGE. */
int program_misused(const struct invocation *call, const struct err *e);

/* The value of the option that stands at `index`, counted from 0, among those of its name; NULL after the last. */
const char *option_value(const struct invocation *call, unsigned option, size_t index);

/* The option as a number within `min` and `max`, `otherwise` when it was not given. ERR_INVALID names the option and
 * the range. */
int option_number(const struct invocation *call, unsigned option, uint64_t min, uint64_t max, uint64_t otherwise,
                  uint64_t *out, struct err *e);

#endif
