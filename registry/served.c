#include "registry/served.h"

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/health/health.h"
#include "registry/housekeeper.h"
#include "registry/log_files.h"
#include "registry/net/crowd.h"
#include "registry/net/listener.h"
#include "registry/background/pulls.h"
#include "registry/rules.h"
#include "registry/background/scrubber.h"
#include "registry/server.h"
#include "registry/side.h"
#include "registry/background/sweeper.h"

/* ---- asking ---- */

/* The first loop counts its listeners too, until it drains. */
size_t served_connections(const struct server *server)
{
    size_t n = 0, listeners = live_is_stopping(&server->live) ? 0 : 1 + side_count(server->side);

    for (unsigned i = 0; i < server->loop_count; i++)
        n += atomic_load(&server->loops[i].connection_count);
    return n > listeners ? n - listeners : 0;
}

static enum served_work work_of(const struct server *server, bool exists, bool at_work)
{
    if (!exists)
        return SERVED_WORK_OFF;
    if (live_is_readonly(&server->live))
        return SERVED_WORK_HELD;
    return at_work ? SERVED_WORK_GOES_ON : SERVED_WORK_RESTS;
}

static void look_at_queues(const struct server *server, struct served_status *out)
{
    out->uploads = uploads_total(server->store->uploads);
    out->queue_disk = workers_waiting(server->workers, LANE_DISK);
    out->queue_hash = workers_waiting(server->workers, LANE_HASH);
    out->queue_suspect = workers_waiting(server->workers, LANE_SUSPECT);
    out->queue_commit = meta_waiting(server->store->meta);
}

static int64_t certificate_left_s(const struct server *server)
{
    struct tls_ends ends;

    if (server->tls == NULL)
        return 0;
    tls_ends(server->tls, &ends);
    return (int64_t)ends.certificate - (int64_t)clock_wall_s();
}

void served_status(const struct server *server, struct served_status *out)
{
    const struct live *live = &server->live;

    *out = (struct served_status){
        .uptime_s = (clock_monotonic_ms() - server->began_ms) / 1000,
        .addr = listener_text(server->listener),
        .tls = server->tls != NULL,
        .connections = served_connections(server),
        .connections_most = crowd_most(server->crowd),
        .readonly = live_is_readonly(live),
        .drained = live_is_drained(live),
        .stopping = live_is_stopping(live),
        .certificate_left_s = certificate_left_s(server),
        .sweeper = work_of(server, server->sweeper != NULL,
                           server->sweeper != NULL && sweeper_is_at_work(server->sweeper)),
        .scrubber = work_of(server, server->scrubber != NULL,
                            server->scrubber != NULL && scrubber_is_at_work(server->scrubber)),
    };
    out->healthy = health_is_good(server->health);
    health_json(server->health, &out->failing);
    side_texts(server->side, &out->beside);
    look_at_queues(server, out);
    out->rules = served_rules(server, &out->rules_source, NULL);
}

void served_status_free(struct served_status *status)
{
    sbuf_free(&status->rules_source);
    sbuf_free(&status->beside);
    sbuf_free(&status->failing);
}

size_t served_rules(const struct server *server, struct sbuf *source, struct sbuf *lines)
{
    return rules_describe(server->rules, source, lines);
}

/* ---- telling ---- */

int served_set_readonly(struct server *server, bool readonly, struct err *e)
{
    /* A server that began read-only has not said yet since when it notes pulls. */
    if (!readonly && pulls_begin(server->store->meta, e) != 0)
        return -1;
    live_set_readonly(&server->live, readonly);
    return 0;
}

void served_set_drained(struct server *server, bool drained)
{
    live_set_drained(&server->live, drained);
    for (unsigned i = 0; i < server->loop_count; i++)
        loop_hurry(&server->loops[i], drained);
}

unsigned served_reload(struct server *server, struct sbuf *wrong)
{
    unsigned fresh;

    log_echo(wrong);
    fresh = house_refresh(server, true);
    log_echo(NULL);
    return fresh;
}

unsigned served_reopen_logs(struct server *server, struct sbuf *wrong)
{
    unsigned opened;

    log_echo(wrong);
    opened = log_files_follow(server->log_files, true);
    log_echo(NULL);
    return opened;
}
