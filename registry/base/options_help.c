#include "registry/base/options_print.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* base */
#include "registry/base/str.h"

/* Where what something does begins, on the line of its name when that leaves room, and where lines end. */
enum { COLUMN = 23, WIDTH = 100 };

enum { MANY = 9 }; /* with more commands than that, help is told command by command */

/* UTF-8: bytes that start a character. */
static int count_columns(struct str text)
{
    int columns = 0;

    for (size_t i = 0; i < text.n; i++)
        columns += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return columns;
}

/* Text in lines that end before WIDTH where words allow it. It goes on at column `at`; further lines begin with `lead`,
 * moved to column `indent`. Blanks and newlines in it are what stands between words. Returns where it ends. */
static int fill(struct str text, int at, int indent, const char *lead)
{
    bool first = true;

    while (text.n > 0) {
        struct str word = {text.p, 0};
        int columns;

        while (word.n < text.n && text.p[word.n] != ' ' && text.p[word.n] != '\n')
            word.n++;
        text = str_from(text, word.n + 1);
        if (word.n == 0)
            continue;
        columns = count_columns(word);
        if (!first && at + 1 + columns > WIDTH) {
            printf("\n%*s%s", indent, "", lead);
            at = indent + count_columns(str_of(lead));
            first = true;
        }
        printf("%s%.*s", first ? "" : " ", (int)word.n, word.p);
        at += columns + !first;
        first = false;
    }
    return at;
}

static void print_row(const char *left, const char *right)
{
    int columns = 2 + count_columns(str_of(left));

    printf("  %s", left);
    if (columns < COLUMN)
        printf("%*s", COLUMN - columns, "");
    else
        printf("\n%*s", COLUMN, "");
    fill(str_of(right), COLUMN, COLUMN, "");
    putchar('\n');
}

/* Paragraphs, filled; indented lines stay as they are. */
static void print_notes(struct str text)
{
    while (text.n > 0) {
        struct str paragraph = {text.p, str_find(text, '\n')};

        if (paragraph.n > 0 && paragraph.p[0] != ' ')
            while (paragraph.n + 1 < text.n && text.p[paragraph.n + 1] != '\n' && text.p[paragraph.n + 1] != ' ')
                paragraph.n += 1 + str_find(str_from(text, paragraph.n + 1), '\n');
        if (paragraph.n > 0 && paragraph.p[0] == ' ')
            printf("%.*s", (int)paragraph.n, paragraph.p);
        else
            fill(paragraph, 0, 0, "");
        putchar('\n');
        text = str_from(text, paragraph.n + 1);
    }
}

static void print_commands(const struct program_spec *program)
{
    char left[128];

    for (size_t i = 0; i < program->command_count; i++) {
        const struct command_spec *command = &program->commands[i];

        snprintf(left, sizeof(left), "%s%s%s", command->name, command->arguments[0] == '\0' ? "" : " ",
                 command->arguments);
        print_row(left, command->help);
    }
}

/* Those of one command, or of all. */
static void print_options(const struct program_spec *program, const struct command_spec *command)
{
    char left[128];

    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *option = &program->options[i];

        if (command != NULL && !command_takes(command, i))
            continue;
        snprintf(left, sizeof(left), "--%s%s%s%s", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value, option->repeats ? "…" : "");
        print_row(left, option->help);
    }
    print_row("--help, -h", "this text");
    if (command == NULL)
        print_row("--version", "the version");
}

/* Does "PROGRAM COMMAND" stand in it? */
static bool shows(const struct program_example *example, const char *program, const char *command)
{
    size_t length = strlen(program), name = strlen(command);

    for (const char *p = example->command; (p = strstr(p, program)) != NULL; p += length)
        if (p[length] == ' ' && strncmp(p + length + 1, command, name) == 0 &&
            (p[length + 1 + name] == ' ' || p[length + 1 + name] == '\0'))
            return true;
    return false;
}

/* Those of one command, or of all. */
static void print_examples(const struct program_spec *program, const struct command_spec *command)
{
    const char *before = "\nexamples:\n";

    for (size_t i = 0; i < program->example_count; i++) {
        if (command != NULL && !shows(&program->examples[i], program->name, command->name))
            continue;
        printf("%s  # ", before);
        fill(str_of(program->examples[i].text), 4, 2, "# ");
        printf("\n  %s\n", program->examples[i].command);
        before = "\n";
    }
}

void options_print_command_help(const struct program_spec *program, const struct command_spec *command)
{
    printf("usage: %s %s%s%s [OPTION…]\n\n", program->name, command->name, command->arguments[0] == '\0' ? "" : " ",
           command->arguments);
    fill(str_of(command->help), 0, 0, "");
    printf("\n\noptions:\n");
    print_options(program, command);
    print_examples(program, command);
}

/* A program of many commands would fill screens: the options and examples of each are told beside its name. */
void options_print_help(const struct program_spec *program)
{
    bool many = program->command_count > MANY;

    printf("%s: %s\n\nusage: %s COMMAND [ARGUMENT…] [OPTION…]\n\ncommands:\n", program->name, program->summary,
           program->name);
    print_commands(program);
    if (many) {
        printf("\n\"%s COMMAND --help\" tells the options of a command, with examples; \"man %s\" has them all.\n",
               program->name, program->name);
    } else {
        printf("\noptions:\n");
        print_options(program, NULL);
        print_examples(program, NULL);
    }
    if (program->notes != NULL) {
        putchar('\n');
        print_notes(str_of(program->notes));
    }
}
