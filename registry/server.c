#include "registry/server.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/throttle.h"
#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/events/events.h"
#include "registry/process/harden.h"
#include "registry/health/health.h"
#include "registry/housekeeper.h"
#include "registry/process/image_user.h"
#include "registry/process/inherit.h"
#include "registry/process/limits.h"
#include "registry/log_files.h"
#include "registry/net/crowd.h"
#include "registry/net/listener.h"
#include "registry/ops/control.h"
#include "registry/background/pulls.h"
#include "registry/request.h"
#include "registry/rules.h"
#include "registry/process/run_as.h"
#include "registry/background/scrubber.h"
#include "registry/process/service_manager.h"
#include "registry/side.h"
#include "registry/background/sweeper.h"
#include "storage/upload_census.h"

enum {
    DISK_THREADS_PER_CORE = 8, /* they wait more than they work */
    ATTEMPTS_MOST = 1000000,
    RECOVER_MOST_MS = 24 * 60 * 60 * 1000,
};

/* ---- set up, in order ---- */

/* Body pieces and file chunks are large and reused: keep them in the heap instead of faulting them in again each time,
 * and keep worker threads from growing a heap each. Not before the parts are there: the lists of LMDB's transactions
 * are large, too, but hardly used, and outside of the heap only what is used takes memory. */
static void tune_allocator(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
    mallopt(M_ARENA_MAX, 4);
}

