#include "registry/base/options_print.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

enum option { INTO, FROM, KIND, LOUD, NAME };

static const struct option_spec options[] = {
    [INTO] = {"into", "DIR", "", false},          [FROM] = {"from", "FILE", "", false},
    [KIND] = {"kind", "round|square", "", false}, [LOUD] = {"loud", NULL, "", false},
    [NAME] = {"name", "NAME", "", false},
};

static const struct command_spec commands[] = {
    {"put", "HOST…", 1, 9, 1U << INTO | 1U << KIND | 1U << LOUD, "", NULL},
    {"pull", "[FILE]", 0, 1, 1U << FROM | 1U << NAME, "", NULL},
};

static const struct program_spec program = {
    .name = "my-tool", .commands = commands, .command_count = 2, .options = options, .option_count = 5};

/* A folder with the script in it, and things whose names complete. */
static const char *folder(void)
{
    static char path[400];
    char name[500];
    int real, fd;

    if (path[0] != '\0')
        return path;
    snprintf(path, sizeof(path), "%s", test_dir());
    snprintf(name, sizeof(name), "%s/script", path);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    real = dup(1);
    fflush(stdout);
    dup2(fd, 1);
    options_print_completion(&program);
    fflush(stdout);
    dup2(real, 1);
    close(real);
    close(fd);
    snprintf(name, sizeof(name), "%s/reg:5000", path);
    mkdir(name, 0700);
    snprintf(name, sizeof(name), "%s/a file", path);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    return path;
}

/* What the script answers to `line`, whose words bash has split as given, one answer a line, in the order of names. */
static const char *complete(const char *line, const char *words)
{
    static char answer[1000];
    char command[2000];
    FILE *bash;
    size_t n;

    snprintf(
        command, sizeof(command),
        "cd '%s' && exec bash --norc -c '. ./script && COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) "
        "COMP_LINE=\"%s\" COMP_POINT=${#COMP_LINE} && _my_tool && printf \"%%s\\n\" \"${COMPREPLY[@]}\" | sort' 2>&1",
        folder(), words, line);
    bash = popen(command, "r");
    if (bash == NULL)
        test_fail(__FILE__, __LINE__, "no shell");
    n = fread(answer, 1, sizeof(answer) - 1, bash);
    answer[n] = '\0';
    pclose(bash);
    return answer;
}

static const struct {
    const char *line, *words, *answer;
} cases[] = {
    /* commands, then options of the command at hand */
    {"my-tool ", "my-tool \"\"", "pull\nput\n"},
    {"my-tool pul", "my-tool pul", "pull\n"},
    {"my-tool put --", "my-tool put --", "--help\n--into\n--kind\n--loud\n"},
    {"my-tool pull --n", "my-tool pull --n", "--name\n"},
    {"my-tool pull --lo", "my-tool pull --lo", "\n"},
    {"my-tool --v", "my-tool --v", "--version\n"},
    /* a value is no command */
    {"my-tool --name put pul", "my-tool --name put pul", "pull\n"},
    {"my-tool --name=put pul", "my-tool --name = put pul", "pull\n"},
    {"my-tool --loud pul", "my-tool --loud pul", "pull\n"},
    /* values */
    {"my-tool put --kind ", "my-tool put --kind \"\"", "round\nsquare\n"},
    {"my-tool put --kind=s", "my-tool put --kind = s", "square\n"},
    {"my-tool put --kind=", "my-tool put --kind =", "round\nsquare\n"},
    {"my-tool pull --name ", "my-tool pull --name \"\"", "\n"},
    {"my-tool pull --from a", "my-tool pull --from a", "a file\n"},
    {"my-tool put --into ", "my-tool put --into \"\"", "reg:5000\n"},
    {"my-tool pull a", "my-tool pull a", "a file\n"},
    {"my-tool put a", "my-tool put a", "\n"},
    /* words that bash has split at a colon: readline replaces only the last piece */
    {"my-tool put host:5000 --k", "my-tool put host : 5000 --k", "--kind\n"},
    {"my-tool put [2001:db8::5]:5000 --k", "my-tool put \"[2001\" : db8 :: \"5]\" : 5000 --k", "--kind\n"},
    {"my-tool pull --from reg:5", "my-tool pull --from reg : 5", "5000\n"},
    {"my-tool pull --from=reg:5", "my-tool pull --from = reg : 5", "5000\n"},
    {"my-tool pull --from=reg:", "my-tool pull --from = reg :", "5000\n"},
    {"my-tool pull --from reg\\\\:50", "my-tool pull --from reg\\\\:50", "reg:5000\n"},
};

TEST(completes, "bash gets commands, options of the command, and names of files, colons or not")
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer = complete(cases[i].line, cases[i].words);

        if (strcmp(answer, cases[i].answer) != 0)
            test_fail(__FILE__, __LINE__, "\"%s\" is completed by \"%s\", not \"%s\"", cases[i].line, answer,
                      cases[i].answer);
    }
}

TEST(script, "the script is sound and registers itself for the program")
{
    char command[1000];

    snprintf(command, sizeof(command),
             "cd '%s' && bash -n script && bash --norc -c '. ./script; complete -p my-tool' | "
             "grep -qx 'complete -F _my_tool my-tool'",
             folder());
    CHECK_INT(system(command), 0);
}
