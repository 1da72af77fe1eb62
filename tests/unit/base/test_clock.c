#include "registry/base/clock.h"

#include <stdint.h>

#include "tests/unit/test.h"

TEST(text, "a time is written as RFC 3339 has it, and one that no calendar has as its number")
{
    char text[CLOCK_TEXT_ROOM];

    clock_text(1795342530, text);
    CHECK_TEXT(text, "2026-11-22T10:15:30Z");
    clock_text(0, text);
    CHECK_TEXT(text, "1970-01-01T00:00:00Z");
    clock_text(INT64_MAX, text);
    CHECK_TEXT(text, "9223372036854775807");
}

TEST(stamp, "a stamp is fit for a file's name, and empty for a time that no calendar has")
{
    char stamp[CLOCK_TEXT_ROOM];

    CHECK(clock_stamp(1795342530, stamp));
    CHECK_TEXT(stamp, "2026-11-22T101530Z");
    CHECK(!clock_stamp(INT64_MAX, stamp));
    CHECK_TEXT(stamp, "");
}
