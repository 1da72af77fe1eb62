/*
 * Forgetting: by age, oldest first; and at once what is more than the history may take (meta_record.h). Whoever may push
 * and delete can make events without end, and no quota counts them.
 */
#include "storage/meta/meta_history.h"
#include "storage/meta/meta_internal.h"

enum { FORGET_AT_ONCE = 256 };

/* ---- one event ---- */

struct known_event {
    uint64_t number;
    struct event_record event; /* its tag points into `tag` */
    struct key tag;
};

/* Copied: its place in the table does not outlive a deletion. */
static void own_tag(struct known_event *known)
{
    known->tag.n = 0;
    key_bytes(&known->tag, known->event.tag);
    known->event.tag = key_str(&known->tag);
}

/* False: there is none. */
static bool load_oldest(struct meta_txn *txn, struct known_event *out)
{
    struct kv_walk walk;
    bool found;

    kv_walk_begin(&walk, txn, KV_EVENTS, (struct str){0}, (struct str){0});
    found = kv_walk_next(&walk);
    if (found && (!u64_decode(walk.key, &out->number) || !event_decode(walk.value, &out->event)))
        found = kv_damaged(txn, KV_EVENTS);
    if (found)
        own_tag(out);
    kv_walk_end(&walk);
    return found;
}

static void forget(struct meta_txn *txn, const struct known_event *oldest)
{
    const struct event_record *event = &oldest->event;
    struct key key = {.n = 0};

    key_u64(&key, oldest->number);
    kv_del(txn, KV_EVENTS, key_str(&key));
    if (event->tag.n > 0) {
        tag_event_key(&key, event, oldest->number);
        if (!kv_del(txn, KV_TAG_EVENTS, key_str(&key)))
            kv_damaged(txn, KV_TAG_EVENTS);
    }
    recallable_went(txn, event->id, &event->digest);
}

/* ---- bounds ---- */

/* The number of the tag's oldest event; *count: of all of them. The walk is short: none has many more than it may. */
static uint64_t oldest_of_tag(struct meta_txn *txn, const struct event_record *event, size_t *count)
{
    uint64_t turned = 0;
    struct kv_walk walk;
    struct key prefix;

    *count = 0;
    tag_events_key(&prefix, event->id, event->tag);
    kv_walk_begin(&walk, txn, KV_TAG_EVENTS, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        ++*count;
        if (!u64_decode(str_from(walk.key, prefix.n), &turned)) {
            kv_damaged(txn, KV_TAG_EVENTS);
            break;
        }
    }
    kv_walk_end(&walk);
    return ~turned;
}

static void bound_tag(struct meta_txn *txn, const struct event_record *event)
{
    struct known_event known;
    size_t count;

    known.number = oldest_of_tag(txn, event, &count);
    if (count <= TAG_EVENTS_MOST || !event_load(txn, known.number, &known.event))
        return;
    own_tag(&known);
    forget(txn, &known);
}

/* Two for one that came: so what is too much becomes less. */
static void bound_all(struct meta_txn *txn, uint64_t number)
{
    struct known_event oldest;

    for (int i = 0; i < 2 && load_oldest(txn, &oldest) && number - oldest.number >= EVENTS_MOST; i++)
        forget(txn, &oldest);
}

void history_bound(struct meta_txn *txn, const struct event_record *event, uint64_t number)
{
    if (event->tag.n > 0)
        bound_tag(txn, event);
    bound_all(txn, number);
}

/* ---- by age ---- */

/* What a clock that was ahead has dated is as old as the first event after it that is not from the future. When there is
 * none it may be today's clock that is wrong. *until: the number of the event that tells, for those in between. */
static bool is_outlived(struct meta_txn *txn, const struct known_event *oldest, uint64_t before, uint64_t latest,
                        uint64_t *until)
{
    struct event_record event = {.when = UINT64_MAX};
    struct kv_walk walk;
    struct key own = {.n = 0};

    if (oldest->number < *until)
        return true;
    key_u64(&own, oldest->number);
    kv_walk_begin(&walk, txn, KV_EVENTS, (struct str){0}, key_str(&own));
    while (event.when > latest && kv_walk_next(&walk))
        if (!u64_decode(walk.key, until) || !event_decode(walk.value, &event)) {
            kv_damaged(txn, KV_EVENTS);
            break;
        }
    kv_walk_end(&walk);
    return event.when <= latest && event.when < before;
}

int meta_history_forget(struct meta_txn *txn, uint64_t before, uint64_t latest, size_t limit, size_t *forgotten,
                        bool *more, struct err *e)
{
    struct known_event oldest;
    uint64_t until = 0;

    *more = false;
    *forgotten = 0;
    while (load_oldest(txn, &oldest) &&
           (oldest.event.when < before ||
            (oldest.event.when > latest && is_outlived(txn, &oldest, before, latest, &until)))) {
        if (*forgotten == limit) {
            *more = true;
            break;
        }
        forget(txn, &oldest);
        ++*forgotten;
    }
    return kv_status(txn, e);
}

struct forgetting {
    struct meta_change change; /* first */
    uint64_t before, latest;
    size_t forgotten;
    bool more;
};

static int apply_forgetting(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct forgetting *f = (struct forgetting *)change;

    return meta_history_forget(txn, f->before, f->latest, FORGET_AT_ONCE, &f->forgotten, &f->more, e);
}

int history_forget_all(struct meta *meta, uint64_t before, uint64_t latest, const struct interrupt *interrupt,
                       uint64_t *forgotten, struct err *e)
{
    struct forgetting f = {.before = before, .latest = latest, .more = true};

    *forgotten = 0;
    while (f.more) {
        f.change = (struct meta_change){.apply = apply_forgetting};
        if (meta_write(meta, &f.change) != 0) {
            if (e != NULL)
                *e = f.change.err;
            return err_wrap(e, "forget old history");
        }
        *forgotten += f.forgotten;
        if (f.more && interrupt_check(interrupt, "cancelled; what was forgotten stays forgotten", e) != 0)
            return -1;
    }
    return 0;
}
