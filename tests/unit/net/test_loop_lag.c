#include "registry/net/loop_lag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

/* What stands behind `sample` in the text of these loops; empty when it is not there. */
static void value_of(const struct loop_lag *const *lags, size_t n, const char *sample, char out[64])
{
    struct sbuf text = {0};
    const char *at;

    loop_lag_text(lags, n, &text);
    at = strstr(sbuf_text(&text), sample);
    out[0] = '\0';
    if (at != NULL && at[strlen(sample)] == ' ')
        snprintf(out, 64, "%.*s", (int)strcspn(at + strlen(sample) + 1, "\n"), at + strlen(sample) + 1);
    sbuf_free(&text);
}

static void check_value(const struct loop_lag *const *lags, size_t n, const char *sample, const char *wanted)
{
    char value[64];

    value_of(lags, n, sample, value);
    CHECK_TEXT(value, wanted);
}

TEST(buckets, "a turn counts in every bucket whose bound it does not pass, and in the last always")
{
    struct loop_lag lag = {0};
    const struct loop_lag *const lags[] = {&lag};

    loop_lag_note(&lag, 0);
    loop_lag_note(&lag, 1);
    loop_lag_note(&lag, 2);
    loop_lag_note(&lag, 100);
    loop_lag_note(&lag, 101);
    loop_lag_note(&lag, 1001);
    check_value(lags, 1, "berth_loop_turn_seconds_bucket{loop=\"0\",le=\"0.001\"}", "2");
    check_value(lags, 1, "berth_loop_turn_seconds_bucket{loop=\"0\",le=\"0.002\"}", "3");
    check_value(lags, 1, "berth_loop_turn_seconds_bucket{loop=\"0\",le=\"0.05\"}", "3");
    check_value(lags, 1, "berth_loop_turn_seconds_bucket{loop=\"0\",le=\"0.1\"}", "4");
    check_value(lags, 1, "berth_loop_turn_seconds_bucket{loop=\"0\",le=\"1\"}", "5");
    check_value(lags, 1, "berth_loop_turn_seconds_bucket{loop=\"0\",le=\"+Inf\"}", "6");
    check_value(lags, 1, "berth_loop_turn_seconds_count{loop=\"0\"}", "6");
    check_value(lags, 1, "berth_loop_turn_seconds_sum{loop=\"0\"}", "1.205");
}

TEST(loops, "loops are told apart by their number, behind one head")
{
    struct loop_lag lag[2] = {0};
    const struct loop_lag *const lags[] = {&lag[0], &lag[1]};
    struct sbuf text = {0};

    loop_lag_note(&lag[1], 7);
    check_value(lags, 2, "berth_loop_turn_seconds_count{loop=\"0\"}", "0");
    check_value(lags, 2, "berth_loop_turn_seconds_count{loop=\"1\"}", "1");
    check_value(lags, 2, "berth_loop_turn_seconds_sum{loop=\"1\"}", "0.007");
    loop_lag_text(lags, 2, &text);
    CHECK(strncmp(sbuf_text(&text), "# HELP berth_loop_turn_seconds ", 31) == 0);
    CHECK(strstr(strstr(text.p, "# TYPE ") + 1, "# TYPE berth_loop_turn_seconds ") == NULL);
    sbuf_free(&text);
}

TEST(waits, "how long a running thread was kept waiting is told, of one that is not there nothing")
{
    struct loop_lag lag[2] = {0};
    const struct loop_lag *const here[] = {&lag[0]}, *const nobody[] = {&lag[1]};
    char value[64];

    loop_lag_init(&lag[0]);
    value_of(here, 1, "berth_loop_processor_wait_seconds_total{loop=\"0\"}", value);
    CHECK(strchr(value, '.') != NULL && strlen(strchr(value, '.')) == 7 && strtod(value, NULL) >= 0);
    value_of(nobody, 1, "berth_loop_processor_wait_seconds_total{loop=\"0\"}", value);
    CHECK_TEXT(value, "");
}
