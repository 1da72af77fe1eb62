#include "registry/background/scrubber.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/background/background.h"
#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/background/damage.h"
#include "registry/observe/metrics.h"
#include "storage/meta/meta_rebuild.h"
#include "storage/upkeep/scrub_state.h"

enum {
    NICE = 19,
    IDLE_CLASS = 3 << 13, /* ioprio_set(2): the disk is ours when nobody else wants it */
    IO_PROCESS = 1,       /* IOPRIO_WHO_PROCESS */
    FIRST_RUN_MS = 5 * 60 * 1000,
    LOOK_AGAIN_MS = 60 * 1000,
    SAVE_MS = 60 * 1000, /* of work that a kill may cost */
    FAILED_MS = 60 * 1000,
    READONLY_MS = 500,    /* until it is asked again whether the server may be written to */
    METADATA_LINES = 100, /* of a pass; what comes after them is only counted */
};

struct scrubber {
    const struct config *config;
    const struct live *live;
    atomic_bool at_work;
    const struct store *store;
    struct meta_reader *reader; /* for telling who needs what is damaged */
    struct scrub *scrub;
    struct scrub_state state;
    uint64_t saved_ms;
    uint64_t lines; /* of findings in the metadata, in this pass */
    struct background background;
};

/* ---- the place ---- */

static void save(struct scrubber *scrubber)
{
    struct err e;

    if (live_is_readonly(scrubber->live))
        return;
    scrubber->state.has_place = scrub_place(scrubber->scrub, &scrubber->state.place);
    scrubber->saved_ms = clock_monotonic_ms();
    if (scrub_state_save(scrubber->store->root, &scrubber->state, &e) != 0)
        log_warn("scrub: %s; after a restart it begins further back", e.text);
}

/* ---- what is found ---- */

static void blob_found(const struct scrub_finding *finding, void *arg)
{
    struct scrubber *scrubber = arg;
    struct sbuf text = {0};

    scrubber->state.found++;
    damage_text(scrubber->reader, finding, &text);
    log_error("scrub: %s; push it again to repair it", sbuf_text(&text));
    sbuf_free(&text);
}

static void metadata_found(const struct meta_finding *finding, void *arg)
{
    struct scrubber *scrubber = arg;
    struct sbuf text = {0};

    scrubber->state.found++;
    metric_add(METRIC_SCRUB_METADATA, 1);
    if (scrubber->lines++ >= METADATA_LINES)
        return;
    meta_finding_text(finding, &text);
    log_error("scrub: metadata: %s; stop the server and run berth fsck%s", sbuf_text(&text),
              scrubber->lines == METADATA_LINES ? "; more is found and not logged" : "");
    sbuf_free(&text);
}

static bool file_size(const struct digest *d, uint64_t *size, void *arg)
{
    return store_file_size(d, size, (void *)(uintptr_t)((struct scrubber *)arg)->store);
}

/* ---- a pass ---- */

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* And longer, while nothing may be written. False: stop. */
static bool rest(struct scrubber *scrubber, uint64_t ms)
{
    bool goes_on = background_rest(&scrubber->background, ms);

    while (goes_on && live_is_readonly(scrubber->live))
        goes_on = background_rest(&scrubber->background, READONLY_MS);
    return goes_on;
}

/* One step, and the pause that keeps the rate. */
static bool step(struct scrubber *scrubber, bool *more)
{
    uint64_t began_ms = clock_monotonic_ms(), took_ms, due_ms;
    struct scrub_count count = {0};
    struct err e;

    if (scrub_step(scrubber->scrub, &count, more, &e) != 0) {
        log_warn("%s; tried again in a while", e.text);
        metric_add(METRIC_SCRUB_FAILURES, 1);
        damage_metrics(&count);
        *more = true;
        return rest(scrubber, FAILED_MS);
    }
    damage_metrics(&count);
    took_ms = clock_monotonic_ms() - began_ms;
    due_ms = count.bytes * 1000 / scrubber->config->scrub.rate;
    if (*more && clock_monotonic_ms() - scrubber->saved_ms >= SAVE_MS)
        save(scrubber);
    return rest(scrubber, most(due_ms > took_ms ? due_ms - took_ms : 0, 1));
}

static bool scrub_blobs(struct scrubber *scrubber)
{
    bool more = true, goes_on = true;

    while (goes_on && more)
        goes_on = step(scrubber, &more);
    return goes_on;
}

