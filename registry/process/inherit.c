#include "registry/process/inherit.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <unistd.h>

/* storage */
#include "storage/distribution/inplace.h"
#include "storage/distribution/takeover.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/base/quote.h"
#include "registry/base/size_text.h"

/* registry */
#include "registry/process/adopt.h"
#include "registry/process/harden.h"
#include "registry/process/service_manager.h"

#define BIT(capability) (1ULL << (capability))

enum {
    SAY_MS = 10 * 1000,
    EXTEND_S = 90, /* more than between two times that the service manager hears of it */
    ODD_LOGGED = 100,
};

struct inheriting {
    uint64_t began_ms, said_ms;
    uint64_t odd;
    bool stopped;
};

int inherit_look(const struct config *config, bool *wanted, struct err *e)
{
    const char *root = config->root_directory;
    struct inplace found;

    *wanted = false;
    if (inplace_look(root, &found, e) != 0)
        return -1;
    switch (found.state) {
    case INPLACE_NOTHING:
        break;
    case INPLACE_WANTED:
        *wanted = true;
        if (config->readonly)
            return err_set(e, ERR_DENIED,
                           "%s/docker has images of another registry, which must be taken over before they can be "
                           "served, and this registry is read-only (storage.maintenance.readonly): start it once "
                           "without, or run: berth import %s",
                           root, root);
        break;
    case INPLACE_DONE:
        log_info("%s/docker is still there, and was taken over at %s. What was pushed there since comes by: berth "
                 "import %s; when nobody needs it any more: rm -r %s/docker, which frees nothing that is served",
                 root, found.when, root, root);
        break;
    case INPLACE_BESIDE:
        log_warn("%s/docker has images of another registry, which are not served; they come beside those of this one "
                 "by: berth import %s",
                 root, root);
        break;
    }
    return 0;
}

int inherit_rights(struct err *e)
{
    const uint64_t own = geteuid() == 0 ? BIT(CAP_DAC_OVERRIDE) : 0; /* a directory of somebody else's */

    return harden_keep(own | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER), e);
}

int inherit_become(const struct run_as *user, const struct config *config, struct err *e)
{
    if (geteuid() != 0)
        return run_as_become(user, e) == 0 ? run_as_check(user, config, e) : -1;
    if (adopt_directory(config->root_directory, user, e) != 0 || run_as_become_keeping(user, e) != 0)
        return err_wrap(e, "--user");
    return run_as_check(user, config, e) == 0 ? inherit_rights(e) : -1;
}

/* ---- while it lasts ---- */

/* Asked between steps, so that a stop does not wait for the end. */
static bool is_stopped(void *arg)
{
    const struct timespec at_once = {0};
    struct inheriting *in = arg;
    sigset_t stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    if (!in->stopped)
        in->stopped = sigtimedwait(&stops, NULL, &at_once) > 0;
    return in->stopped;
}

static void say_progress(const struct takeover_result *r, void *arg)
{
    struct inheriting *in = arg;
    uint64_t now_ms = clock_monotonic_ms();

    if (now_ms - in->said_ms < SAY_MS)
        return;
    in->said_ms = now_ms;
    log_info("taking over: %" PRIu64 " of %" PRIu64 " layers, manifests and tags after %" PRIu64 " s", r->entries_done,
             r->entries, (now_ms - in->began_ms) / 1000);
    service_extends(EXTEND_S);
}

static void say_odd(const struct oddity *o, void *arg)
{
    struct inheriting *in = arg;
    char what[QUOTE_MAX];

    if (in->odd++ < ODD_LOGGED)
        log_warn("taking over: %.*s: %s: %s", (int)o->repository.n, o->repository.p, quote(str_of(o->what), what),
                 o->reason);
}

static void say_end(const struct config *config, const struct inheriting *in, const struct takeover_result *r)
{
    char linked[SIZE_TEXT_ROOM], copied[SIZE_TEXT_ROOM];

    if (in->odd > ODD_LOGGED)
        log_warn("taking over: %" PRIu64 " more that were odd; berth import --json %s lists all", in->odd - ODD_LOGGED,
                 config->root_directory);
    log_info("taken over in %" PRIu64 " ms: %" PRIu64 " repositories, %" PRIu64 " manifests, %" PRIu64 " tags; %" PRIu64
             " blobs linked, %s, %" PRIu64 " cloned or copied, %s; not taken: %" PRIu64 " manifests, %" PRIu64 " tags",
             clock_monotonic_ms() - in->began_ms, r->repositories, r->manifests + r->manifests_there,
             r->tags + r->tags_there, r->linked, size_text(r->linked_bytes, linked), r->cloned + r->copied,
             size_text(r->cloned_bytes + r->copied_bytes, copied), r->manifests_lost, r->tags_lost);
}

int inherit_run(const struct config *config, bool *stopped, struct err *e)
{
    struct inheriting in = {.began_ms = clock_monotonic_ms()};
    const struct takeover_options options = {
        .source = config->root_directory,
        .allow_missing = config->validation_disabled,
        .threads = 1,
        .progress = say_progress,
        .odd = say_odd,
        .arg = &in,
        .interrupt = {.wanted = is_stopped, .arg = &in},
    };
    struct takeover_result result;
    struct store *store;
    int rc;

    *stopped = false;
    log_info(
        "%s has images of another registry and none of Berth's: taking them over, by hard links; %s/docker stays as "
        "it is",
        config->root_directory, config->root_directory);
    service_extends(EXTEND_S);
    in.said_ms = in.began_ms;
    store = store_open(config->root_directory, e);
    if (store == NULL)
        return -1;
    rc = takeover_run(store, &options, &result, e);
    store_close(&store);
    *stopped = rc != 0 && in.stopped;
    if (rc == 0)
        say_end(config, &in, &result);
    else if (!*stopped)
        err_wrap(e, "taking over %s/docker", config->root_directory);
    return rc;
}
