/*
 * History: events, what follows from them, and pulls (invariant 11 of meta_record.h).
 *
 * How many events name a manifest is counted, in a walk over all events, only when that number is missing or makes no
 * sense. A number that is merely wrong is not noticed here.
 */
#include "storage/meta/meta_check_internal.h"

static bool decode(struct str key, struct str value, uint64_t *number, struct event_record *event)
{
    return u64_decode(key, number) && event_decode(value, event) && event->id != 0;
}

static uint64_t count_events(struct meta_check *check, uint32_t id, const struct digest *d)
{
    struct event_record event;
    struct kv_walk walk;
    uint64_t n = 0, number;

    kv_walk_begin(&walk, check->txn, KV_EVENTS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        check->cost++;
        n += decode(walk.key, walk.value, &number, &event) && event.id == id && digest_equal(&event.digest, d);
    }
    kv_walk_end(&walk);
    return n;
}

static void want_count(struct meta_check *check, uint32_t id, const struct digest *d)
{
    uint64_t count = count_events(check, id, d);
    char value[8];
    struct key key;

    key_id_digest(&key, id, d);
    u64_encode(count, value);
    if (count > 0)
        check_want(check, 11, KV_RECALLABLE, key_str(&key), (struct str){value, sizeof(value)},
                   "events that name a manifest are counted");
    else
        check_absent(check, 11, KV_RECALLABLE, key_str(&key), "no event names this manifest");
}

void rule_events(struct meta_check *check, struct str key, struct str value)
{
    struct event_record event;
    uint64_t number;
    struct key other;

    if (!decode(key, value, &number, &event)) {
        check_absent(check, 0, KV_EVENTS, key, "the record does not decode");
        return;
    }
    if (event.tag.n > 0) {
        tag_event_key(&other, &event, number);
        check_want(check, 11, KV_TAG_EVENTS, key_str(&other), (struct str){"", 0}, "an event of a tag is listed by it");
    }
    key_id_digest(&other, event.id, &event.digest);
    if (!kv_has(check->txn, KV_RECALLABLE, key_str(&other)))
        want_count(check, event.id, &event.digest);
}

void rule_tag_events(struct meta_check *check, struct str key, struct str value)
{
    struct str tail = str_from(key, 4), record;
    struct str turned = str_from(tail, str_find(tail, '\0') + 1);
    struct key number = {.n = 0}, own;
    struct event_record event;
    uint64_t n;

    own.n = 0;
    if (u64_decode(turned, &n)) {
        key_u64(&number, ~n);
        if (kv_get(check->txn, KV_EVENTS, key_str(&number), &record) && event_decode(record, &event))
            tag_event_key(&own, &event, ~n);
    }
    if (!str_eq(key_str(&own), key))
        check_absent(check, 11, KV_TAG_EVENTS, key, "there is no such event of this tag");
    else if (value.n > 0)
        check_want(check, 0, KV_TAG_EVENTS, key, (struct str){"", 0}, "it has no value");
}

void rule_recallable(struct meta_check *check, struct str key, struct str value)
{
    struct digest d;
    uint64_t count;
    uint32_t id;

    if (!split_id_digest(key, &id, &d))
        check_absent(check, 0, KV_RECALLABLE, key, "the key is no manifest of a repository");
    else if (!u64_decode(value, &count) || count == 0)
        want_count(check, id, &d);
}

/* ---- what is kept aside ---- */

/* What will stay: of what does not decode nothing does. */
static uint64_t sum_removed(struct meta_check *check, uint32_t id)
{
    struct removed_record record;
    struct key prefix = {.n = 0};
    struct kv_walk walk;
    struct digest d;
    uint64_t sum = 0;
    uint32_t of;

    if (id != REMOVED_OF_ALL)
        key_u32(&prefix, id);
    kv_walk_begin(&walk, check->txn, KV_REMOVED, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        check->cost++;
        if (split_id_digest(walk.key, &of, &d) && removed_decode(walk.value, &record))
            sum += removed_cost(walk.value.n);
    }
    kv_walk_end(&walk);
    return sum;
}

static void want_sum(struct meta_check *check, uint32_t id)
{
    uint64_t sum = sum_removed(check, id);
    char value[8];
    struct key key;

    removed_bytes_key(&key, id);
    u64_encode(sum, value);
    if (sum > 0)
        check_want(check, 11, KV_INFO, key_str(&key), (struct str){value, sizeof(value)},
                   "the bytes of deleted manifests are others");
    else
        check_absent(check, 11, KV_INFO, key_str(&key), "there are no deleted manifests");
}

void check_removed_sum(struct meta_check *check, struct str key)
{
    struct key own;
    uint32_t id;

    if (key.n < 4 || !u32_decode(str_from(key, key.n - 4), &id))
        return;
    removed_bytes_key(&own, id);
    if (str_eq(key_str(&own), key))
        want_sum(check, id);
}

/* A sum that is there is judged by itself. */
static void want_sums(struct meta_check *check, uint32_t id)
{
    const uint32_t sums[] = {id, REMOVED_OF_ALL};
    struct key key;

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        removed_bytes_key(&key, sums[i]);
        if (!kv_has(check->txn, KV_INFO, key_str(&key)))
            want_sum(check, sums[i]);
    }
}

void rule_removed(struct meta_check *check, struct str key, struct str value)
{
    struct removed_record record;
    struct manifest parsed;
    struct digest d;
    uint32_t id;

    if (!split_id_digest(key, &id, &d)) {
        check_absent(check, 0, KV_REMOVED, key, "the key is no manifest of a repository");
    } else if (!removed_decode(value, &record) || !manifest_is_sound(&d, &record.manifest, &parsed)) {
        check_absent(check, 0, KV_REMOVED, key,
                     "the record does not decode, or holds other bytes than its digest says");
    } else {
        manifest_free(&parsed);
        if (!kv_has(check->txn, KV_RECALLABLE, key) && count_events(check, id, &d) == 0)
            check_absent(check, 11, KV_REMOVED, key, "no event names this manifest");
        else if (kv_has(check->txn, KV_MANIFESTS, key))
            check_absent(check, 11, KV_REMOVED, key, "this manifest is there");
        else
            want_sums(check, id);
    }
}

void rule_pulls(struct meta_check *check, struct str key, struct str value)
{
    uint64_t when;

    if (!u64_decode(value, &when))
        check_absent(check, 0, KV_PULLS, key, "the record does not decode");
    else if (!kv_has(check->txn, KV_MANIFESTS, key))
        check_absent(check, 11, KV_PULLS, key, "there is no such manifest");
}

void rule_outbox(struct meta_check *check, struct str key, struct str value)
{
    if (!outbox_entry_valid(key, value))
        check_absent(check, 0, KV_OUTBOX, key, "the record does not decode");
}
