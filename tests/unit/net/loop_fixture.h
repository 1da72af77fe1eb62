/* A server of one loop, with a store of metadata and workers: the test turns the loop itself, or starts it as a thread. */
#ifndef BERTH_LOOP_FIXTURE_H
#define BERTH_LOOP_FIXTURE_H

#include "registry/net/workers.h"

#include <string.h>

#include "registry/server.h"
#include "tests/unit/test.h"

struct world {
    struct store store;
    struct server server;
    struct loop loop;
};

static inline void open_server(struct world *w, unsigned disk_threads, unsigned hash_threads)
{
    struct err e = {0};

    memset(w, 0, sizeof(*w));
    w->store.meta = meta_open(test_dir(), &e);
    w->server.store = &w->store;
    h2o_config_init(&w->server.h2o);
    h2o_config_register_host(&w->server.h2o, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    w->server.workers = workers_start(disk_threads, hash_threads, &e);
    if (w->store.meta == NULL || w->server.workers == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static inline void close_server(struct world *w)
{
    workers_stop(&w->server.workers);
    meta_close(&w->store.meta);
    h2o_config_dispose(&w->server.h2o);
}

static inline void open_world(struct world *w, unsigned disk_threads, unsigned hash_threads)
{
    struct err e = {0};

    open_server(w, disk_threads, hash_threads);
    if (loop_init(&w->loop, &w->server, 0, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static inline void close_world(struct world *w)
{
    workers_stop(&w->server.workers);
    while (w->loop.jobs > 0)
        h2o_evloop_run(w->loop.events, 1000);
    loop_dispose(&w->loop);
    close_server(w);
}

/* Turn the loop until all jobs are home; false after ten seconds. */
static inline bool all_home(struct world *w)
{
    for (int i = 0; i < 1000 && w->loop.jobs > 0; i++)
        h2o_evloop_run(w->loop.events, 10);
    return w->loop.jobs == 0;
}

#endif
