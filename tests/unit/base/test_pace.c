#include "registry/base/pace.h"

#include "tests/unit/test.h"

TEST(pace, "the first time counts, then one a minute, and each says how many did not")
{
    struct pace pace = {0};
    uint64_t held = 99;

    CHECK(pace_take(&pace, 500, PACE_MINUTE_MS, &held));
    CHECK_INT(held, 0);
    for (int i = 0; i < 7; i++)
        CHECK(!pace_take(&pace, 501 + (uint64_t)i, PACE_MINUTE_MS, &held));
    CHECK(!pace_take(&pace, 500 + PACE_MINUTE_MS - 1, PACE_MINUTE_MS, &held));
    CHECK(pace_take(&pace, 500 + PACE_MINUTE_MS, PACE_MINUTE_MS, &held));
    CHECK_INT(held, 8);
    CHECK(pace_take(&pace, 500 + 3 * PACE_MINUTE_MS, PACE_MINUTE_MS, &held));
    CHECK_INT(held, 0);
}
