#include "registry/base/size_text.h"

#include "tests/unit/test.h"

TEST(sizes, "sizes are told in the unit that leaves few digits")
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},           {1023, "1023 bytes"},           {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},        {UINT64_C(1) << 20, "1.0 MiB"}, {UINT64_C(5) << 30, "5.0 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char out[SIZE_TEXT_ROOM];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_TEXT(size_text(cases[i].bytes, out), cases[i].text);
}
