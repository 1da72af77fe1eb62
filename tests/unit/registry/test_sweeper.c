#include "registry/commands.h"
#include "registry/sweeper.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/log.h"

enum { DAY = 24 * 3600 };

TEST(steady, "a clock that runs with time, or is set back or a little forward, is believed")
{
    struct clock_watch watch = {0};

    CHECK(clock_watch_trusts(&watch, 1000000, 5000, DAY));
    CHECK(clock_watch_trusts(&watch, 1000000 + 7200, 5000 + 7200 * 1000, DAY));
    CHECK(clock_watch_trusts(&watch, 1000000 + 7200 + 60, 5000 + 7200 * 1000, DAY));
    CHECK(clock_watch_trusts(&watch, 1000, 5000 + 7201 * 1000, DAY));
    CHECK(clock_watch_trusts(&watch, 1001, 5000 + 7202 * 1000, DAY));
}

TEST(jump, "after a jump forward leases are not believed for a whole grace, however short the looks between")
{
    struct clock_watch watch = {0};
    uint64_t wall_s = 1000000, ms = 5000;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    CHECK(clock_watch_trusts(&watch, wall_s, ms, DAY));
    wall_s += 40 * DAY;
    CHECK(!clock_watch_trusts(&watch, wall_s, ms, DAY));
    for (int hour = 1; hour < 24; hour++)
        CHECK(!clock_watch_trusts(&watch, wall_s + (uint64_t)hour * 3600, ms + (uint64_t)hour * 3600 * 1000, DAY));
    CHECK(clock_watch_trusts(&watch, wall_s + DAY, ms + (uint64_t)DAY * 1000, DAY));
}

/* ---- distribution's command line ---- */

static void spells(const char *given, const char *wanted)
{
    char text[200], got[400] = "";
    char *words[20] = {0}, **out;
    int n = 0;

    snprintf(text, sizeof(text), "%s", given);
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    out = gc_spell_out(&n, words);
    for (int i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i == 0 ? "" : " ", out[i]);
    CHECK_TEXT(got, wanted);
    CHECK(out[n] == NULL);
    if (out != words)
        free(out);
}

TEST(short_options, "short options of garbage-collect are spelled out, and nothing else is touched")
{
    static const struct {
        const char *given, *wanted;
    } cases[] = {
        {"registry garbage-collect -d config.yml", "registry garbage-collect --dry-run config.yml"},
        {"registry garbage-collect config.yml -dmq",
         "registry garbage-collect config.yml --dry-run --delete-untagged --quiet"},
        {"registry garbage-collect --dry-run -m c", "registry garbage-collect --dry-run --delete-untagged c"},
        {"registry garbage-collect -dx c", "registry garbage-collect -dx c"},
        {"registry garbage-collect - --", "registry garbage-collect - --"},
        {"berth gc -d c", "berth gc -d c"},
        {"berth serve -d", "berth serve -d"},
        {"berth", "berth"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        spells(cases[i].given, cases[i].wanted);
}
