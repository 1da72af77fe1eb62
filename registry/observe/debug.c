#include "registry/observe/debug.h"

#include <inttypes.h>

#include "registry/base/clock.h"
#include "registry/health/health.h"
#include "registry/observe/report.h"
#include "registry/server.h"
#include "registry/side.h"

enum { STUCK_MS = 10 * 1000 };

/* ---- how it is ---- */

static void tell_life(h2o_req_t *req)
{
    const struct server *server = side_loop(req)->server;
    uint64_t now_ms = clock_monotonic_ms();

    for (unsigned i = 0; i < server->loop_count; i++) {
        uint64_t beat_ms = atomic_load_explicit(&server->loops[i].beat_ms, memory_order_relaxed);
        struct sbuf text = {0};

        if (now_ms < beat_ms + STUCK_MS)
            continue;
        sbuf_printf(&text, "event loop %u has not turned for %" PRIu64 " s", i, (now_ms - beat_ms) / 1000);
        side_say(req, 503, sbuf_text(&text));
        sbuf_free(&text);
        return;
    }
    side_say(req, 200, "alive");
}

static void tell_readiness(h2o_req_t *req)
{
    const struct server *server = side_loop(req)->server;

    if (live_is_stopping(&server->live))
        side_say(req, 503, "stopping");
    else if (live_is_drained(&server->live))
        side_say(req, 503, "draining");
    else if (!health_is_good(server->health))
        side_say(req, 503, "a health check fails: see /debug/health");
    else
        side_say(req, 200, "ready");
}

static void tell_checks(h2o_req_t *req)
{
    struct health *health = side_loop(req)->server->health;
    bool good = health_is_good(health);
    struct sbuf json = {0};

    health_json(health, &json);
    side_reply(req, good ? 200 : 503, "application/json", (struct str){json.p, json.n});
    sbuf_free(&json);
}

/* ---- paths ---- */

static const struct {
    struct str path;
    void (*tell)(h2o_req_t *req);
} pages[] = {{STR("/livez"), tell_life}, {STR("/readyz"), tell_readiness}, {STR("/debug/health"), tell_checks}};

/* What is told under a path; NULL: nothing. */
static report_fn *report_at(const struct config *config, struct str path)
{
    struct str base = str_of(config->prometheus_path);

    if (!config->prometheus_enabled || !str_starts(path, base))
        return NULL;
    path = str_from(path, base.n);
    if (path.n == 0)
        return report_server;
    return str_eq(path, STR("/repositories")) ? report_repositories : NULL;
}

int debug_handle(h2o_handler_t *handler, h2o_req_t *req)
{
    const struct config *config = side_loop(req)->server->config;
    void (*tell)(h2o_req_t *) = NULL;
    struct str path = side_path(req);
    report_fn *report = report_at(config, path);

    (void)handler;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (str_eq(path, pages[i].path))
            tell = pages[i].tell;
    if (tell == NULL && report == NULL)
        side_say(req, 404, "nothing here");
    else if (!side_is_read(req))
        side_refuse_method(req);
    else if (tell != NULL)
        tell(req);
    else
        report_answer(req, report);
    return 0;
}
