/*
 * Events: written by the changes themselves, read backwards, forgotten oldest first (invariant 11 of meta_record.h).
 */
#include "storage/meta/meta_history.h"

#include "storage/meta/meta_internal.h"

enum { FORGET_AT_ONCE = 256 };

/* ---- keys ---- */

/* Tags hold no zero byte, so no tag's entries stand between another's. The number is turned around: the newest first. */
static void tag_events_key(struct key *key, uint32_t id, struct str tag)
{
    key->n = 0;
    key_u32(key, id);
    key_bytes(key, tag);
    key_bytes(key, (struct str){"", 1});
}

void tag_event_key(struct key *key, const struct event_record *event, uint64_t number)
{
    tag_events_key(key, event->id, event->tag);
    key_u64(key, ~number);
}

static void number_key(struct key *key, uint64_t number)
{
    key->n = 0;
    key_u64(key, number);
}

/* ---- how many events name a manifest ---- */

static uint64_t recallable(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key key;
    struct str value;
    uint64_t count = 0;

    key_id_digest(&key, id, d);
    if (kv_get(txn, KV_RECALLABLE, key_str(&key), &value) && (!u64_decode(value, &count) || count == 0))
        kv_damaged(txn, KV_RECALLABLE);
    return count;
}

bool manifest_is_recallable(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    return recallable(txn, id, d) > 0;
}

static void set_recallable(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t count)
{
    struct key key;
    char value[8];

    key_id_digest(&key, id, d);
    u64_encode(count, value);
    if (count > 0) {
        kv_put(txn, KV_RECALLABLE, key_str(&key), (struct str){value, sizeof(value)});
        return;
    }
    kv_del(txn, KV_RECALLABLE, key_str(&key));
    kv_del(txn, KV_REMOVED, key_str(&key));
}

/* ---- writing ---- */

static uint64_t take_number(struct meta_txn *txn)
{
    struct str value;
    uint64_t number = 1;
    char next[8];

    if (kv_get(txn, KV_INFO, STR("next-event"), &value) && !u64_decode(value, &number))
        kv_damaged(txn, KV_INFO);
    u64_encode(number + 1, next);
    kv_put(txn, KV_INFO, STR("next-event"), (struct str){next, sizeof(next)});
    return number;
}

void event_happened(struct meta_txn *txn, const struct event_record *event)
{
    uint64_t number = take_number(txn);
    char value[EVENT_RECORD_MAX];
    struct key key;

    number_key(&key, number);
    kv_put(txn, KV_EVENTS, key_str(&key), (struct str){value, event_encode(event, value)});
    if (event->tag.n > 0) {
        tag_event_key(&key, event, number);
        kv_put(txn, KV_TAG_EVENTS, key_str(&key), (struct str){"", 0});
    }
    set_recallable(txn, event->id, &event->digest, recallable(txn, event->id, &event->digest) + 1);
}

void removed_put(struct meta_txn *txn, uint32_t id, const struct digest *d, struct str removed)
{
    struct key key;

    key_id_digest(&key, id, d);
    kv_put(txn, KV_REMOVED, key_str(&key), removed);
}

void removed_drop(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    struct key key;

    key_id_digest(&key, id, d);
    kv_del(txn, KV_REMOVED, key_str(&key));
}

bool removed_load(struct meta_txn *txn, uint32_t id, const struct digest *d, struct removed_record *out)
{
    struct key key;
    struct str value;

    key_id_digest(&key, id, d);
    if (!kv_get(txn, KV_REMOVED, key_str(&key), &value))
        return false;
    return removed_decode(value, out) || kv_damaged(txn, KV_REMOVED);
}

/* ---- reading ---- */

static bool event_load(struct meta_txn *txn, uint64_t number, struct event_record *out)
{
    struct key key;
    struct str value;

    number_key(&key, number);
    return (kv_get(txn, KV_EVENTS, key_str(&key), &value) && event_decode(value, out)) || kv_damaged(txn, KV_EVENTS);
}

/* The tag and the number out of a key of `tag_events`. */
static bool split_key(const struct kv_walk *walk, struct str *tag, uint64_t *number)
{
    struct str tail = str_from(walk->key, 4);
    size_t n = str_find(tail, '\0');

    *tag = (struct str){tail.p, n};
    if (n == tail.n || !u64_decode(str_from(tail, n + 1), number))
        return kv_damaged(walk->txn, KV_TAG_EVENTS);
    *number = ~*number;
    return true;
}

/* What the event did, told from the tag after it; and the tag before it, for the event before. */
static void tell(const struct event_record *event, struct history_place *place, struct tag_event *out)
{
    bool was = event->kind != EVENT_CREATED && event->kind != EVENT_RESTORED;
    bool is = event->kind != EVENT_DELETED && event->kind != EVENT_EXPIRED && event->kind != EVENT_TAKEN;

    *out = (struct tag_event){.tag = event->tag, .kind = event->kind, .when = event->when, .was = was, .is = is};
    if (was)
        out->from = event->digest;
    if (is)
        out->to = was ? place->to : event->digest;
    place->is = was;
    place->to = event->digest;
}

/* A tag whose history begins with the next entry: as it is now. */
static void begin_tag(struct meta_txn *txn, uint32_t id, struct str tag, struct history_place *place)
{
    struct tag_record record = {0};

    place->is = tag_load(txn, id, tag, &record);
    place->to = record.digest;
}

static bool is_of_tag(const struct key *last, struct str tag)
{
    struct str tail = str_from(key_str(last), 4);

    return str_eq((struct str){tail.p, str_find(tail, '\0')}, tag);
}

