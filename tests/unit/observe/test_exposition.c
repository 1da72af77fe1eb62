#include "registry/observe/exposition.h"

#include "tests/unit/test.h"

static void check(struct sbuf *text, const char *wanted)
{
    CHECK_TEXT(sbuf_text(text), wanted);
    sbuf_free(text);
}

TEST(heads, "a family's head says what it is and of which type")
{
    struct sbuf text = {0};

    expose_head(&text, "berth_things_total", "counter", "Things that came.");
    check(&text, "# HELP berth_things_total Things that came.\n# TYPE berth_things_total counter\n");
}

TEST(samples, "a sample is name, labels if any, and value")
{
    struct sbuf text = {0};

    expose_number(&text, "a", "", -7);
    expose_number(&text, "b_total", "x=\"y\"", INT64_MAX);
    expose_decimal(&text, "c_seconds", "", 1000001, 6);
    expose_decimal(&text, "d_seconds", "x=\"y\"", 5, 3);
    expose_decimal(&text, "e", "", 5, 0);
    check(&text, "a -7\nb_total{x=\"y\"} 9223372036854775807\nc_seconds 1.000001\nd_seconds{x=\"y\"} 0.005\ne 5\n");
}

TEST(histograms, "each bucket of a histogram holds those before it, the last one all")
{
    static const struct scale scale = {.digits = 6, .n = 3, .bounds = {100, 2500000, 10000000}};
    struct bucket_counts counts = {.counts = {3, 0, 2, 1}, .sum = 30000001, .total = 6};
    struct sbuf text = {0};

    expose_histogram(&text, "h_seconds", "", &scale, &counts);
    check(&text, "h_seconds_bucket{le=\"0.0001\"} 3\n"
                 "h_seconds_bucket{le=\"2.5\"} 3\n"
                 "h_seconds_bucket{le=\"10\"} 5\n"
                 "h_seconds_bucket{le=\"+Inf\"} 6\n"
                 "h_seconds_sum 30.000001\n"
                 "h_seconds_count 6\n");
}

TEST(numbers, "the bounds of plain numbers are plain numbers; labels stand in front of them")
{
    static const struct scale scale = {.n = 2, .bounds = {1, 100}};
    struct bucket_counts counts = {.counts = {1, 1, 0}, .sum = 101, .total = 2};
    struct sbuf text = {0};

    expose_histogram(&text, "n", "a=\"b\"", &scale, &counts);
    check(&text, "n_bucket{a=\"b\",le=\"1\"} 1\n"
                 "n_bucket{a=\"b\",le=\"100\"} 2\n"
                 "n_bucket{a=\"b\",le=\"+Inf\"} 2\n"
                 "n_sum{a=\"b\"} 101\n"
                 "n_count{a=\"b\"} 2\n");
}

TEST(labels, "no byte of a label's value ends the label or the line, and what is not UTF-8 is replaced")
{
    static const struct {
        struct str value;
        const char *wanted;
    } cases[] = {
        {STR(""), "k=\"\""},
        {STR("team-a/app"), "k=\"team-a/app\""},
        {STR("a\"b\\c\nd"), "k=\"a\\\"b\\\\c\\nd\""},
        {STR("\xc3\xa9\xe2\x82\xac"), "k=\"\xc3\xa9\xe2\x82\xac\""},
        {STR("a\xff\xc3"), "k=\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {STR("\xc0\xaf"), "k=\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {STR("\xed\xa0\x80"), "k=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf labels = {0};

        expose_label(&labels, "k", cases[i].value);
        check(&labels, cases[i].wanted);
    }
}

TEST(several, "labels are separated by commas")
{
    struct sbuf labels = {0};

    expose_label(&labels, "a", STR("1"));
    expose_label(&labels, "b", STR("2"));
    check(&labels, "a=\"1\",b=\"2\"");
}
