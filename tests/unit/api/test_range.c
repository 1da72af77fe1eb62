#include "registry/api/range.h"

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

TEST(parts, "one range of bytes is served, cut at the end of the content")
{
    static const struct {
        const char *header;
        uint64_t size, first, last;
    } cases[] = {
        {"bytes=0-0", 10, 0, 0},
        {"bytes=0-9", 10, 0, 9},
        {"bytes=9-9", 10, 9, 9},
        {"bytes=5-", 10, 5, 9},
        {"bytes=5-100", 10, 5, 9},
        {"bytes=0-18446744073709551615", 10, 0, 9},
        {"bytes=-1", 10, 9, 9},
        {"bytes=-10", 10, 0, 9},
        {"bytes=-100", 10, 0, 9},
        {"bytes=-18446744073709551615", 10, 0, 9},
        {"bytes=0-18446744073709551616", 10, 0, 9},
        {"bytes=-99999999999999999999999", 10, 0, 9},
        {"bytes= 1-2 ", 10, 1, 2},
        {"bytes=0-", UINT64_MAX, 0, UINT64_MAX - 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t first = 77, last = 77;

        if (range_parse(str_of(cases[i].header), cases[i].size, &first, &last) != RANGE_PART)
            test_fail(__FILE__, __LINE__, "%s is no part", cases[i].header);
        CHECK_INT(first, cases[i].first);
        CHECK_INT(last, cases[i].last);
    }
}

TEST(unsatisfiable, "a range that lies outside the content is unsatisfiable")
{
    static const struct {
        const char *header;
        uint64_t size;
    } cases[] = {
        {"bytes=10-", 10}, {"bytes=10-20", 10}, {"bytes=18446744073709551616-", 10},
        {"bytes=5-4", 10}, {"bytes=-0", 10},    {"bytes=0-", 0},
        {"bytes=0-0", 0},  {"bytes=-1", 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t first, last;

        if (range_parse(str_of(cases[i].header), cases[i].size, &first, &last) != RANGE_UNSATISFIABLE)
            test_fail(__FILE__, __LINE__, "%s of %d", cases[i].header, (int)cases[i].size);
    }
}

TEST(whole, "a header that may be ignored is: other units, several ranges, malformed ones")
{
    static const char *const headers[] = {
        "",           "bytes",       "bytes=",        "bytes=-",     "bytes=0",   "lines=0-1",
        "bytes=0-1,", "bytes=,0-1",  "bytes=0-1,2-3", "bytes=a-b",   "bytes=0-b", "bytes=+1-2",
        "bytes=1--2", "bytes=--1",   "bytes=0x0-1",   "bytes=0-1-2", "bytes 0-1", "0-1",
        "bytes=-x",   "bytes=1.0-2", "bytes=1 - 2",
    };

    for (size_t i = 0; i < COUNT(headers); i++) {
        uint64_t first, last;

        if (range_parse(str_of(headers[i]), 10, &first, &last) != RANGE_WHOLE)
            test_fail(__FILE__, __LINE__, "\"%s\"", headers[i]);
    }
}

TEST(chunks, "a chunk's range is read with and without unit and size")
{
    static const struct {
        const char *header;
        uint64_t first, last;
    } cases[] = {
        {"0-0", 0, 0},
        {"5-9", 5, 9},
        {"bytes 5-9/10", 5, 9},
        {"bytes 5-9/*", 5, 9},
        {"bytes=5-9", 5, 9},
        {"5-9/anything", 5, 9},
        {"0-18446744073709551615", 0, UINT64_MAX},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t first = 77, last = 77;

        if (!range_parse_chunk(str_of(cases[i].header), &first, &last))
            test_fail(__FILE__, __LINE__, "\"%s\"", cases[i].header);
        CHECK_INT(first, cases[i].first);
        CHECK_INT(last, cases[i].last);
    }
}

TEST(bad_chunks, "a chunk's range that is malformed or reversed is refused")
{
    static const char *const headers[] = {
        "",          "-",      "5",      "5-",      "-5",
        "9-5",       "a-b",    "5-9-10", "5 - 9",   "bytes */10",
        "lines 5-9", "/5-9",   "+5-9",   "0x5-0x9", "0-18446744073709551616",
        "bytes",     "bytes ", "5,9",
    };

    for (size_t i = 0; i < COUNT(headers); i++) {
        uint64_t first, last;

        if (range_parse_chunk(str_of(headers[i]), &first, &last))
            test_fail(__FILE__, __LINE__, "\"%s\"", headers[i]);
    }
}
