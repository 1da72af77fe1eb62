#include "registry/base/options_print.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* base */
#include "registry/base/roff.h"
#include "registry/base/str.h"

static const char own_status[] = "exit status:";

/* What a program may exit with when its notes say nothing of their own. */
static const struct program_item statuses[] = {
    {"0", "done"},
    {"1", "it could not be done, or the answer is no"},
    {"2", "the command line is wrong"},
    {"3", "what was named is not there"},
};

/* Lines that are to stay as they are. */
static void begin_literal(void)
{
    fputs(".PP\n.RS 4\n.nf\n", stdout);
}

static void end_literal(void)
{
    fputs(".fi\n.RE\n", stdout);
}

/* Text of paragraphs. Those that tell the exit status are what is printed, or what is left out. */
static void put_paragraphs(const char *text, bool wants_status)
{
    struct str rest = str_of(text == NULL ? "" : text);
    bool literal = false, fresh = true, wanted = false;

    while (rest.n > 0) {
        struct str line = {rest.p, str_find(rest, '\n')};
        bool indented = line.n > 0 && line.p[0] == ' ';

        rest = str_from(rest, line.n + 1);
        if (fresh)
            wanted = str_starts(line, STR("exit status:")) == wants_status;
        if (fresh && wants_status && wanted)
            line = str_trim(str_from(line, sizeof(own_status) - 1));
        fresh = fresh && line.n == 0;
        if (literal && !indented)
            end_literal();
        if (wanted && indented && !literal)
            begin_literal();
        literal = wanted && indented;
        if (wanted && line.n > 0)
            roff_line(line);
        else if (line.n == 0 && rest.n > 0) {
            fresh = true;
            if (!wants_status)
                puts(".PP");
        }
    }
    if (literal)
        end_literal();
}

static void print_synopsis(const struct program_spec *program)
{
    puts(".SH SYNOPSIS");
    for (size_t i = 0; i < program->command_count; i++) {
        const struct command_spec *command = &program->commands[i];

        roff_font('B', program->name);
        putchar(' ');
        roff_font('B', command->name);
        if (command->arguments[0] != '\0') {
            putchar(' ');
            roff_font('I', command->arguments);
        }
        puts(command->options != 0 ? " [\\fIOPTION\\fR...]\n.br" : "\n.br");
    }
    roff_font('B', program->name);
    puts(" \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR");
}

static void print_command(const struct program_spec *program, const struct command_spec *command)
{
    const char *between = "Options: ";

    puts(".TP");
    roff_font('B', command->name);
    if (command->arguments[0] != '\0') {
        putchar(' ');
        roff_font('I', command->arguments);
    }
    putchar('\n');
    roff_line(str_of(command->help));
    if (command->options == 0)
        return;
    puts(".br");
    for (size_t i = 0; i < program->option_count; i++) {
        if (!command_takes(command, i))
            continue;
        fputs(between, stdout);
        fputs("\\fB\\-\\-", stdout);
        roff_text(str_of(program->options[i].name));
        fputs("\\fR", stdout);
        between = ",\n";
    }
    putchar('\n');
}

static void print_options(const struct program_spec *program)
{
    puts(".SH OPTIONS");
    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *option = &program->options[i];

        fputs(".TP\n\\fB\\-\\-", stdout);
        roff_text(str_of(option->name));
        fputs("\\fR", stdout);
        if (option->value != NULL) {
            putchar(' ');
            roff_font('I', option->value);
        }
        putchar('\n');
        roff_line(str_of(option->help));
        if (option->repeats)
            puts("(may be given several times)");
    }
    puts(".TP\n\\fB\\-\\-help\\fR, \\fB\\-h\\fR\nprint what it can do, with examples");
    puts(".TP\n\\fB\\-\\-version\\fR\nprint the version");
}

static void print_items(const char *section, const struct program_item *items, size_t n)
{
    if (n > 0)
        printf(".SH %s\n", section);
    for (size_t i = 0; i < n; i++) {
        puts(".TP");
        roff_font('B', items[i].name);
        putchar('\n');
        roff_line(str_of(items[i].text));
    }
}

static void print_status(const struct program_spec *program)
{
    if (program->notes != NULL && strstr(program->notes, own_status) != NULL) {
        puts(".SH \"EXIT STATUS\"");
        put_paragraphs(program->notes, true);
    } else {
        print_items("\"EXIT STATUS\"", statuses, sizeof(statuses) / sizeof(statuses[0]));
    }
}

static void print_examples(const struct program_spec *program)
{
    if (program->example_count > 0)
        puts(".SH EXAMPLES");
    for (size_t i = 0; i < program->example_count; i++) {
        if (i > 0)
            puts(".PP");
        roff_line(str_of(program->examples[i].text));
        begin_literal();
        roff_line(str_of(program->examples[i].command));
        end_literal();
    }
}

/* No date: the same sources make the same page. */
static void print_title(const struct program_spec *program)
{
    printf(".\\\" Made by \"%s --man\" from the tables that it works by.\n.TH \"", program->name);
    for (const char *p = program->name; *p != '\0'; p++)
        roff_text((struct str){(const char[]){(char)toupper((unsigned char)*p)}, 1});
    printf("\" 1 \"\" \"Berth %s\" \"Berth\"\n.nh\n.ad l\n.SH NAME\n", BERTH_VERSION);
    roff_text(str_of(program->name));
    fputs(" \\- ", stdout);
    roff_text(str_of(program->summary));
    putchar('\n');
}

void options_print_man(const struct program_spec *program)
{
    print_title(program);
    print_synopsis(program);
    puts(".SH DESCRIPTION");
    put_paragraphs(program->description == NULL ? program->summary : program->description, false);
    if (program->notes != NULL) {
        puts(".PP");
        put_paragraphs(program->notes, false);
    }
    puts(".SH COMMANDS");
    for (size_t i = 0; i < program->command_count; i++)
        print_command(program, &program->commands[i]);
    print_options(program);
    print_status(program);
    print_items("ENVIRONMENT", program->environment, program->environment_count);
    print_items("FILES", program->files, program->file_count);
    print_examples(program);
    if (program->see_also != NULL) {
        puts(".SH \"SEE ALSO\"");
        roff_line(str_of(program->see_also));
    }
}
