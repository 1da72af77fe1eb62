/*
 * A small test runner: each TEST is a sentence and a body; a failed CHECK ends its test.
 * A file of tests is a program of its own; it prints one line per failed test and "N passed, N failed".
 */
#ifndef BERTH_TEST_H
#define BERTH_TEST_H

#include <stdbool.h>
#include <stddef.h>

void test_register(const char *sentence, void (*body)(void));
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void test_check_text(const char *file, int line, const char *got, const char *wanted);
/* A fresh directory under $TMPDIR, removed when the program ends. */
const char *test_dir(void);

#define TEST(name, sentence)                                       \
    static void name(void);                                        \
    __attribute__((constructor)) static void name##_register(void) \
    {                                                              \
        test_register(sentence, name);                             \
    }                                                              \
    static void name(void)

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition))                                    \
            test_fail(__FILE__, __LINE__, "%s", #condition); \
    } while (0)

#define CHECK_INT(got, wanted)                                                          \
    do {                                                                                \
        long long got_ = (long long)(got), wanted_ = (long long)(wanted);               \
        if (got_ != wanted_)                                                            \
            test_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #got, got_, wanted_); \
    } while (0)

#define CHECK_TEXT(got, wanted) test_check_text(__FILE__, __LINE__, got, wanted)

#endif
