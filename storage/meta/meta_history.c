/*
 * Events: written by the changes themselves and read backwards (invariant 11 of meta_record.h).
 */
#include "storage/meta/meta_history.h"

#include "storage/meta/meta_internal.h"

/* ---- keys ---- */

/* Tags hold no zero byte, so no tag's entries stand between another's. The number is turned around: the newest first. */
void tag_events_key(struct key *key, uint32_t id, struct str tag)
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
    removed_drop(txn, id, d);
}

void recallable_went(struct meta_txn *txn, uint32_t id, const struct digest *d)
{
    uint64_t count = recallable(txn, id, d);

    count_down(txn, KV_RECALLABLE, &count);
    set_recallable(txn, id, d, count);
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
    history_bound(txn, event, number);
}

/* ---- reading ---- */

bool event_load(struct meta_txn *txn, uint64_t number, struct event_record *out)
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
