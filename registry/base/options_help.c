#include "registry/base/options_print.h"

#include <stdio.h>

/* base */
#include "registry/base/str.h"

/* Where what something does begins, how long a name may be to have that on its line, and where lines end. */
enum { COLUMN = 23, WIDE = 30, WIDTH = 100 };

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
    if (columns > WIDE + 2)
        printf("\n%*s", COLUMN, "");
    else
        printf("%*s ", columns < COLUMN - 1 ? COLUMN - 1 - columns : 0, "");
    fill(str_of(right), columns > WIDE + 2 || columns < COLUMN ? COLUMN : columns + 1, COLUMN, "");
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

        snprintf(left, sizeof(left), "%s %s", command->name, command->arguments);
        print_row(left, command->help);
    }
}

static void print_options(const struct program_spec *program)
{
    char left[128];

    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *option = &program->options[i];

        snprintf(left, sizeof(left), "--%s%s%s%s", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value, option->repeats ? "…" : "");
        print_row(left, option->help);
    }
    print_row("--help, -h", "this text");
    print_row("--version", "the version");
}

void options_print_help(const struct program_spec *program)
{
    printf("%s: %s\n\nusage: %s COMMAND [ARGUMENT…] [OPTION…]\n\ncommands:\n", program->name, program->summary,
           program->name);
    print_commands(program);
    printf("\noptions:\n");
    print_options(program);
    if (program->example_count > 0)
        printf("\nexamples:\n");
    for (size_t i = 0; i < program->example_count; i++) {
        printf("%s  # ", i == 0 ? "" : "\n");
        fill(str_of(program->examples[i].text), 4, 2, "# ");
        printf("\n  %s\n", program->examples[i].command);
    }
    if (program->notes != NULL) {
        putchar('\n');
        print_notes(str_of(program->notes));
    }
}
