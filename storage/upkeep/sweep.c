#include "storage/upkeep/sweep.h"

#include <stdlib.h>
#include <unistd.h>

#include "registry/base/log.h"
#include "storage/clock_watch.h"
#include "storage/sweep_gate.h"

enum {
    STEP_BLOBS = 16,
    STEP_HOLDERS = 256, /* memberships of theirs that one change ends: what bounds how long it keeps others waiting */
    STEP_MEMBERS = 64,  /* memberships of other blobs */
};

enum phase { IN_BLOBS, IN_MEMBERS, IN_FILES };

struct candidate {
    struct pin pin;
    struct sweep_item item;
    bool removed; /* its record is */
};

struct sweep {
    struct meta_change change; /* first */
    const struct store *store;
    struct sweep_options options;
    struct meta_reader *reader;

    /* where the walk is */
    enum phase phase;
    struct idle_place place;
    unsigned folder;

    /* of a step */
    uint64_t needed_before;
    struct sweep_freed *freed;
    struct candidate candidates[STEP_BLOBS];
    size_t count;
    bool unfinished; /* a blob has more holders than one change removes */
};

struct sweep *sweep_new(const struct store *store, const struct sweep_options *options, struct err *e)
{
    struct sweep *sweep = xcalloc(1, sizeof(*sweep));

    sweep->store = store;
    sweep->options = *options;
    sweep->reader = meta_reader_new(store->meta, e);
    if (sweep->reader == NULL || (options->alone && sweep_gate_take(store->sweeping, sweep, e) != 0))
        sweep_free(&sweep);
    return sweep;
}

void sweep_free(struct sweep **sweep)
{
    if (*sweep == NULL)
        return;
    sweep_gate_give_back((*sweep)->store->sweeping, *sweep);
    meta_reader_free(&(*sweep)->reader);
    free(*sweep);
    *sweep = NULL;
}

void sweep_skip_files(struct sweep *sweep, bool skips_files)
{
    sweep->options.skips_files = skips_files;
}

/* Leases that began before this are over. A whole grace has passed, not only its last second begun. */
static uint64_t needed_before(const struct sweep *sweep, uint64_t now)
{
    if (sweep->options.grace_s == 0)
        return UINT64_MAX;
    return now > sweep->options.grace_s ? now - sweep->options.grace_s : 0;
}

/* It is gone, or would be. */
static void report(struct sweep *sweep, const struct sweep_item *item)
{
    sweep->freed->blobs++;
    sweep->freed->bytes += item->size;
    if (sweep->options.item != NULL)
        sweep->options.item(item, sweep->options.arg);
}

/* Whoever waits for the digest's pin does not wait for the blocks of a large file to be freed, too. */
static void remove_file(struct sweep *sweep, const struct sweep_item *item, struct pin *pin)
{
    struct err e;
    int fd;
    int rc = blob_detach(sweep->store->blobs, &item->digest, &fd, &e);

    pin_drop(sweep->store->pins, pin);
    if (rc != 0) {
        sweep->freed->left++;
        log_error("sweep: %s; the space comes back when the next walk can remove the file", e.text);
        return;
    }
    if (fd >= 0)
        close(fd);
    report(sweep, item);
}

/* ---- blobs ---- */

static void gather(const struct digest *d, const struct blob_info *info, void *arg)
{
    struct sweep *sweep = arg;

    sweep->candidates[sweep->count++] = (struct candidate){
        .item = {.digest = *d, .size = info->size, .since = info->last_needed, .reason = SWEEP_UNREFERENCED}};
}

/* Fill the candidates from a snapshot. */
static int find_candidates(struct sweep *sweep, struct idle_place *last, bool *more, struct err *e)
{
    struct idle_query query = {.after = sweep->place, .needed_before = sweep->needed_before, .limit = STEP_BLOBS};
    struct meta_txn *txn = meta_read(sweep->reader, e);
    int rc;

    sweep->count = 0;
    if (txn == NULL)
        return -1;
    rc = meta_blobs_idle(txn, &query, gather, sweep, last, more, e);
    meta_done(sweep->reader);
    return rc;
}

/* Leave alone what is being pushed just now. */
static void claim_candidates(struct sweep *sweep)
{
    size_t kept = 0;

    for (size_t i = 0; i < sweep->count; i++) {
        struct candidate *to = &sweep->candidates[kept];

        to->item = sweep->candidates[i].item;
        if (pin_claim(sweep->store->pins, &to->pin, &to->item.digest))
            kept++;
    }
    sweep->count = kept;
}

/* Runs on the writer's thread, perhaps more than once. */
static int forget(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct sweep *sweep = (struct sweep *)change;
    size_t holders = STEP_HOLDERS;

    sweep->unfinished = false;
    for (size_t i = 0; i < sweep->count; i++) {
        struct candidate *c = &sweep->candidates[i];

        c->removed = false;
        if (holders == 0) {
            sweep->unfinished = true;
            continue;
        }
        if (meta_blob_forget(txn, &c->item.digest, sweep->needed_before, &holders, &c->removed, e) != 0)
            return -1;
        sweep->unfinished = sweep->unfinished || (!c->removed && holders == 0);
    }
    return 0;
}

static int write_change(struct sweep *sweep, int (*apply)(struct meta_txn *, struct meta_change *, struct err *),
                        struct err *e)
{
    sweep->change = (struct meta_change){.apply = apply};
    if (meta_write(sweep->store->meta, &sweep->change) == 0)
        return 0;
    if (e != NULL)
        *e = sweep->change.err;
    return -1;
}