/* It rests as long as it works. A failure ends the check: the next pass tries again. */
static bool check_metadata(struct scrubber *scrubber)
{
    const struct meta_check_options options = {.finding = metadata_found, .file_size = file_size, .arg = scrubber};
    struct meta_check_count count = {0};
    bool more = true, goes_on = true;
    struct err e;
    struct meta_check *check = meta_check_new(scrubber->store->meta, &options, &e);
    int rc = check == NULL ? -1 : 0;

    scrubber->lines = 0;
    while (rc == 0 && goes_on && more) {
        uint64_t began_ms = clock_monotonic_ms();

        rc = meta_check_step(check, &count, &more, &e);
        goes_on = rest(scrubber, most(clock_monotonic_ms() - began_ms, 1));
    }
    if (rc != 0) {
        log_error("scrub: %s", e.text);
        metric_add(METRIC_SCRUB_FAILURES, 1);
    }
    meta_check_free(&check);
    return goes_on;
}

static void begin_pass(struct scrubber *scrubber)
{
    if (scrubber->state.under_way) {
        if (scrubber->state.has_place)
            scrub_resume(scrubber->scrub, &scrubber->state.place);
        return;
    }
    scrubber->state.under_way = true;
    scrubber->state.began = clock_wall_s();
    scrubber->state.found = 0;
    save(scrubber);
}

static void end_pass(struct scrubber *scrubber)
{
    struct scrub_state *state = &scrubber->state;
    uint64_t now = clock_wall_s();

    log_info("scrubbed everything in %llu s: %llu findings",
             (unsigned long long)(now > state->began ? now - state->began : 0), (unsigned long long)state->found);
    *state = (struct scrub_state){.finished = now, .found_last = state->found};
    metric_set(METRIC_LAST_SCRUB, (int64_t)now);
    save(scrubber);
}

/* ---- the thread ---- */

/* A pass that a restart broke off is gone on with. `berth scrub` may have stamped one meanwhile. */
static bool is_due(struct scrubber *scrubber)
{
    uint64_t now = clock_wall_s();

    scrub_state_load(scrubber->store->root, &scrubber->state);
    return scrubber->state.under_way || scrubber->state.finished > now ||
           now - scrubber->state.finished >= scrubber->config->scrub.interval_s;
}

static bool pass(struct scrubber *scrubber)
{
    bool whole;

    atomic_store(&scrubber->at_work, true);
    begin_pass(scrubber);
    whole = check_metadata(scrubber) && scrub_blobs(scrubber);
    if (whole)
        end_pass(scrubber);
    else
        save(scrubber);
    atomic_store(&scrubber->at_work, false);
    return whole;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void *run(void *arg)
{
    struct scrubber *scrubber = arg;
    uint64_t interval_ms = scrubber->config->scrub.interval_s * 1000;
    bool goes_on;

    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    syscall(SYS_ioprio_set, IO_PROCESS, 0, IDLE_CLASS);
    scrub_state_load(scrubber->store->root, &scrubber->state);
    if (scrubber->state.finished > 0)
        metric_set(METRIC_LAST_SCRUB, (int64_t)scrubber->state.finished);
    goes_on = rest(scrubber, least(interval_ms, FIRST_RUN_MS));
    while (goes_on)
        goes_on = (!is_due(scrubber) || pass(scrubber)) && rest(scrubber, least(interval_ms, LOOK_AGAIN_MS));
    return NULL;
}

/* ---- start and stop ---- */

struct scrubber *scrubber_start(const struct config *config, const struct live *live, const struct store *store,
                                struct err *e)
{
    struct scrubber *scrubber = xcalloc(1, sizeof(*scrubber));
    const struct scrub_options options = {.finding = blob_found, .arg = scrubber};

    metric_set(METRIC_SCRUB_INTERVAL, (int64_t)config->scrub.interval_s);
    scrubber->config = config;
    scrubber->live = live;
    scrubber->store = store;
    if ((scrubber->reader = meta_reader_new(store->meta, e)) == NULL)
        goto free_scrubber;
    if ((scrubber->scrub = scrub_new(store, &options, e)) == NULL)
        goto free_reader;
    if (background_start(&scrubber->background, "scrubber", run, scrubber, e) != 0)
        goto free_scrub;
    return scrubber;

free_scrub:
    scrub_free(&scrubber->scrub);
free_reader:
    meta_reader_free(&scrubber->reader);
free_scrubber:
    free(scrubber);
    return NULL;
}

bool scrubber_is_at_work(const struct scrubber *scrubber)
{
    return atomic_load(&scrubber->at_work);
}

void scrubber_stop(struct scrubber **scrubber)
{
    struct scrubber *s = *scrubber;

    if (s == NULL)
        return;
    background_stop(&s->background);
    scrub_free(&s->scrub);
    meta_reader_free(&s->reader);
    free(s);
    *scrubber = NULL;
}
