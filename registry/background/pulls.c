#include "registry/background/pulls.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/base/str.h"
#include "storage/meta/meta_pulls.h"

enum {
    SLOTS = 2 * PULLS_MOST, /* a power of two */
    FLUSH_MS = 60 * 1000,
    WAIT_NS = 1000 * 1000,
};

/* What was pulled since the last one was handed over. */
struct batch {
    struct meta_change change; /* first */
    atomic_bool *under_way;
    size_t n;
    uint16_t slots[SLOTS]; /* number of an item, from 1; 0: free */
    struct pull items[PULLS_MOST];
};

struct pulls {
    struct meta *meta;
    struct batch *batch;   /* NULL: nothing was pulled */
    atomic_bool under_way; /* the writer has a batch */
    bool held;             /* nothing may be written */
    uint64_t due_ms;       /* monotonic; 0: not yet known */
};

struct pulls *pulls_new(struct meta *meta)
{
    struct pulls *pulls = xcalloc(1, sizeof(*pulls));

    pulls->meta = meta;
    return pulls;
}

/* ---- handing over ---- */

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    const struct batch *batch = (const struct batch *)change;

    return meta_pulls_note(txn, batch->items, batch->n, e);
}

/* On the writer's thread. The last thing it touches is the flag: the loop may be gone then. */
static void finish(struct meta_change *change)
{
    struct batch *batch = (struct batch *)change;
    atomic_bool *under_way = batch->under_way;

    if (change->rc != 0)
        log_warn("%zu pulls are not noted: %s", batch->n, change->err.text);
    free(batch);
    atomic_store(under_way, false);
}

/* The time of a pull is that of the hand-over: a minute does not matter, and a pull asks no clock. */
static void hand_over(struct pulls *pulls)
{
    struct batch *batch = pulls->batch;
    uint64_t now = clock_wall_s();

    for (size_t i = 0; i < batch->n; i++)
        batch->items[i].when = now;
    batch->change = (struct meta_change){.apply = apply, .done = finish};
    batch->under_way = &pulls->under_way;
    pulls->batch = NULL;
    atomic_store(&pulls->under_way, true);
    meta_submit(pulls->meta, &batch->change);
}

static void wait_for_writer(struct pulls *pulls)
{
    const struct timespec pause = {0, WAIT_NS};

    while (atomic_load(&pulls->under_way))
        nanosleep(&pause, NULL);
}

void pulls_free(struct pulls **pulls)
{
    if (*pulls == NULL)
        return;
    wait_for_writer(*pulls);
    if ((*pulls)->batch != NULL && !(*pulls)->held)
        hand_over(*pulls);
    free((*pulls)->batch);
    wait_for_writer(*pulls);
    free(*pulls);
    *pulls = NULL;
}

void pulls_tick(struct pulls *pulls, uint64_t now_ms)
{
    if (pulls == NULL)
        return;
    if (pulls->due_ms == 0)
        pulls->due_ms = now_ms + FLUSH_MS;
    if (now_ms < pulls->due_ms || pulls->held || atomic_load(&pulls->under_way))
        return;
    pulls->due_ms = now_ms + FLUSH_MS;
    if (pulls->batch != NULL)
        hand_over(pulls);
}

/* ---- noting ---- */

/* The slot of the manifest, or the free one where it belongs; there is one. A digest is as good as random. */
static uint16_t *slot_of(struct batch *batch, uint32_t repository, const struct digest *d)
{
    uint32_t at;

    memcpy(&at, d->raw, sizeof(at));
    for (at += repository;; at++) {
        uint16_t *slot = &batch->slots[at % SLOTS];
        const struct pull *item = &batch->items[*slot == 0 ? 0 : *slot - 1];

        if (*slot == 0 || (item->repository == repository && digest_equal(&item->digest, d)))
            return slot;
    }
}

void pulls_note(struct pulls *pulls, uint32_t repository, const struct digest *d)
{
    struct batch *batch;
    uint16_t *slot;

    if (pulls == NULL)
        return;
    if (pulls->batch != NULL && pulls->batch->n == PULLS_MOST && !pulls->held && !atomic_load(&pulls->under_way))
        hand_over(pulls);
    if (pulls->batch == NULL)
        pulls->batch = xcalloc(1, sizeof(*pulls->batch));
    batch = pulls->batch;
    slot = slot_of(batch, repository, d);
    if (*slot != 0 || batch->n == PULLS_MOST)
        return;
    batch->items[batch->n] = (struct pull){.repository = repository, .digest = *d};
    *slot = (uint16_t)++batch->n;
}

void pulls_hold(struct pulls *pulls, bool held)
{
    if (pulls != NULL)
        pulls->held = held;
}

/* ---- since when ---- */

static int apply_begin(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    (void)change;
    return meta_pulls_begin(txn, clock_wall_s(), e);
}

int pulls_begin(struct meta *meta, struct err *e)
{
    struct meta_change change = {.apply = apply_begin};

    if (meta_write(meta, &change) == 0)
        return 0;
    *e = change.err;
    return err_wrap(e, "remember since when pulls are noted");
}
