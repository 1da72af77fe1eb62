#include "registry/base/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/str.h"

enum { OPTION_HELP = 1000, OPTION_VERSION, OPTION_FIRST };

static void print_row(const char *left, const char *right)
{
    int columns = 0;

    for (const char *p = left; *p != '\0'; p++)
        columns += ((unsigned char)*p & 0xc0) != 0x80; /* UTF-8: bytes that start a character */
    printf("  %s%*s %s\n", left, columns < 20 ? 20 - columns : 0, "", right);
}

static void print_help(const struct program_spec *program)
{
    char left[128];

    printf("%s: %s\n\nusage: %s COMMAND [ARGUMENT…] [OPTION…]\n\ncommands:\n", program->name, program->summary,
           program->name);
    for (size_t i = 0; i < program->command_count; i++) {
        const struct command_spec *command = &program->commands[i];

        snprintf(left, sizeof(left), "%s %s", command->name, command->arguments);
        print_row(left, command->help);
    }
    printf("\noptions:\n");
    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *option = &program->options[i];

        snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value);
        print_row(left, option->help);
    }
    print_row("--help, -h", "this text");
    print_row("--version", "the version");
    printf("\n%s", program->notes);
}

static int complain(const struct program_spec *program, const char *what, const char *about)
{
    fprintf(stderr, "%s: %s%s; \"%s --help\" tells how it is used\n", program->name, what, about, program->name);
    return EXIT_USAGE;
}

static void fill_options(const struct program_spec *program, struct option *out)
{
    for (size_t i = 0; i < program->option_count; i++)
        out[i] = (struct option){
            .name = program->options[i].name,
            .has_arg = program->options[i].value == NULL ? no_argument : required_argument,
            .val = OPTION_FIRST + (int)i,
        };
    out[program->option_count] = (struct option){.name = "help", .val = OPTION_HELP};
    out[program->option_count + 1] = (struct option){.name = "version", .val = OPTION_VERSION};
    out[program->option_count + 2] = (struct option){0};
}

/* Take the options out of argv, leaving the rest in order. Returns -1 to go on, or an exit status. */
static int take_options(struct invocation *call, int argc, char **argv)
{
    struct option options[OPTIONS_MAX + 3];
    int found;

    fill_options(call->program, options);
    optind = 0; /* glibc: start over, argv may be another one */
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (found == OPTION_HELP || found == 'h') {
            print_help(call->program);
            return EXIT_DONE;
        }
        if (found == OPTION_VERSION) {
            printf("%s %s\n", call->program->name, BERTH_VERSION);
            return EXIT_DONE;
        }
        if (found < OPTION_FIRST)
            return complain(call->program, found == ':' ? "a value is missing after " : "unknown or malformed option ",
                            argv[optind - 1]);
        call->given[found - OPTION_FIRST] = true;
        call->values[found - OPTION_FIRST] = optarg;
    }
    return -1;
}

static const struct command_spec *find_command(const struct program_spec *program, const char *name)
{
    for (size_t i = 0; i < program->command_count; i++)
        if (strcmp(program->commands[i].name, name) == 0)
            return &program->commands[i];
    return NULL;
}

/* Does the command take what it was given? Returns -1 to go on, or an exit status. */
static int check_call(const struct invocation *call)
{
    const struct program_spec *program = call->program;

    for (size_t i = 0; i < program->option_count; i++) {
        if (call->given[i] && (call->command->options & 1U << i) == 0) {
            fprintf(stderr, "%s: %s does not take --%s; \"%s --help\" tells how it is used\n", program->name,
                    call->command->name, program->options[i].name, program->name);
            return EXIT_USAGE;
        }
    }
    if (call->argument_count >= call->command->min && call->argument_count <= call->command->max)
        return -1;
    fprintf(stderr, "%s: usage: %s %s %s\n", program->name, program->name, call->command->name,
            call->command->arguments);
    return EXIT_USAGE;
}

int program_run(const struct program_spec *program, int argc, char **argv)
{
    struct invocation call = {.program = program};
    int status = take_options(&call, argc, argv);

    if (status >= 0)
        return status;
    if (optind == argc)
        return complain(program, "no command given", "");
    call.command = find_command(program, argv[optind]);
    if (call.command == NULL)
        return complain(program, "unknown command ", argv[optind]);
    call.arguments = argv + optind + 1;
    call.argument_count = argc - optind - 1;
    status = check_call(&call);
    if (status < 0)
        status = call.command->run(&call);
    if (fflush(stdout) != 0 && status == EXIT_DONE) {
        fprintf(stderr, "%s: cannot write the output\n", program->name);
        return EXIT_REFUSED;
    }
    return status;
}

int program_fail(const struct invocation *call, const struct err *e)
{
    fprintf(stderr, "%s: %s\n", call->program->name, e->text);
    return e->code == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_REFUSED;
}

int program_misused(const struct invocation *call, const struct err *e)
{
    fprintf(stderr, "%s: %s\n", call->program->name, e->text);
    return EXIT_USAGE;
}

int option_number(const struct invocation *call, unsigned option, uint64_t min, uint64_t max, uint64_t otherwise,
                  uint64_t *out, struct err *e)
{
    *out = otherwise;
    if (!call->given[option])
        return 0;
    if (str_to_u64(str_of(call->values[option]), out) && *out >= min && *out <= max)
        return 0;
    return err_set(e, ERR_INVALID, "--%s takes a number from %" PRIu64 " to %" PRIu64,
                   call->program->options[option].name, min, max);
}
