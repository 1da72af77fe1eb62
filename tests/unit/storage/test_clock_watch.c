/* A clock that runs, stands back and jumps. */
#include "storage/clock_watch.h"
#include "registry/base/log.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum { DAY = 24 * 3600 };

TEST(steady, "a clock that runs with time, or is set back or a little forward, is believed")
{
    struct clock_watch watch = {0};

    CHECK_INT(clock_watch_look(&watch, 1000000, 5000, DAY), 0);
    CHECK_INT(clock_watch_look(&watch, 1000000 + 7200, 5000 + 7200 * 1000, DAY), 0);
    CHECK_INT(clock_watch_look(&watch, 1000000 + 7200 + 60, 5000 + 7200 * 1000, DAY), 0);
    CHECK_INT(clock_watch_look(&watch, 1000, 5000 + 7201 * 1000, DAY), 0);
    CHECK_INT(clock_watch_look(&watch, 1001, 5000 + 7202 * 1000, DAY), 0);
}

TEST(jump, "after a jump forward leases are not believed for a whole grace, however short the looks between")
{
    struct clock_watch watch = {0};
    uint64_t wall_s = 1000000, ms = 5000;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    CHECK_INT(clock_watch_look(&watch, wall_s, ms, DAY), 0);
    wall_s += 40 * DAY;
    CHECK_INT(clock_watch_look(&watch, wall_s, ms, DAY), DAY);
    for (uint64_t hour = 1; hour < 24; hour++)
        CHECK_INT(clock_watch_look(&watch, wall_s + hour * 3600, ms + hour * 3600 * 1000, DAY), DAY - hour * 3600);
    CHECK_INT(clock_watch_look(&watch, wall_s + DAY - 1, ms + (uint64_t)(DAY - 1) * 1000, 3600), 0);
    CHECK_INT(clock_watch_look(&watch, wall_s + DAY, ms + (uint64_t)DAY * 1000, DAY), 0);
}

TEST(text, "who asks just after a jump is told for how long not, and leases of no length do not matter")
{
    struct clock_watch *watch = clock_watch_new();
    struct err e;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    CHECK_INT(clock_watch_check(watch, DAY, &e), 0);
    watch->wall_s -= 3600;
    CHECK_INT(clock_watch_check(watch, DAY, &e), -1);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_TEXT(e.text,
               "the clock was set forward, so that what was just needed looks old; nothing is removed for 86400 s "
               "more (or with --grace 0s)");
    CHECK_INT(clock_watch_check(watch, 0, &e), 0);
    clock_watch_free(&watch);
    CHECK(watch == NULL);
}
