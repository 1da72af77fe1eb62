#include "registry/base/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
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

/* getopt_long() keeps its place in globals. */
static pthread_mutex_t getopt_lock = PTHREAD_MUTEX_INITIALIZER;

static int complain(const struct program_spec *program, const char *what, const char *about, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s%s; \"%s --help\" tells how it is used", what, about, program->name);
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

static const struct command_spec *find_command(const struct program_spec *program, const char *name)
{
    for (size_t i = 0; i < program->command_count; i++)
        if (strcmp(program->commands[i].name, name) == 0)
            return &program->commands[i];
    return NULL;
}

/* Help is about the first command that stands anywhere on the line, or about the program. */
static void print_help(const struct program_spec *program, int argc, char **argv)
{
    const struct command_spec *command = NULL;

    for (int i = 1; i < argc && command == NULL; i++)
        command = find_command(program, argv[i]);
    if (command == NULL)
        options_print_help(program);
    else
        options_print_command_help(program, command);
}

/* The options that every program has. */
static int serve_common(const struct program_spec *program, int found, int argc, char **argv)
{
    if (found == OPTION_VERSION)
        printf("%s %s\n", program->name, BERTH_VERSION);
    else if (found == OPTION_MAN)
        options_print_man(program);
    else if (found == OPTION_COMPLETION)
        options_print_completion(program);
    else
        print_help(program, argc, argv);
    return EXIT_DONE;
}

/* Keep one option in `all`, which has room. */
static int keep_option(struct invocation *call, unsigned option, const char *value, struct err *e)
{
    const struct option_spec *spec = &call->program->options[option];

    if (call->given[option] && !spec->repeats)
        return err_set(e, ERR_INVALID, "--%s may be given once only", spec->name);
    if (!call->given[option])
        call->values[option] = value;
    call->given[option] = true;
    call->all[call->all_count++] = (struct given_option){option, value};
    return 0;
}

/* Take the options out of argv into `all`, which has room for argc, leaving the rest in order, from *first on. One that
 * every program has ends it and is left in *asked. */
static int take_options(struct invocation *call, int argc, char **argv, int *first, int *asked, struct err *e)
{
    struct option options[OPTIONS_MAX + COMMON + 1];
    int found, rc = 0;

    fill_options(call->program, options);
    *asked = 0;
    pthread_mutex_lock(&getopt_lock);
    optind = 0; /* glibc: start over, argv may be another one */
    opterr = 0;
    while (rc == 0 && *asked == 0 && (found = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (found == ':')
            rc = complain(call->program, "a value is missing after ", argv[optind - 1], e);
        else if (found == '?')
            rc = complain(call->program, "unknown or malformed option ", argv[optind - 1], e);
        else if (found >= OPTION_FIRST)
            rc = keep_option(call, (unsigned)(found - OPTION_FIRST), optarg, e);
        else
            *asked = found;
    }
    *first = optind;
    pthread_mutex_unlock(&getopt_lock);
    return rc;
}

/* Of options that exclude each other, one at most. */
static int check_exclusive(const struct invocation *call, struct err *e)
{
    const struct program_spec *program = call->program;

    for (size_t i = 0; i < program->exclusive_count; i++) {
        const char *before = NULL;

        for (size_t k = 0; k < program->option_count; k++) {
            if (!call->given[k] || (program->exclusive[i] & UINT64_C(1) << k) == 0)
                continue;
            if (before != NULL)
                return err_set(e, ERR_INVALID, "--%s and --%s exclude each other", before, program->options[k].name);
            before = program->options[k].name;
        }
    }
    return 0;
}

/* Does the command take what it was given? */
static int check_call(const struct invocation *call, struct err *e)
{
    const struct program_spec *program = call->program;

    for (size_t i = 0; i < program->option_count; i++)
        if (call->given[i] && !command_takes(call->command, i))
            return err_set(e, ERR_INVALID, "%s does not take --%s; \"%s %s --help\" tells what it takes",
                           call->command->name, program->options[i].name, program->name, call->command->name);
    if (call->argument_count >= call->command->min && call->argument_count <= call->command->max)
        return check_exclusive(call, e);
    return err_set(e, ERR_INVALID, "usage: %s %s%s%s", program->name, call->command->name,
                   call->command->arguments[0] == '\0' ? "" : " ", call->command->arguments);
}

/* The command line without its options, whose words are argv[first] to argv[argc - 1]. */
static int take_command(struct invocation *call, int first, int argc, char **argv, struct err *e)
{
    if (first >= argc)
        return complain(call->program, "no command given", "", e);
    call->command = find_command(call->program, argv[first]);
    if (call->command == NULL)
        return complain(call->program, "unknown command ", argv[first], e);
    call->arguments = argv + first + 1;
    call->argument_count = argc - first - 1;
    return check_call(call, e);
}

/* `call` without a command: one of the options that every program has was given, *asked. */
static int parse(const struct program_spec *program, int argc, char **argv, struct invocation *call, int *asked,
                 struct err *e)
{
    int first;

    *call = (struct invocation){.program = program, .all = xcalloc((size_t)argc + 1, sizeof(*call->all))};
    if (take_options(call, argc, argv, &first, asked, e) != 0)
        return -1;
    return *asked != 0 ? 0 : take_command(call, first, argc, argv, e);
}

void invocation_free(struct invocation *call)
{
    free(call->all);
    call->all = NULL;
    call->all_count = 0;
}

int program_parse(const struct program_spec *program, int argc, char **argv, struct invocation *call, struct err *e)
{
    int asked;

    if (parse(program, argc, argv, call, &asked, e) == 0 && asked == 0)
        return 0;
    invocation_free(call);
    return asked == 0 ? -1 : err_set(e, ERR_INVALID, "no command given");
}

int program_run(const struct program_spec *program, int argc, char **argv)
{
    struct invocation call;
    struct err e;
    int asked, status;

    if (parse(program, argc, argv, &call, &asked, &e) != 0)
        status = program_misused(&call, &e);
    else
        status = call.command == NULL ? serve_common(program, asked, argc, argv) : call.command->run(&call);
    invocation_free(&call);
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
