#include "registry/base/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

enum option { NAME, LOUD, GIFT, PRESENT };

static const struct option_spec options[] = {
    [NAME] = {"name", "NAME", "a name", false},
    [LOUD] = {"loud", NULL, "loudly", false},
    [GIFT] = {"gift", "THING", "something to give", true},
    [PRESENT] = {"a-present-for", "THE-ONE-WHO-COMES", "from whom", false},
};

static struct invocation seen;
static char first[32];

static const char *gifts[4];

static int run(const struct invocation *call)
{
    seen = *call;
    snprintf(first, sizeof(first), "%s", call->argument_count > 0 ? call->arguments[0] : "");
    for (size_t i = 0; i < 4; i++)
        gifts[i] = option_value(call, GIFT, i);
    return EXIT_NOT_FOUND;
}

static const struct command_spec commands[] = {
    {"greet", "WHO…", 1, 2, 1U << NAME | 1U << LOUD | 1U << GIFT, "says hello", run},
    {"leave", "", 0, 0, 1U << LOUD, "goes away", run},
};

static const struct program_example examples[] = {
    {"greet a friend", "tool greet Ann --loud"},
    {"go", "tool leave"},
};

static const uint64_t exclusive[] = {1U << LOUD | 1U << GIFT};

static const struct program_spec program = {
    .name = "tool",
    .summary = "a tool",
    .examples = examples,
    .example_count = 2,
    .commands = commands,
    .command_count = 2,
    .options = options,
    .option_count = 4,
    .exclusive = exclusive,
    .exclusive_count = 1,
    .notes = "the end\n",
};

/* Run the program with what it prints on `stream` (1 or 2) kept in `printed`. */
static char printed[8192];

