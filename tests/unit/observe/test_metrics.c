#include "registry/observe/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

/* The numbers are the process's and every TEST shares them: tests look at differences. */

static bool has_line(const char *text, const char *line)
{
    const char *at = text;
    size_t n = strlen(line);

    while ((at = strstr(at, line)) != NULL) {
        if ((at == text || at[-1] == '\n') && at[n] == '\n')
            return true;
        at++;
    }
    return false;
}

/* The value of a sample; -1 when it is not shown. */
static long long value_of(const char *sample)
{
    struct sbuf text = {0};
    const char *at;
    char line[200];
    long long value = -1;

    sbuf_put(&text, "\n", 1);
    metrics_text(&text);
    snprintf(line, sizeof(line), "\n%s ", sample);
    at = strstr(sbuf_text(&text), line);
    if (at != NULL)
        value = strtoll(at + strlen(line), NULL, 10);
    sbuf_free(&text);
    return value;
}

TEST(form, "a family has one HELP and one TYPE line in front of its samples")
{
    struct sbuf text = {0};
    const char *first;

    metrics_text(&text);
    sbuf_text(&text);
    CHECK(has_line(text.p,
                   "# HELP berth_damage_met_total Requests for blobs that met a damaged, missing or unreadable file."));
    first = strstr(text.p, "# TYPE berth_authentications_total counter\n");
    CHECK(first != NULL);
    CHECK(strncmp(strchr(first, '\n') + 1, "berth_authentications_total{result=\"remembered\"} ", 49) == 0);
    CHECK(strstr(first + 1, "# TYPE berth_authentications_total") == NULL);
    CHECK(text.n > 0 && text.p[text.n - 1] == '\n');
    sbuf_free(&text);
}

TEST(counters, "a counter is shown from the start and grows by what is added")
{
    static const char sample[] = "berth_authentications_total{result=\"throttled\"}";
    long long before = value_of(sample);

    CHECK(before >= 0);
    metric_add(METRIC_LOGIN_THROTTLED, 1);
    metric_add(METRIC_LOGIN_THROTTLED, 41);
    CHECK_INT(value_of(sample), before + 42);
    CHECK_INT(value_of("berth_authentications_total{result=\"pass\"}"), 0);
}

TEST(gauges, "a gauge is shown, head and all, once it has a value; it may be negative")
{
    struct sbuf text = {0};

    metrics_text(&text);
    CHECK(strstr(sbuf_text(&text), "berth_clock_timestamp_seconds") == NULL);
    sbuf_free(&text);
    metric_set(METRIC_CLOCK, -86400);
    CHECK_INT(value_of("berth_clock_timestamp_seconds"), -86400);
    metric_set(METRIC_CLOCK, 7);
    CHECK_INT(value_of("berth_clock_timestamp_seconds"), 7);
    metric_hide(METRIC_CLOCK);
    CHECK_INT(value_of("berth_clock_timestamp_seconds"), -1);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++)
        metric_add(METRIC_LOGIN_HASHED, 1);
    return NULL;
}

TEST(threads, "no count of several threads is lost")
{
    static const char sample[] = "berth_authentications_total{result=\"hashed\"}";
    long long before = value_of(sample);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(value_of(sample), before + (long long)THREADS * ROUNDS);
}
