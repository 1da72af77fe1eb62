/* The tables of `berth` are complete: what is made from them, help, manual page and completions, can be made. */
#include "registry/commands/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

enum { LEAST = 1000 }; /* bytes that any of them has */

/* Run `berth` with up to two words and its output into a file; returns how long that is, -1 when the status is not 0. */
static long print(const char *first, const char *second)
{
    char words[3][32] = {"berth"};
    char *argv[] = {words[0], words[1], second == NULL ? NULL : words[2], NULL};
    char path[400];
    int real, fd, status;
    off_t length;

    snprintf(words[1], sizeof(words[1]), "%s", first);
    if (second != NULL)
        snprintf(words[2], sizeof(words[2]), "%s", second);
    snprintf(path, sizeof(path), "%s/printed", test_dir());
    fflush(stdout);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    real = dup(1);
    dup2(fd, 1);
    status = program_run(berth_program(), second == NULL ? 2 : 3, argv);
    fflush(stdout);
    dup2(real, 1);
    length = lseek(fd, 0, SEEK_END);
    close(real);
    close(fd);
    return status == EXIT_DONE ? (long)length : -1;
}

TEST(rows, "every command says what it takes, what it does and who does it; every option what it is for")
{
    const struct program_spec *berth = berth_program();

    for (size_t i = 0; i < berth->command_count; i++) {
        CHECK(berth->commands[i].name != NULL && berth->commands[i].arguments != NULL);
        CHECK(berth->commands[i].help != NULL && berth->commands[i].run != NULL);
        CHECK(berth->commands[i].min <= berth->commands[i].max);
        CHECK((berth->commands[i].arguments[0] == '\0') == (berth->commands[i].max == 0));
    }
    for (size_t i = 0; i < berth->option_count; i++)
        CHECK(berth->options[i].name != NULL && berth->options[i].help != NULL);
}

TEST(installed, "help, manual page and completions are printed to the end")
{
    CHECK(print("--help", NULL) > LEAST);
    CHECK(print("--man", NULL) > LEAST);
    CHECK(print("--completion", NULL) > LEAST);
}

TEST(each, "every command has help and an example of its own but the one that distribution spells")
{
    const struct program_spec *berth = berth_program();

    for (size_t i = 0; i < berth->command_count; i++) {
        const char *name = berth->commands[i].name;
        char shown[64];
        bool found = false;

        CHECK(print(name, "--help") > 100);
        snprintf(shown, sizeof(shown), "berth %s", name);
        for (size_t k = 0; k < berth->example_count; k++)
            found = found || strstr(berth->examples[k].command, shown) != NULL;
        CHECK(found || strcmp(name, "garbage-collect") == 0);
    }
}
