#include "registry/config/size.h"
#include "tests/unit/test.h"

TEST(values, "a size is a number of bytes, or of KiB, MiB, GiB or TiB, or of KB, MB, GB or TB")
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"100B", 100},
        {"64KiB", 65536},
        {"4MiB", 4194304},
        {"1GiB", 1073741824},
        {"2TiB", 2ULL << 40},
        {"9223372036854775807", 9223372036854775807},
        {"3KB", 3000},
        {"10MB", 10000000},
        {"100GB", 100000000000},
        {"2TB", 2000000000000},
        {"0TiB", 0},
        {"8388607TiB", 8388607ULL << 40},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = 1;
        struct err e;

        if (size_parse(str_of(cases[i].text), &got, &e) != 0)
            test_fail(__FILE__, __LINE__, "\"%s\": %s", cases[i].text, e.text);
        if (got != cases[i].bytes)
            test_fail(__FILE__, __LINE__, "\"%s\" is %llu", cases[i].text, (unsigned long long)got);
    }
}

TEST(malformed, "what is no size is refused and leaves the value alone")
{
    static const char *const cases[] = {"",      "MiB", "1.5MiB", "-1",    "+1",   " 1",
                                        "1 MiB", "1mb", "1mib",   "1KiBx", "0x10", "99999999999999999999"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = 7;
        struct err e;

        if (size_parse(str_of(cases[i]), &got, &e) == 0 || got != 7)
            test_fail(__FILE__, __LINE__, "\"%s\" is %llu", cases[i], (unsigned long long)got);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_TEXT(e.text, "not a size such as 64MiB, 1GiB or a number of bytes");
    }
}

TEST(too_large, "no size is larger than a file can be")
{
    static const char *const cases[] = {"9223372036854775808", "8388608TiB", "8589934592GiB", "9223373TB"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = 7;
        struct err e;

        CHECK_INT(size_parse(str_of(cases[i]), &got, &e), -1);
        CHECK_TEXT(e.text, "more bytes than a file can have");
        CHECK_INT(got, 7);
    }
}