static int call_program(const struct program_spec *which, int stream, const char *const *words)
{
    static char copies[8][32]; /* `seen` points into it */
    char *argv[9];
    char path[400];
    int argc = 0, status, real, fd;
    ssize_t n;

    for (; words[argc] != NULL; argc++) {
        snprintf(copies[argc], sizeof(copies[argc]), "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    memset(&seen, 0, sizeof(seen));
    snprintf(path, sizeof(path), "%s/printed", test_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    real = dup(stream);
    fflush(stdout);
    dup2(fd, stream);
    status = program_run(which, argc, argv);
    fflush(stdout);
    dup2(real, stream);
    close(real);
    n = pread(fd, printed, sizeof(printed) - 1, 0);
    printed[n < 0 ? 0 : n] = '\0';
    close(fd);
    return status;
}

static int call_with(int stream, const char *const *words)
{
    return call_program(&program, stream, words);
}

#define CALL(stream, ...) call_with(stream, (const char *const[]){"tool", __VA_ARGS__, NULL})

TEST(good, "options may stand anywhere, and the command's status is the program's")
{
    CHECK_INT(CALL(2, "--name", "n", "greet", "--loud", "you"), EXIT_NOT_FOUND);
    CHECK(seen.command == &commands[0]);
    CHECK(seen.given[LOUD] && seen.given[NAME]);
    CHECK_INT(seen.argument_count, 1);
    CHECK_TEXT(first, "you");
    CHECK_INT(CALL(2, "greet", "--", "--loud"), EXIT_NOT_FOUND);
    CHECK_TEXT(first, "--loud");
    CHECK(!seen.given[LOUD]);
}

static const struct {
    const char *words[6];
    const char *text;
} wrong[] = {
    {{"tool"}, "tool: no command given; \"tool --help\" tells how it is used\n"},
    {{"tool", "sing"}, "tool: unknown command sing; \"tool --help\" tells how it is used\n"},
    {{"tool", "greet", "--quiet", "x"},
     "tool: unknown or malformed option --quiet; \"tool --help\" tells how it is used\n"},
    {{"tool", "greet", "-q", "x"}, "tool: unknown or malformed option -q; \"tool --help\" tells how it is used\n"},
    {{"tool", "greet", "x", "--name"}, "tool: a value is missing after --name; \"tool --help\" tells how it is used\n"},
    {{"tool", "greet", "--loud=1", "x"},
     "tool: unknown or malformed option --loud=1; \"tool --help\" tells how it is used\n"},
    {{"tool", "leave", "--name=x"}, "tool: leave does not take --name; \"tool leave --help\" tells what it takes\n"},
    {{"tool", "greet", "--name=x", "--name=x"}, "tool: --name may be given once only\n"},
    {{"tool", "greet", "x", "--loud", "--gift=book"}, "tool: --loud and --gift exclude each other\n"},
    {{"tool", "greet"}, "tool: usage: tool greet WHO…\n"},
    {{"tool", "leave", "x"}, "tool: usage: tool leave\n"},
};

TEST(bad, "a wrong command line runs nothing, says what is wrong and exits with 2")
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_INT(call_with(2, wrong[i].words), EXIT_USAGE);
        CHECK_TEXT(printed, wrong[i].text);
        CHECK(seen.command == NULL);
    }
}

TEST(repeated, "an option that may be repeated keeps all its values in order")
{
    CHECK_INT(CALL(2, "greet", "--gift", "cake", "you", "--gift=book"), EXIT_NOT_FOUND);
    CHECK_TEXT(gifts[0], "cake");
    CHECK_TEXT(gifts[1], "book");
    CHECK(gifts[2] == NULL && gifts[3] == NULL);
    CHECK_TEXT(seen.values[GIFT], "cake");
    CHECK_INT(CALL(2, "greet", "you"), EXIT_NOT_FOUND);
    CHECK(gifts[0] == NULL);
}

TEST(help, "help lists the commands, the options, the examples and the notes")
{
    CHECK_INT(CALL(1, "--help"), EXIT_DONE);
    CHECK(strstr(printed, "tool: a tool\n\nusage: tool COMMAND") == printed);
    CHECK(strstr(printed, "  greet WHO…           says hello\n  leave                goes away\n") != NULL);
    CHECK(strstr(printed, "  --a-present-for THE-ONE-WHO-COMES\n                       from whom\n") != NULL);
    CHECK(strstr(printed, "  --gift THING…        something to give\n") != NULL);
    CHECK(strstr(printed, "\n\nexamples:\n  # greet a friend\n  tool greet Ann --loud\n\n  # go\n  tool leave\n"
                          "\nthe end\n") != NULL);
    CHECK_INT(CALL(1, "--version"), EXIT_DONE);
    CHECK_TEXT(printed, "tool " BERTH_VERSION "\n");
}

TEST(help_of_one, "help beside a command's name is about that command alone")
{
    static const char of_leave[] = "usage: tool leave [OPTION…]\n\ngoes away\n\noptions:\n"
                                   "  --loud               loudly\n  --help, -h           this text\n"
                                   "\nexamples:\n  # go\n  tool leave\n";

    CHECK_INT(CALL(1, "leave", "--help"), EXIT_DONE);
    CHECK_TEXT(printed, of_leave);
    CHECK_INT(CALL(1, "--loud", "leave", "-h"), EXIT_DONE);
    CHECK_TEXT(printed, of_leave);
    CHECK_INT(CALL(1, "--help", "leave"), EXIT_DONE);
    CHECK_TEXT(printed, of_leave);
    CHECK_INT(CALL(1, "greet", "Ann", "-h"), EXIT_DONE);
    CHECK(strstr(printed, "usage: tool greet WHO… [OPTION…]\n") == printed);
    CHECK(strstr(printed, "--gift THING…") != NULL && strstr(printed, "--a-present-for") == NULL);
}

TEST(help_of_many, "a program of many commands tells where the options of each are told, and no options itself")
{
    struct command_spec many[10];
    struct program_spec large = program;

    for (size_t i = 0; i < 10; i++)
        many[i] = commands[1];
    large.commands = many;
    large.command_count = 10;
    CHECK_INT(call_program(&large, 1, (const char *const[]){"tool", "--help", NULL}), EXIT_DONE);
    CHECK(strstr(printed, "\n\n\"tool COMMAND --help\" tells the options of a command, with examples; \"man tool\" "
                          "has them all.\n\nthe end\n") != NULL);
    CHECK(strstr(printed, "--loud") == NULL);
}

TEST(filled, "help breaks long texts between words before column 101, and leaves indented lines alone")
{
    static const char words[] = "sixteen letters, sixteen letters, sixteen letters, sixteen letters, sixteen letters, "
                                "sixteen letters,\nsixteen letters";
    static const char indented[] = "  0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
                                   "0123456789 0123456789 0123456789";
    static const struct option_spec long_option = {"name", "NAME", words, false};
    struct program_spec long_program = {.name = "tool", .summary = "a tool", .commands = commands, .command_count = 1};
    char notes[400];

    snprintf(notes, sizeof(notes), "%s\n\n%s\n", words, indented);
    long_program.options = &long_option;
    long_program.option_count = 1;
    long_program.notes = notes;
    CHECK_INT(call_program(&long_program, 1, (const char *const[]){"tool", "--help", NULL}), EXIT_DONE);
    CHECK(strstr(printed, "  --name NAME          sixteen letters, sixteen letters, sixteen letters, sixteen letters, "
                          "sixteen\n                       letters, sixteen letters, sixteen letters\n") != NULL);
    CHECK(strstr(printed, "\nsixteen letters, sixteen letters, sixteen letters, sixteen letters, sixteen letters, "
                          "sixteen\nletters, sixteen letters\n\n") != NULL);
    CHECK(strstr(printed, indented) != NULL);
}

TEST(installed, "the manual page and the completions are printed for whoever installs the program")
{
    CHECK_INT(CALL(1, "--man"), EXIT_DONE);
    CHECK(strstr(printed, "\n.TH \"TOOL\" 1 \"\" \"Berth " BERTH_VERSION "\" \"Berth\"\n") != NULL);
    CHECK_INT(CALL(1, "--completion"), EXIT_DONE);
    CHECK(strstr(printed, "\ncomplete -F _tool tool\n") != NULL);
}

TEST(numbers, "a number is within its range, or the default when the option is not given")
{
    struct invocation call = {.program = &program, .command = commands};
    uint64_t number;
    struct err e;

    CHECK_INT(option_number(&call, NAME, 1, 9, 5, &number, &e), 0);
    CHECK_INT(number, 5);
    call.given[NAME] = true;
    call.values[NAME] = "9";
    CHECK_INT(option_number(&call, NAME, 1, 9, 5, &number, &e), 0);
    CHECK_INT(number, 9);
    for (size_t i = 0; i < 5; i++) {
        call.values[NAME] = (const char *const[]){"10", "0", "-1", "x", ""}[i];
        CHECK_INT(option_number(&call, NAME, 1, 9, 5, &number, &e), -1);
        CHECK_TEXT(e.text, "--name takes a number from 1 to 9");
    }
}

TEST(parse, "a command line can be checked without running anything, and then says what is wrong with it")
{
    static const struct {
        const char *words[4], *wanted;
    } cases[] = {
        {{"tool", "greet", "Ann", "--loud"}, ""},
        {{"tool", "greet"}, "usage: tool greet WHO…"},
        {{"tool", "sing", "Ann"}, "unknown command sing; \"tool --help\" tells how it is used"},
        {{"tool", "leave", "--soon"}, "unknown or malformed option --soon; \"tool --help\" tells how it is used"},
        {{"tool", "--help"}, "no command given"},
        {{"tool"}, "no command given; \"tool --help\" tells how it is used"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct invocation call;
        struct err e = {0};
        char *words[5] = {0};
        int n = 0, rc;

        for (; n < 4 && cases[i].words[n] != NULL; n++)
            words[n] = strdup(cases[i].words[n]);
        rc = program_parse(&program, n, words, &call, &e);
        CHECK_TEXT(e.text, cases[i].wanted);
        CHECK_INT(rc, cases[i].wanted[0] == '\0' ? 0 : -1);
        if (rc == 0) {
            CHECK_TEXT(call.command->name, "greet");
            CHECK_TEXT(call.arguments[0], "Ann");
            CHECK(call.given[LOUD]);
            invocation_free(&call);
        }
        while (n > 0)
            free(words[--n]);
    }
}