/* The entry that the walk stands on. */
static bool read_entry(struct kv_walk *walk, uint32_t id, struct history_place *place, struct tag_event *out)
{
    struct event_record event = {.when = 0};
    uint64_t number = 0;
    struct str tag;

    if (!split_key(walk, &tag, &number) || !event_load(walk->txn, number, &event))
        return false;
    if (place->last.n == 0 || !is_of_tag(&place->last, tag))
        begin_tag(walk->txn, id, tag, place);
    tell(&event, place, out);
    return true;
}

static void walk_history(struct meta_txn *txn, uint32_t id, const struct history_query *query,
                         struct history_place *place, meta_event_cb *item, void *arg, bool *more)
{
    const struct key after = place->last;
    struct key prefix = {.n = 0};
    struct tag_event event;
    struct kv_walk walk;

    key_u32(&prefix, id);
    if (query->tag.n > 0)
        tag_events_key(&prefix, id, query->tag);
    kv_walk_begin(&walk, txn, KV_TAG_EVENTS, key_str(&prefix), key_str(&after));
    for (size_t given = 0; kv_walk_next(&walk); given++) {
        if (given == query->limit) {
            *more = true;
            break;
        }
        if (!read_entry(&walk, id, place, &event))
            break;
        place->last.n = 0;
        key_bytes(&place->last, walk.key);
        item(&event, arg);
    }
    kv_walk_end(&walk);
}

int history_repository(struct meta_txn *txn, struct str repository, struct repo_record *repo, struct err *e)
{
    if (repo_load(txn, repository, repo))
        return 0;
    if (kv_status(txn, e) != 0)
        return -1;
    return err_set(e, ERR_NOT_FOUND, "%.*s: nothing was ever pushed under this name", (int)repository.n, repository.p);
}

int meta_history(struct meta_txn *txn, const struct history_query *query, struct history_place *place,
                 meta_event_cb *item, void *arg, bool *more, struct err *e)
{
    struct repo_record repo;

    *more = false;
    if (history_repository(txn, query->repository, &repo, e) != 0)
        return -1;
    walk_history(txn, repo.id, query, place, item, arg, more);
    return kv_status(txn, e);
}

int meta_removed(struct meta_txn *txn, struct str repository, const struct digest *last, size_t limit,
                 meta_removed_cb *item, void *arg, bool *more, struct err *e)
{
    struct key prefix = {.n = 0}, after = {.n = 0};
    struct removed_record record;
    struct repo_record repo;
    struct kv_walk walk;
    struct digest d;

    *more = false;
    if (history_repository(txn, repository, &repo, e) != 0)
        return -1;
    key_u32(&prefix, repo.id);
    if (last != NULL)
        key_id_digest(&after, repo.id, last);
    kv_walk_begin(&walk, txn, KV_REMOVED, key_str(&prefix), key_str(&after));
    for (size_t given = 0; kv_walk_next(&walk); given++) {
        struct str tail = str_from(walk.key, prefix.n);

        if (given == limit) {
            *more = true;
            break;
        }
        if (digest_from_key((const uint8_t *)tail.p, tail.n, &d) != tail.n || !removed_decode(walk.value, &record)) {
            kv_damaged(txn, KV_REMOVED);
            break;
        }
        item(&d, record.when, arg);
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}

/* ---- forgetting ---- */

struct oldest {
    uint64_t number;
    struct event_record event; /* its tag points into `tag` */
    struct key tag;
};

/* Copied: its place in the table does not outlive a deletion. False: there is none. */
static bool load_oldest(struct meta_txn *txn, struct oldest *out)
{
    struct kv_walk walk;
    bool found;

    kv_walk_begin(&walk, txn, KV_EVENTS, (struct str){0}, (struct str){0});
    found = kv_walk_next(&walk);
    if (found && (!u64_decode(walk.key, &out->number) || !event_decode(walk.value, &out->event)))
        found = kv_damaged(txn, KV_EVENTS);
    if (found) {
        out->tag.n = 0;
        key_bytes(&out->tag, out->event.tag);
        out->event.tag = key_str(&out->tag);
    }
    kv_walk_end(&walk);
    return found;
}

static void forget(struct meta_txn *txn, const struct oldest *oldest)
{
    const struct event_record *event = &oldest->event;
    uint64_t count = recallable(txn, event->id, &event->digest);
    struct key key;

    number_key(&key, oldest->number);
    kv_del(txn, KV_EVENTS, key_str(&key));
    if (event->tag.n > 0) {
        tag_event_key(&key, event, oldest->number);
        if (!kv_del(txn, KV_TAG_EVENTS, key_str(&key)))
            kv_damaged(txn, KV_TAG_EVENTS);
    }
    count_down(txn, KV_RECALLABLE, &count);
    set_recallable(txn, event->id, &event->digest, count);
}

/* What a clock that was ahead has dated is as old as the first event after it that is not from the future. When there is
 * none it may be today's clock that is wrong. *until: the number of the event that tells, for those in between. */
static bool is_outlived(struct meta_txn *txn, const struct oldest *oldest, uint64_t before, uint64_t latest,
                        uint64_t *until)
{
    struct event_record event = {.when = UINT64_MAX};
    struct kv_walk walk;
    struct key own;

    if (oldest->number < *until)
        return true;
    number_key(&own, oldest->number);
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
    struct oldest oldest;
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

int history_forget_all(struct meta *meta, uint64_t before, uint64_t latest, bool (*is_cancelled)(void *arg), void *arg,
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
        if (f.more && is_cancelled != NULL && is_cancelled(arg))
            return err_set(e, ERR_BUSY, "cancelled; what was forgotten stays forgotten");
    }
    return 0;
}
