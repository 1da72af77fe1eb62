#include "tests/unit/test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TESTS_MAX = 500 };

static struct {
    const char *sentence;
    void (*body)(void);
} tests[TESTS_MAX];
static size_t test_count;
static jmp_buf after_failure;
static const char *running;
static char directory[256];

void test_register(const char *sentence, void (*body)(void))
{
    if (test_count == TESTS_MAX)
        abort();
    tests[test_count].sentence = sentence;
    tests[test_count++].body = body;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    printf("FAILED %s\n  %s:%d: ", running, file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    longjmp(after_failure, 1);
}

void test_check_text(const char *file, int line, const char *got, const char *wanted)
{
    if (got == NULL || strcmp(got, wanted) != 0)
        test_fail(file, line, "got \"%s\", wanted \"%s\"", got == NULL ? "(null)" : got, wanted);
}

static void remove_directory(void)
{
    char command[300];

    if (directory[0] == '\0')
        return;
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", directory);
    directory[0] = '\0';
}

const char *test_dir(void)
{
    const char *base = getenv("TMPDIR");

    remove_directory();
    snprintf(directory, sizeof(directory), "%s/berth-test.XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(directory) == NULL)
        abort();
    return directory;
}

int main(void)
{
    volatile size_t failed = 0;

    for (volatile size_t i = 0; i < test_count; i++) {
        running = tests[i].sentence;
        if (setjmp(after_failure) == 0)
            tests[i].body();
        else
            failed++;
    }
    remove_directory();
    printf("%zu passed, %zu failed\n", test_count - failed, (size_t)failed);
    fflush(stdout); /* a sanitizer that finds a leak ends the process without */
    return failed == 0 && test_count > 0 ? 0 : 1;
}
