#include "registry/ops/size_text.h"
#include "tests/unit/test.h"

TEST(sizes, "a size is told in the unit in which it has one to four digits")
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {1023, "1023 bytes"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1024 * 1024, "1.0 MiB"},
        {3ULL << 30, "3.0 GiB"},
        {1ULL << 50, "1.0 PiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char text[SIZE_TEXT_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_TEXT(size_text(cases[i].bytes, text), cases[i].text);
}
