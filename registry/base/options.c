#include "registry/base/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/options_print.h"
#include "registry/base/str.h"

/* What getopt_long() returns: OPTION_FIRST + i for options[i] of the program. */
enum { OPTION_HELP = 1000, OPTION_VERSION, OPTION_MAN, OPTION_COMPLETION, OPTION_FIRST };

static const char *const common[] = {"help", "version", "man", "completion"};
enum { COMMON = sizeof(common) / sizeof(common[0]) };

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
    for (size_t i = 0; i < COMMON; i++)
        out[program->option_count + i] = (struct option){.name = common[i], .val = OPTION_HELP + (int)i};
    out[program->option_count + COMMON] = (struct option){0};
}

/* The options that every program has. Returns -1 when this is not one of them, or an exit status. */
static int serve_common(const struct program_spec *program, int found)
{
    if (found == OPTION_HELP || found == 'h')
        options_print_help(program);
    else if (found == OPTION_VERSION)
        printf("%s %s\n", program->name, BERTH_VERSION);
    else if (found == OPTION_MAN)
        options_print_man(program);
    else if (found == OPTION_COMPLETION)
        options_print_completion(program);
    else
        return -1;
    return EXIT_DONE;
}

/* Keep one option in `all`, which has room. Returns -1 to go on, or an exit status. */
static int keep_option(struct invocation *call, struct given_option *all, unsigned option, const char *value)
{
    const struct option_spec *spec = &call->program->options[option];

    if (call->given[option] && !spec->repeats) {
        fprintf(stderr, "%s: --%s may be given once only\n", call->program->name, spec->name);
        return EXIT_USAGE;
    }
    if (!call->given[option])
        call->values[option] = value;
    call->given[option] = true;
    all[call->all_count++] = (struct given_option){option, value};
    return -1;
}

/* Take the options out of argv into `all`, which has room for argc, leaving the rest in order. Returns -1 to go on, or
 * an exit status. */
static int take_options(struct invocation *call, struct given_option *all, int argc, char **argv)
{
    struct option options[OPTIONS_MAX + COMMON + 1];
    int found, status = -1;

    fill_options(call->program, options);
    optind = 0; /* glibc: start over, argv may be another one */
    opterr = 0;
    while (status < 0 && (found = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (found == ':')
            status = complain(call->program, "a value is missing after ", argv[optind - 1]);
        else if (found == '?')
            status = complain(call->program, "unknown or malformed option ", argv[optind - 1]);
        else if (found >= OPTION_FIRST)
            status = keep_option(call, all, (unsigned)(found - OPTION_FIRST), optarg);
        else
            status = serve_common(call->program, found);
    }
    return status;
}

static const struct command_spec *find_command(const struct program_spec *program, const char *name)
{
    for (size_t i = 0; i < program->command_count; i++)
        if (strcmp(program->commands[i].name, name) == 0)
            return &program->commands[i];
    return NULL;
}

/* Of options that exclude each other, one at most. Returns -1 to go on, or an exit status. */
static int check_exclusive(const struct invocation *call)
{
    const struct program_spec *program = call->program;

    for (size_t i = 0; i < program->exclusive_count; i++) {
        const char *before = NULL;

        for (size_t k = 0; k < program->option_count; k++) {
            if (!call->given[k] || (program->exclusive[i] & 1U << k) == 0)
                continue;
            if (before != NULL) {
                fprintf(stderr, "%s: --%s and --%s exclude each other\n", program->name, before,
                        program->options[k].name);
                return EXIT_USAGE;
            }
            before = program->options[k].name;
        }
    }
    return -1;
}

/* Does the command take what it was given? Returns -1 to go on, or an exit status. */
static int check_call(const struct invocation *call)
{
    const struct program_spec *program = call->program;

    for (size_t i = 0; i < program->option_count; i++) {
        if (call->given[i] && !command_takes(call->command, i)) {
            fprintf(stderr, "%s: %s does not take --%s; \"%s --help\" tells how it is used\n", program->name,
                    call->command->name, program->options[i].name, program->name);
            return EXIT_USAGE;
        }
    }
    if (call->argument_count >= call->command->min && call->argument_count <= call->command->max)
        return check_exclusive(call);
    fprintf(stderr, "%s: usage: %s %s %s\n", program->name, program->name, call->command->name,
            call->command->arguments);
    return EXIT_USAGE;
}

/* The command line without its options, whose words are argv[first] to argv[argc - 1]. Returns the exit status. */
static int run_command(struct invocation *call, int first, int argc, char **argv)
{
    int status;

    if (first == argc)
        return complain(call->program, "no command given", "");
    call->command = find_command(call->program, argv[first]);
    if (call->command == NULL)
        return complain(call->program, "unknown command ", argv[first]);
    call->arguments = argv + first + 1;
    call->argument_count = argc - first - 1;
    status = check_call(call);
    return status >= 0 ? status : call->command->run(call);
}

int program_run(const struct program_spec *program, int argc, char **argv)
{
    struct given_option *all = xcalloc((size_t)argc + 1, sizeof(*all));
    struct invocation call = {.program = program, .all = all};
    int status = take_options(&call, all, argc, argv);

    if (status < 0)
        status = run_command(&call, optind, argc, argv);
    free(all);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
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

const char *option_value(const struct invocation *call, unsigned option, size_t index)
{
    if (index == 0)
        return call->given[option] ? call->values[option] : NULL;
    for (size_t i = 0; i < call->all_count; i++)
        if (call->all[i].option == option && index-- == 0)
            return call->all[i].value;
    return NULL;
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
