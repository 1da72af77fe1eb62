#include "registry/base/options_print.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

enum option { INTO, IP };

static const struct option_spec options[] = {
    [INTO] = {"into-dir", "DIR", "where 'it' goes, by default ~", false},
    [IP] = {"ip", "IP4|IP6", ".5 or more", true},
};

static const struct command_spec commands[] = {
    {"put", "HOST…", 1, 2, 1U << INTO | 1U << IP, "back\\slash \"quoted\" ^ `x`", NULL},
    {"leave", "", 0, 0, 0, "goes", NULL},
};

static const struct program_example examples[] = {{"put it", "my-tool put a --into-dir=x"}};
static const struct program_item environment[] = {{"MY_HOME", "where"}};
static const struct program_item files[] = {{"/etc/my-tool", "what"}};

static const struct program_spec full = {
    .name = "my-tool",
    .summary = "puts things",
    .examples = examples,
    .example_count = 1,
    .commands = commands,
    .command_count = 2,
    .options = options,
    .option_count = 2,
    .notes = "First\nparagraph:\n  kept as\n  it is\n.dot\n\nexit status: 0 done, 1 cold\n\nLast — ü \xff.\n",
    .description = "One.\n\nTwo.",
    .environment = environment,
    .environment_count = 1,
    .files = files,
    .file_count = 1,
    .see_also = "ls(1)",
};

static const struct program_spec bare = {
    .name = "bare",
    .summary = "does little",
    .commands = commands,
    .command_count = 2,
    .options = options,
    .option_count = 2,
};

static char path[400];
static char page[8192];

static void print(const struct program_spec *program)
{
    int real = dup(1), fd;
    ssize_t n;

    snprintf(path, sizeof(path), "%s/page.1", test_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    fflush(stdout);
    dup2(fd, 1);
    options_print_man(program);
    fflush(stdout);
    dup2(real, 1);
    close(real);
    n = pread(fd, page, sizeof(page) - 1, 0);
    page[n < 0 ? 0 : n] = '\0';
    close(fd);
}

#define HAS(text) CHECK(strstr(page, text) != NULL)

TEST(sections, "a page has every section that the tables fill, in the usual order")
{
    static const char *const titles[] = {
        ".TH \"MY\\-TOOL\" 1 ",
        ".SH NAME\nmy\\-tool \\- puts things\n",
        ".SH SYNOPSIS\n",
        ".SH DESCRIPTION\nOne.\n.PP\nTwo.\n",
        ".SH COMMANDS\n",
        ".SH OPTIONS\n",
        ".SH \"EXIT STATUS\"\n0 done, 1 cold\n",
        ".SH ENVIRONMENT\n",
        ".SH FILES\n",
        ".SH EXAMPLES\nput it\n",
        ".SH \"SEE ALSO\"\nls(1)\n",
    };
    const char *at = page;

    print(&full);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        at = strstr(at, titles[i]);
        if (at == NULL)
            test_fail(__FILE__, __LINE__, "not there or out of order: %s", titles[i]);
    }
    CHECK(strstr(page, "exit status:") == NULL);
}

TEST(tables, "commands tell their options, and options their values")
{
    print(&full);
    HAS("\\fBmy\\-tool\\fR \\fBput\\fR \\fIHOST...\\fR [\\fIOPTION\\fR...]\n");
    HAS(".TP\n\\fBput\\fR \\fIHOST...\\fR\n");
    HAS("Options: \\fB\\-\\-into\\-dir\\fR,\n\\fB\\-\\-ip\\fR\n");
    HAS(".TP\n\\fBleave\\fR\ngoes\n.SH OPTIONS");
    HAS("\\fB\\-\\-ip\\fR \\fIIP4|\\:IP6\\fR\n\\&.5 or more\n(may be given several times)\n");
    HAS(".nf\nmy\\-tool put a \\-\\-into\\-dir=x\n.fi\n");
}

TEST(escapes, "what roff would take for its own, and what is not ASCII, is written in its names")
{
    print(&full);
    HAS("back\\eslash \\(dqquoted\\(dq \\(ha \\(gax\\(ga\n");
    HAS("where \\(aqit\\(aq goes, by default \\(ti\n");
    HAS("paragraph:\n.PP\n.RS 4\n.nf\n  kept as\n  it is\n.fi\n.RE\n\\&.dot\n");
    HAS("Last \\[u2014] \\[u00FC] \\[uFFFD].\n");
    for (const char *p = page; *p != '\0'; p++)
        CHECK((unsigned char)*p < 0x7f);
}

TEST(defaults, "without notes the exit statuses are those that all programs have")
{
    print(&bare);
    HAS(".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\ndone\n");
    HAS("\\fB3\\fR\nwhat was named is not there\n");
    CHECK(strstr(page, "EXAMPLES") == NULL && strstr(page, "FILES") == NULL && strstr(page, "ENVIRONMENT") == NULL);
    CHECK(strstr(page, "SEE ALSO") == NULL);
}

static int format(const struct program_spec *program)
{
    char command[1000];

    print(program);
    snprintf(command, sizeof(command), "test -z \"$(groff -man -ww -Tutf8 '%s' 2>&1 >/dev/null)\"", path);
    return system(command);
}

TEST(formats, "groff formats a page without a warning")
{
    CHECK_INT(format(&full), 0);
    CHECK_INT(format(&bare), 0);
}
