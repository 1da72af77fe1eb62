/*
 * The server as a whole: what every part may reach, set up in order by server_run() and torn down in reverse.
 *
 * Thread: fields are set before the loops start and read-only afterwards, unless they say otherwise.
 */
#ifndef BERTH_REGISTRY_SERVER_H
#define BERTH_REGISTRY_SERVER_H

#include <h2o.h>

#include "auth/users.h"
#include "registry/observe/access_log.h"
#include "registry/config/config.h"
#include "registry/live.h"
#include "registry/net/loop.h"
#include "registry/net/tls.h"
#include "registry/net/workers.h"
#include "storage/quota.h"
#include "storage/store.h"

struct control;
struct crowd;
struct health;
struct events;
struct listener;
struct log_files;
struct rules;
struct run_as;
struct scrubber;
struct side;
struct sweeper;
struct throttle;

struct server {
    const struct config *config;
    uint64_t began_ms; /* monotonic */
    struct live live;  /* what may change while it serves */
    struct store *store;
    struct events *events; /* NULL: nobody is to be told anything */
    struct quotas *quotas; /* NULL: none */
    struct users *users;   /* NULL: no passwords */
    struct tls *tls;       /* NULL: plain HTTP */
    struct rules *rules;
    struct throttle *throttle; /* of logins; NULL: off */
    bool identifies;           /* a client certificate says who its user is */
    bool authenticates;        /* false: nobody is asked who he is, everybody may do everything */
    struct workers *workers;
    size_t descriptors;        /* that may be open */
    struct crowd *crowd;       /* of connections */
    struct health *health;     /* NULL: not yet */
    struct sweeper *sweeper;   /* NULL: off */
    struct scrubber *scrubber; /* NULL: off */
    struct control *control;   /* NULL: could not be had */
    struct log_files *log_files;
    struct access_log *access_log; /* NULL: off */
    struct listener *listener;
    struct side *side; /* the servers beside the registry */
    h2o_globalconf_t h2o;
    struct loop *loops;
    unsigned loop_count;
};

/* `environment` is that of the configuration. Serve until SIGTERM or SIGINT, then drain. 0 after a clean end; -1 when
 * it could not start. All signals must be blocked in the calling thread, which becomes the housekeeper: it waits for
 * signals and looks after files that change. `user` is whom to become once ports are bound; NULL: to stay who we are.
 */
int server_run(const struct config *config, char *const *environment, const struct run_as *user, struct err *e);

#endif