static int remove_candidates(struct sweep *sweep, struct err *e)
{
    int rc = 0;

    claim_candidates(sweep);
    sweep->unfinished = false;
    if (sweep->count > 0)
        rc = write_change(sweep, forget, e);
    for (size_t i = 0; i < sweep->count; i++) {
        if (rc == 0 && sweep->candidates[i].removed)
            remove_file(sweep, &sweep->candidates[i].item, &sweep->candidates[i].pin);
        else
            pin_drop(sweep->store->pins, &sweep->candidates[i].pin);
    }
    return rc;
}

/* A dry run goes on to files: what nobody else needs is not freed by ending a membership. */
static int sweep_blobs(struct sweep *sweep, struct err *e)
{
    struct idle_place last;
    bool more;

    if (find_candidates(sweep, &last, &more, e) != 0)
        return -1;
    if (sweep->options.dry_run) {
        for (size_t i = 0; i < sweep->count; i++)
            report(sweep, &sweep->candidates[i].item);
    } else if (remove_candidates(sweep, e) != 0) {
        return -1;
    } else if (sweep->unfinished) {
        return 0; /* the same again */
    }
    sweep->place = last;
    if (!more)
        sweep->phase = sweep->options.dry_run ? IN_FILES : IN_MEMBERS;
    return 0;
}

/* ---- memberships ---- */

static int forget_members(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    const struct sweep *sweep = (const struct sweep *)change;

    return meta_members_forget(txn, sweep->needed_before, STEP_MEMBERS, e);
}

/* Each change looks again, so what was renewed since stays. */
static int sweep_members(struct sweep *sweep, struct err *e)
{
    struct meta_txn *txn = meta_read(sweep->reader, e);
    bool any;
    int rc;

    if (txn == NULL)
        return -1;
    rc = meta_members_lapsed(txn, sweep->needed_before, &any, e);
    meta_done(sweep->reader);
    if (rc != 0)
        return -1;
    if (any)
        return write_change(sweep, forget_members, e);
    sweep->phase = IN_FILES;
    return 0;
}

/* ---- files without a record ---- */

/* Is there surely none? */
static bool has_no_record(struct sweep *sweep, const struct digest *d)
{
    struct err e;
    struct meta_txn *txn = meta_read(sweep->reader, &e);
    bool known = true;
    int rc = -1;

    if (txn != NULL) {
        rc = meta_blob_known(txn, d, &known, &e);
        meta_done(sweep->reader);
    }
    if (rc != 0)
        log_error("sweep: %s", e.text);
    return rc == 0 && !known;
}

/* Whoever adopts a file has it pinned until its record is committed: once it is claimed, a missing record stays
 * missing. */
static void remove_unrecorded(struct sweep *sweep, const struct sweep_item *item)
{
    struct pin pin = {0};

    if (!pin_claim(sweep->store->pins, &pin, &item->digest))
        return;
    if (has_no_record(sweep, &item->digest))
        remove_file(sweep, item, &pin);
    else
        pin_drop(sweep->store->pins, &pin);
}

static bool visit_file(const struct digest *d, void *arg)
{
    struct sweep *sweep = arg;
    struct sweep_item item = {.digest = *d, .reason = SWEEP_UNRECORDED};

    if (!has_no_record(sweep, d) || blob_stat(sweep->store->blobs, d, &item.size, &item.since, NULL) != 0 ||
        item.since >= sweep->needed_before)
        return true;
    if (sweep->options.dry_run)
        report(sweep, &item);
    else
        remove_unrecorded(sweep, &item);
    return true;
}

static int sweep_folder(struct sweep *sweep, struct err *e)
{
    if (blob_list(sweep->store->blobs, sweep->folder, visit_file, sweep, e) != 0)
        return -1;
    sweep->folder++;
    return 0;
}

/* ---- steps ---- */

static void rewind_walk(struct sweep *sweep)
{
    sweep->phase = IN_BLOBS;
    sweep->place = (struct idle_place){0};
    sweep->folder = 0;
}

static int take_step(struct sweep *sweep, struct err *e)
{
    switch (sweep->phase) {
    case IN_BLOBS:
        return sweep_blobs(sweep, e);
    case IN_MEMBERS:
        return sweep_members(sweep, e);
    default:
        return sweep_folder(sweep, e);
    }
}

int sweep_step(struct sweep *sweep, uint64_t now, struct sweep_freed *freed, bool *more, struct err *e)
{
    unsigned folders = sweep->options.skips_files ? 0 : BLOB_FOLDERS;
    int rc;

    sweep->needed_before = needed_before(sweep, now);
    sweep->freed = freed;
    *more = true;
    if (sweep->options.dry_run) {
        rc = take_step(sweep, e);
    } else {
        if (clock_watch_check(sweep->store->clock, sweep->options.grace_s, e) != 0 ||
            sweep_gate_enter(sweep->store->sweeping, sweep, e) != 0)
            return -1;
        rc = take_step(sweep, e);
        sweep_gate_leave(sweep->store->sweeping);
    }
    *more = rc == 0 && (sweep->phase != IN_FILES || sweep->folder < folders);
    if (!*more)
        rewind_walk(sweep);
    return rc == 0 ? 0 : err_wrap(e, "sweep");
}
