/* What options.c prints about a program, from its tables. All of it goes to stdout. */
#ifndef BERTH_BASE_OPTIONS_PRINT_H
#define BERTH_BASE_OPTIONS_PRINT_H

#include "registry/base/options.h"

/* What --help says, in lines of about a hundred columns: of the whole program, or of one of its commands. */
void options_print_help(const struct program_spec *program);
void options_print_command_help(const struct program_spec *program, const struct command_spec *command);

/* A page for section 1, in man(7). ASCII only: characters beyond it become roff's names for them. */
void options_print_man(const struct program_spec *program);

/* A script for bash that completes commands, the options of the command at hand, and values. It needs nothing from the
 * package bash-completion. */
void options_print_completion(const struct program_spec *program);

/* Does the command take options[i]? */
static inline bool command_takes(const struct command_spec *command, size_t i)
{
    return (command->options & UINT64_C(1) << i) != 0;
}

#endif
