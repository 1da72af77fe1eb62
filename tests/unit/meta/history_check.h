/*
 * Invariant 11 of meta_record.h, checked from the tables alone: every event is where it belongs, recallable counts
 * them, removed holds what is neither forgotten nor there and is summed up, and the events of a tag lead one to the next up to the tag.
 */
#ifndef BERTH_TEST_HISTORY_CHECK_H
#define BERTH_TEST_HISTORY_CHECK_H

#include "storage/meta/meta_history.h"
#include "tests/unit/meta/meta_fixture.h"

/* How many events name the manifest; *tagged: and how many events have a tag at all. */
HELPER uint64_t count_events(struct meta_txn *txn, uint32_t id, const struct digest *d, size_t *tagged)
{
    struct event_record event;
    struct kv_walk walk;
    uint64_t n = 0;

    *tagged = 0;
    kv_walk_begin(&walk, txn, KV_EVENTS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        CHECK(event_decode(walk.value, &event));
        n += event.id == id && digest_equal(&event.digest, d);
        *tagged += event.tag.n > 0;
    }
    kv_walk_end(&walk);
    return n;
}

HELPER void check_recallable(struct meta_txn *txn)
{
    struct kv_walk walk;
    struct digest d;
    uint64_t count, counted, all = 0;
    uint32_t id;
    size_t tagged;

    kv_walk_begin(&walk, txn, KV_RECALLABLE, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        CHECK(u32_decode((struct str){walk.key.p, 4}, &id));
        CHECK(digest_from_key((const uint8_t *)walk.key.p + 4, walk.key.n - 4, &d) == walk.key.n - 4);
        CHECK(u64_decode(walk.value, &count));
        counted = count_events(txn, id, &d, &tagged);
        CHECK(count > 0 && count == counted);
        all += count;
    }
    kv_walk_end(&walk);
    CHECK_INT(all, table_entries(txn, KV_EVENTS));
}

HELPER uint64_t removed_sum(struct meta_txn *txn, uint32_t id)
{
    struct str value;
    struct key key;
    uint64_t sum;

    removed_bytes_key(&key, id);
    if (!kv_get(txn, KV_INFO, key_str(&key), &value))
        return 0;
    CHECK(u64_decode(value, &sum) && sum > 0);
    return sum;
}

HELPER void check_removed_sums(struct meta_txn *txn)
{
    uint64_t all = 0, of = 0;
    struct kv_walk walk;
    uint32_t id, last = 0;

    kv_walk_begin(&walk, txn, KV_REMOVED, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        CHECK(u32_decode((struct str){walk.key.p, 4}, &id));
        if (id != last)
            of = 0;
        last = id;
        all += walk.value.n + REMOVED_ENTRY_COST;
        of += walk.value.n + REMOVED_ENTRY_COST;
        CHECK(removed_sum(txn, id) >= of && removed_sum(txn, id) <= REMOVED_BYTES_MOST);
    }
    kv_walk_end(&walk);
    CHECK_INT(removed_sum(txn, REMOVED_OF_ALL), all);
    kv_walk_begin(&walk, txn, KV_INFO, STR("removed"), (struct str){0});
    while (kv_walk_next(&walk)) {
        CHECK(u32_decode(str_from(walk.key, 7), &id) && u64_decode(walk.value, &of));
        all -= id == REMOVED_OF_ALL ? 0 : of;
    }
    kv_walk_end(&walk);
    CHECK_INT(all, 0);
}

HELPER void check_removed(struct meta_txn *txn)
{
    struct removed_record record;
    struct kv_walk walk;

    check_removed_sums(txn);
    kv_walk_begin(&walk, txn, KV_REMOVED, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        CHECK(removed_decode(walk.value, &record));
        CHECK(kv_has(txn, KV_RECALLABLE, walk.key));
        CHECK(!kv_has(txn, KV_MANIFESTS, walk.key));
    }
    kv_walk_end(&walk);
    kv_walk_begin(&walk, txn, KV_PULLS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk))
        CHECK(walk.value.n == 8 && kv_has(txn, KV_MANIFESTS, walk.key));
    kv_walk_end(&walk);
}

/* What the tag was after the event that came before in the walk, which is what it is before that. */
struct chain {
    struct meta_txn *txn;
    struct str repository;
    char tag[129];
    bool was;
    struct digest from;
    size_t events;
};

HELPER void check_link(const struct tag_event *event, void *arg)
{
    struct chain *chain = arg;
    struct manifest_view view = {0};
    char tag[129];

    snprintf(tag, sizeof(tag), "%.*s", (int)event->tag.n, event->tag.p);
    if (strcmp(tag, chain->tag) != 0) {
        chain->was = meta_tag_get(chain->txn, chain->repository, event->tag, &view, NULL) == 0;
        chain->from = view.digest;
        memcpy(chain->tag, tag, sizeof(tag));
    }
    CHECK_INT(event->is, chain->was);
    CHECK(!event->is || digest_equal(&event->to, &chain->from));
    CHECK(event->was || event->is);
    chain->was = event->was;
    chain->from = event->from;
    chain->events++;
}

HELPER void check_chains(struct meta_txn *txn)
{
    struct chain chain = {.txn = txn};
    struct kv_walk walk;
    struct digest none = blob_digest(0);
    size_t tagged;

    kv_walk_begin(&walk, txn, KV_REPOS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        struct history_place place = {.last = {.n = 0}};
        bool more = true;

        chain.tag[0] = '\0';
        chain.repository = walk.key;
        while (more)
            CHECK_INT(meta_history(txn, &(struct history_query){walk.key, STR(""), 5}, &place, check_link, &chain,
                                   &more, NULL),
                      0);
    }
    kv_walk_end(&walk);
    count_events(txn, 0, &none, &tagged);
    CHECK_INT(chain.events, tagged);
    CHECK_INT(table_entries(txn, KV_TAG_EVENTS), tagged);
}

HELPER void history_check(struct meta_txn *txn)
{
    check_recallable(txn);
    check_removed(txn);
    check_chains(txn);
    CHECK_INT(kv_status(txn, NULL), 0);
}

#endif
