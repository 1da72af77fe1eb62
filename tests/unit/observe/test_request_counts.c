#include "registry/observe/request_counts.h"

#include <string.h>

#include "tests/unit/test.h"

/* Too large for a stack, and fresh for each TEST. */
static struct request_counts loops[2];
static const struct request_counts *const both[] = {&loops[0], &loops[1]};

static void reset(void)
{
    memset(loops, 0, sizeof(loops));
}

static bool tells(const char *line)
{
    struct sbuf text = {0};
    struct sbuf whole = {0};
    bool found;

    sbuf_printf(&text, "\n");
    request_counts_text(both, 2, &text);
    sbuf_printf(&whole, "\n%s\n", line);
    found = strstr(sbuf_text(&text), sbuf_text(&whole)) != NULL;
    sbuf_free(&whole);
    sbuf_free(&text);
    return found;
}

static bool mentions(const char *words)
{
    struct sbuf text = {0};
    bool found;

    request_counts_text(both, 2, &text);
    found = strstr(sbuf_text(&text), words) != NULL;
    sbuf_free(&text);
    return found;
}

TEST(labels, "a request counts by route, method and code; unknown methods and codes have a name, too")
{
    static const struct {
        struct request_end end;
        const char *line;
    } cases[] = {
        {{ROUTE_MANIFEST, METHOD_GET, 200, 0, 0, 0},
         "berth_http_requests_total{route=\"manifest\",method=\"GET\",code=\"200\"} 1"},
        {{ROUTE_BLOB, METHOD_HEAD, 404, 0, 0, 0},
         "berth_http_requests_total{route=\"blob\",method=\"HEAD\",code=\"404\"} 1"},
        {{ROUTE_UPLOAD, METHOD_PATCH, 499, 0, 0, 0},
         "berth_http_requests_total{route=\"upload\",method=\"PATCH\",code=\"499\"} 1"},
        {{ROUTE_NONE, METHOD_COUNT, 405, 0, 0, 0},
         "berth_http_requests_total{route=\"none\",method=\"other\",code=\"405\"} 1"},
        {{ROUTE_TOKEN, METHOD_GET, 507, 0, 0, 0},
         "berth_http_requests_total{route=\"token\",method=\"GET\",code=\"507\"} 1"},
        {{ROUTE_BASE, METHOD_GET, 418, 0, 0, 0},
         "berth_http_requests_total{route=\"base\",method=\"GET\",code=\"other\"} 1"},
        {{ROUTE_BASE, METHOD_DELETE, -1, 0, 0, 0},
         "berth_http_requests_total{route=\"base\",method=\"DELETE\",code=\"other\"} 1"},
    };

    reset();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(!tells(cases[i].line));
        request_counts_end(&loops[i % 2], &cases[i].end);
        if (!tells(cases[i].line))
            test_fail(__FILE__, __LINE__, "not told: %s", cases[i].line);
    }
}

TEST(sums, "what loops count is added up: requests, times, bytes")
{
    const struct request_end quick = {ROUTE_UPLOAD, METHOD_PUT, 201, 400, 1000, 0};
    const struct request_end slow = {ROUTE_UPLOAD, METHOD_PUT, 201, 3000000, 24, 7};

    reset();
    request_counts_end(&loops[0], &quick);
    request_counts_end(&loops[0], &quick);
    request_counts_end(&loops[1], &slow);
    CHECK(tells("berth_http_requests_total{route=\"upload\",method=\"PUT\",code=\"201\"} 3"));
    CHECK(tells("berth_http_request_duration_seconds_bucket{route=\"upload\",method=\"PUT\",le=\"0.0001\"} 0"));
    CHECK(tells("berth_http_request_duration_seconds_bucket{route=\"upload\",method=\"PUT\",le=\"0.0005\"} 2"));
    CHECK(tells("berth_http_request_duration_seconds_bucket{route=\"upload\",method=\"PUT\",le=\"2.5\"} 2"));
    CHECK(tells("berth_http_request_duration_seconds_bucket{route=\"upload\",method=\"PUT\",le=\"5\"} 3"));
    CHECK(tells("berth_http_request_duration_seconds_bucket{route=\"upload\",method=\"PUT\",le=\"+Inf\"} 3"));
    CHECK(tells("berth_http_request_duration_seconds_sum{route=\"upload\",method=\"PUT\"} 3.000800"));
    CHECK(tells("berth_http_request_duration_seconds_count{route=\"upload\",method=\"PUT\"} 3"));
    CHECK(tells("berth_http_request_body_bytes_total{route=\"upload\",method=\"PUT\"} 2024"));
    CHECK(tells("berth_http_response_body_bytes_total{route=\"upload\",method=\"PUT\"} 7"));
}

TEST(in_flight, "those that have begun and not ended are in flight")
{
    const struct request_end end = {ROUTE_BASE, METHOD_GET, 200, 0, 0, 0};

    reset();
    CHECK(tells("berth_http_requests_in_flight 0"));
    request_counts_begin(&loops[0]);
    request_counts_begin(&loops[1]);
    request_counts_begin(&loops[1]);
    CHECK(tells("berth_http_requests_in_flight 3"));
    request_counts_end(&loops[1], &end);
    CHECK(tells("berth_http_requests_in_flight 2"));
}

TEST(nothing, "a family without a sample has no head, either")
{
    const struct request_end end = {ROUTE_BASE, METHOD_GET, 200, 0, 0, 2};

    reset();
    CHECK(!mentions("berth_http_requests_total") && !mentions("berth_http_request_duration_seconds"));
    request_counts_end(&loops[0], &end);
    CHECK(mentions("# TYPE berth_http_requests_total counter\n"));
    CHECK(mentions("# TYPE berth_http_request_duration_seconds histogram\n"));
    CHECK(mentions("# TYPE berth_http_response_body_bytes_total counter\n"));
    CHECK(!mentions("berth_http_request_body_bytes_total"));
}
