#include "registry/observe/request_counts.h"

#include <stdio.h>

#include "registry/observe/exposition.h"

/* What this server answers with (http1_reply.c), and 499. */
#define CODES_2(X) X(200) X(201) X(202) X(204) X(206)
#define CODES_3(X) X(301) X(304) X(307) X(308)
#define CODES_4(X) X(400) X(401) X(403) X(404) X(405) X(413) X(414) X(416) X(417) X(429) X(431) X(499)
#define CODES_5(X) X(500) X(501) X(503) X(505) X(507)
#define CODES(X)   CODES_2(X) CODES_3(X) CODES_4(X) CODES_5(X)

/* Their numbers, from 0; the last one is for all others. */
enum {
#define NUMBER(code) CODE_##code,
    CODES(NUMBER)
#undef NUMBER
        CODE_OTHER,
};

_Static_assert(CODE_OTHER + 1 == REQUEST_CODES, "one counter for each code");

static const char *const code_names[REQUEST_CODES] = {
#define NAME(code) [CODE_##code] = #code,
    CODES(NAME)
#undef NAME
        [CODE_OTHER] = "other",
};

static unsigned code_number(int status)
{
    switch (status) {
#define CASE(code) \
    case code:     \
        return CODE_##code;
        CODES(CASE)
#undef CASE
    default:
        return CODE_OTHER;
    }
}

/* ---- counting ---- */

void request_counts_begin(struct request_counts *counts)
{
    count_more(&counts->begun, 1);
}

void request_counts_end(struct request_counts *counts, const struct request_end *end)
{
    struct request_sums *sums = &counts->sums[end->route][end->method];

    count_more(&counts->by_code[end->route][end->method][code_number(end->status)], 1);
    buckets_note(&sums->durations, &scale_durations, end->us);
    count_more(&sums->received, end->received);
    count_more(&sums->sent, end->sent);
    count_more(&counts->ended, 1);
}

/* ---- telling ---- */

struct counted {
    const struct request_counts *const *counts;
    size_t n;
    struct sbuf *out;
};

static void name_series(char labels[96], enum route route, unsigned method)
{
    snprintf(labels, 96, "route=\"%s\",method=\"%s\"", route_name(route),
             method == METHOD_COUNT ? "other" : route_method_name((enum method)method));
}

static uint64_t value_of(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static uint64_t sum_of_code(const struct counted *c, enum route route, unsigned method, unsigned code)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < c->n; i++)
        sum += value_of(&c->counts[i]->by_code[route][method][code]);
    return sum;
}

static void put_codes(const struct counted *c, enum route route, unsigned method)
{
    char series[96], labels[128];

    name_series(series, route, method);
    for (unsigned code = 0; code < REQUEST_CODES; code++) {
        uint64_t sum = sum_of_code(c, route, method, code);

        if (sum == 0)
            continue;
        snprintf(labels, sizeof(labels), "%s,code=\"%s\"", series, code_names[code]);
        expose_number(c->out, "berth_http_requests_total", labels, (int64_t)sum);
    }
}

static void put_durations(const struct counted *c, enum route route, unsigned method)
{
    struct bucket_counts sum = {0};
    char labels[96];

    for (size_t i = 0; i < c->n; i++)
        buckets_read(&c->counts[i]->sums[route][method].durations, &sum);
    if (sum.total == 0)
        return;
    name_series(labels, route, method);
    expose_histogram(c->out, "berth_http_request_duration_seconds", labels, &scale_durations, &sum);
}

static void put_bytes(const struct counted *c, enum route route, unsigned method, bool sent)
{
    uint64_t sum = 0;
    char labels[96];

    for (size_t i = 0; i < c->n; i++) {
        const struct request_sums *sums = &c->counts[i]->sums[route][method];

        sum += value_of(sent ? &sums->sent : &sums->received);
    }
    if (sum == 0)
        return;
    name_series(labels, route, method);
    expose_number(c->out, sent ? "berth_http_response_body_bytes_total" : "berth_http_request_body_bytes_total", labels,
                  (int64_t)sum);
}

static void put_received(const struct counted *c, enum route route, unsigned method)
{
    put_bytes(c, route, method, false);
}

static void put_sent(const struct counted *c, enum route route, unsigned method)
{
    put_bytes(c, route, method, true);
}

/* A head without samples is not worth a line. */
static void put_family(const struct counted *c, const char *name, const char *type, const char *help,
                       void (*put)(const struct counted *c, enum route route, unsigned method))
{
    size_t before = c->out->n, headed;

    expose_head(c->out, name, type, help);
    headed = c->out->n;
    for (enum route route = 0; route < ROUTE_COUNT; route++)
        for (unsigned method = 0; method < REQUEST_METHODS; method++)
            put(c, route, method);
    if (c->out->n == headed)
        c->out->n = before;
}

/* What ended is read first, so that there are never fewer than none. */
static void put_in_flight(const struct counted *c)
{
    static const char name[] = "berth_http_requests_in_flight";
    uint64_t ended = 0, begun = 0;

    for (size_t i = 0; i < c->n; i++)
        ended += value_of(&c->counts[i]->ended);
    for (size_t i = 0; i < c->n; i++)
        begun += value_of(&c->counts[i]->begun);
    expose_head(c->out, name, "gauge", "Requests to the registry that are being answered.");
    expose_number(c->out, name, "", begun < ended ? 0 : (int64_t)(begun - ended));
}

void request_counts_text(const struct request_counts *const *counts, size_t n, struct sbuf *out)
{
    const struct counted c = {counts, n, out};

    put_family(&c, "berth_http_requests_total", "counter",
               "Requests to the registry that have ended; code 499: the client left before there was an answer.",
               put_codes);
    put_family(&c, "berth_http_request_duration_seconds", "histogram",
               "From the head of a request to the end of its answer, bodies included.", put_durations);
    put_family(&c, "berth_http_request_body_bytes_total", "counter", "Bytes of requests' bodies that were taken.",
               put_received);
    put_family(&c, "berth_http_response_body_bytes_total", "counter", "Bytes of answers' bodies that were sent.",
               put_sent);
    put_in_flight(&c);
}
