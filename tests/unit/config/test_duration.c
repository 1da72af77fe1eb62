#include "registry/config/duration.h"
#include "tests/unit/test.h"

TEST(values, "durations read as in Go, a bare integer is nanoseconds")
{
    static const struct {
        const char *text;
        uint64_t nanoseconds;
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"5s", 5000000000},
        {"+5s", 5000000000},
        {"168h", 604800000000000},
        {"1h30m", 5400000000000},
        {"1.5h", 5400000000000},
        {"300ms", 300000000},
        {".5s", 500000000},
        {"1.s", 1000000000},
        {"1h2m3s4ms5us6ns", 3723004005006},
        {"2us", 2000},
        {"2\xc2\xb5s", 2000},
        {"2\xce\xbcs", 2000},
        {"0.1ns", 0},
        {"1.9ns", 1},
        {"1.0000000019s", 1000000001},
        {"1000000000", 1000000000},
        {"9223372036854775807", 9223372036854775807},
        {"9223372036854775807ns", 9223372036854775807},
        {"2562047h47m16.854775807s", 9223372036854775807},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = 1;
        struct err e;

        if (duration_parse(str_of(cases[i].text), &got, &e) != 0)
            test_fail(__FILE__, __LINE__, "\"%s\": %s", cases[i].text, e.text);
        if (got != cases[i].nanoseconds)
            test_fail(__FILE__, __LINE__, "\"%s\" is %llu", cases[i].text, (unsigned long long)got);
    }
}

TEST(malformed, "what is no duration is refused and leaves the value alone")
{
    static const char *const cases[] = {
        "",
        "s",
        "h1",
        "5 s",
        "5S",
        "5d",
        "1.2.3s",
        ".s",
        "1h30",
        "5ss",
        "1e3s",
        "0x5s",
        "5s ",
        " 5s",
        "+",
        "five",
        "1h-5m",
        "9223372036854775808",
        ".",
        "5s\n",
        "1,5h",
        "2562048h",
        "99999999999999999999h",
        "2562047h47m16.854775808s",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = 77;
        struct err e = {0};

        if (duration_parse(str_of(cases[i]), &got, &e) != -1 || got != 77)
            test_fail(__FILE__, __LINE__, "\"%s\" is taken", cases[i]);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_TEXT(e.text, "not a duration such as 30s, 1h30m or 168h");
    }
}

TEST(negative, "a negative duration is refused by name")
{
    uint64_t got;
    struct err e;

    CHECK_INT(duration_parse(STR("-5s"), &got, &e), -1);
    CHECK_TEXT(e.text, "a duration cannot be negative");
}