static void configure_h2o(struct server *server)
{
    h2o_hostconf_t *host;
    h2o_handler_t *handler;

    h2o_config_init(&server->h2o);
    host = h2o_config_register_host(&server->h2o, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    handler = h2o_create_handler(&host->fallback_path, sizeof(*handler));
    handler->on_req = request_handle;
}

static uint32_t at_most(uint64_t value, uint32_t most)
{
    return value < most ? (uint32_t)value : most;
}

static struct throttle *open_throttle(const struct config *config)
{
    const struct throttle_limits limits = {
        .address_burst = at_most(config->throttle.address_burst, ATTEMPTS_MOST),
        .user_burst = at_most(config->throttle.user_burst, ATTEMPTS_MOST),
        .recover_ms = at_most(config->throttle.recover_ms, RECOVER_MOST_MS),
    };

    return throttle_new(&limits);
}

/* Who may in: users, rules, and what a client certificate says. */
static int open_admission(struct server *server, char *const *environment, struct err *e)
{
    const struct config *config = server->config;

    if (config->auth == CONFIG_AUTH_HTPASSWD && (server->users = users_open(config->htpasswd_path, e)) == NULL)
        return err_wrap(e, "auth.htpasswd");
    if (server->users != NULL && !config->throttle.disabled)
        server->throttle = open_throttle(config);
    if ((server->rules = rules_open(config, environment, e)) == NULL)
        return err_wrap(e, "access");
    server->identifies = config_verifies(config->client_auth) &&
                         config->certificate_policy != CONFIG_CERTIFICATE_CONNECTION;
    server->authenticates = server->users != NULL || server->identifies;
    return 0;
}

static void limit_uploads(struct server *server)
{
    const struct config *config = server->config;
    const struct upload_limits limits = {.total = config->upload_limits.total,
                                         .per_repository = config->upload_limits.per_repository};

    uploads_limit(server->store->uploads, &limits, config->reserve);
}

static struct quotas *open_quotas(const struct config *config)
{
    struct quota_rule *rules;
    struct quotas *quotas;

    if (config->quota_count == 0)
        return NULL;
    rules = xcalloc(config->quota_count, sizeof(*rules));
    for (size_t i = 0; i < config->quota_count; i++)
        rules[i] = (struct quota_rule){.path = config->quotas[i].path, .limit = config->quotas[i].limit};
    quotas = quotas_new(rules, config->quota_count);
    free(rules);
    return quotas;
}

static int open_parts(struct server *server, char *const *environment, struct err *e)
{
    const struct config *config = server->config;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned cores = online > 0 ? (unsigned)online : 1;

    server->loop_count = cores;
    if ((server->log_files = log_files_open(config, e)) == NULL)
        return -1;
    server->crowd = crowd_new(limits_connections(config, server->descriptors, DISK_THREADS_PER_CORE * cores),
                              config->limits.per_address);
    if ((server->store = store_open(config->root_directory, e)) == NULL)
        return -1;
    limit_uploads(server);
    if (events_start(config, server->store->meta, &server->events, e) != 0)
        return -1;
    server->quotas = open_quotas(config);
    if (open_admission(server, environment, e) != 0)
        return -1;
    if (config->tls_certificate != NULL && (server->tls = tls_open(config, e)) == NULL)
        return -1;
    if (!config->accesslog_disabled &&
        (server->access_log = access_log_start(log_files_access(server->log_files), e)) == NULL)
        return -1;
    server->workers = workers_start(DISK_THREADS_PER_CORE * cores, cores, e);
    return server->workers == NULL ? -1 : 0;
}

/* Ports may need root: they are bound before anything else, and listened on when everything else is there, so that who
 * reaches them meets a server that has started. */
static int open_doors(struct server *server, struct err *e)
{
    const struct config *config = server->config;
    const struct listening what = {.key = "http.addr",
                                   .addr = config->http_addr,
                                   .is_path = strcmp(config->http_net, "unix") == 0,
                                   .inherits = true,
                                   .tls = true,
                                   .host = server->h2o.hosts[0]};

    server->descriptors = limits_raise_descriptors();
    if ((server->side = side_open(server, e)) == NULL || (server->listener = listener_open(server, &what, e)) == NULL)
        return -1;
    return 0;
}

/* Somebody else, unless `user` is NULL. */
static int become(struct server *server, const struct run_as *user, bool inherits, struct err *e)
{
    const struct config *config = server->config;

    if (user == NULL)
        return inherits ? inherit_rights(e) : 0;
    if (listener_give(server->listener, user->uid, user->gid, e) != 0)
        return -1;
    if (user->of_image ? image_user_become(user, config, inherits, e) != 0
        : inherits     ? inherit_become(user, config, e) != 0
                       : run_as_become(user, e) != 0 || run_as_check(user, config, e) != 0)
        return -1;
    harden_dumps();
    return 0;
}

/* After this only what serving takes is left to us. *stopped: nobody wants it to be served any more. */
static int give_up_rights(struct server *server, const struct run_as *user, bool *stopped, struct err *e)
{
    bool inherits;

    *stopped = false;
    harden_process();
    if (inherit_look(server->config, &inherits, e) != 0 || become(server, user, inherits, e) != 0 ||
        (inherits && inherit_run(server->config, stopped, e) != 0))
        return -1;
    if (user == NULL || !user->of_image)
        return harden_capabilities(server->config, e);
    return inherits ? image_user_settle(user, server->config, e) : 0;
}

/* A full disk, say, must not keep a registry from serving. */
static void begin_pulls(struct server *server)
{
    struct err e;

    if (!live_is_readonly(&server->live) && pulls_begin(server->store->meta, &e) != 0)
        log_error("%s", e.text);
}

/* Likewise. */
static void start_control(struct server *server)
{
    struct err e;

    server->control = control_start(server->config, &server->live, server->store, server, &e);
    if (server->control == NULL)
        log_error("%s; commands such as \"berth gc\" do not reach this server", e.text);
}

static int open_loops(struct server *server, struct err *e)
{
    const struct config *config = server->config;

    begin_pulls(server);
    server->loops = xcalloc(server->loop_count, sizeof(*server->loops));
    for (unsigned i = 0; i < server->loop_count; i++)
        if (loop_start(&server->loops[i], server, i, e) != 0)
            return -1;
    if ((server->health = health_start(config, &server->live, e)) == NULL)
        return -1;
    if ((server->sweeper = sweeper_start(config, &server->live, server->store, e)) == NULL)
        return -1;
    if (config->scrub.enabled && (server->scrubber = scrubber_start(config, &server->live, server->store, e)) == NULL)
        return -1;
    if (side_listen(server->side, e) != 0 || listener_listen(server->listener, e) != 0)
        return -1;
    start_control(server);
    listener_start(server->listener);
    side_start(server->side);
    return 0;
}

/* ---- tear down, in reverse; takes any state that the set-up stopped in ---- */

static void close_parts(struct server *server)
{
    control_stop(&server->control);
    scrubber_stop(&server->scrubber);
    sweeper_stop(&server->sweeper);
    /* The first loop accepts and posts to the others: it ends first. */
    for (unsigned i = 0; server->loops != NULL && i < server->loop_count; i++)
        loop_stop(&server->loops[i]);
    workers_stop(&server->workers);
    health_stop(&server->health);
    listener_close(&server->listener);
    side_close(&server->side);
    free(server->loops);
    crowd_free(&server->crowd);
    access_log_stop(&server->access_log);
    tls_close(&server->tls);
    rules_close(&server->rules);
    throttle_free(&server->throttle);
    users_close(&server->users);
    quotas_free(&server->quotas);
    events_stop(&server->events);
    store_close(&server->store);
    h2o_config_dispose(&server->h2o);
}

/* ---- serving ---- */

static void tell_how_it_serves(const struct server *server)
{
    if (server->tls == NULL)
        log_warn("no certificate: passwords and images cross the network in the clear; set http.tls");
    if (!server->authenticates)
        log_warn("no authentication: everybody who reaches this port may do what the access rules leave to anybody, "
                 "which without rules is everything; set auth.htpasswd");
    log_info("Berth %s serves %s on %s with %s", BERTH_VERSION, server->config->root_directory,
             listener_text(server->listener), server->tls == NULL ? "plain HTTP" : "TLS");
}

int server_run(const struct config *config, char *const *environment, const struct run_as *user, struct err *e)
{
    struct server server = {.config = config};
    bool stopped = false;
    int rc;

    server.began_ms = clock_monotonic_ms();
    live_init(&server.live, config);
    configure_h2o(&server);
    rc = open_doors(&server, e);
    if (rc == 0)
        rc = give_up_rights(&server, user, &stopped, e);
    if (rc == 0)
        rc = open_parts(&server, environment, e);
    tune_allocator();
    if (rc == 0)
        rc = open_loops(&server, e);
    if (rc == 0) {
        tell_how_it_serves(&server);
        service_ready();
        keep_house(&server);
    }
    close_parts(&server);
    rc = stopped ? 0 : rc;
    if (rc == 0)
        log_info("stopped");
    log_files_close(&server.log_files);
    return rc;
}
