/*
 * Everything in the tables follows from the model (model_fixture.h), and is compared with it: the invariants of
 * meta_record.h.
 */
#ifndef BERTH_TEST_MODEL_CHECK_H
#define BERTH_TEST_MODEL_CHECK_H

#include "tests/unit/meta/accounts_fixture.h"
#include "tests/unit/meta/check_fixture.h"
#include "tests/unit/meta/history_check.h"
#include "tests/unit/meta/model_fixture.h"

HELPER void compare_blob(struct meta_txn *txn, int d)
{
    struct key key = {.n = 0};
    struct blob_record blob;
    struct str value;
    uint64_t holders = 0;
    uint64_t references_wanted = 0;

    for (int r = 0; r < REPOS; r++) {
        holders += model.held[r][d];
        references_wanted += model.held[r][d] ? names_in(r, d) : 0;
    }
    key_digest(&key, &digests[d]);
    CHECK_INT(kv_get(txn, KV_BLOBS, key_str(&key), &value), model.blob[d]);
    if (!model.blob[d])
        return;
    CHECK(blob_decode(value, &blob));
    CHECK_INT(blob.size, sizes[d]);
    CHECK_INT(blob.holders, holders);
    CHECK_INT(blob.references, references_wanted);
}

/* The entries that belong to one repository; returns how many there must be in all, by table. */
HELPER void compare_repo(struct meta_txn *txn, int r, size_t *entries)
{
    struct repo_record repo;
    uint64_t blobs = 0;
    uint64_t manifests = 0;
    uint64_t tags = 0;

    CHECK_INT(repo_load(txn, str_of(repo_names[r]), &repo), model.known[r]);
    for (int d = 0; d < DIGESTS; d++) {
        struct blob_record blob;
        struct str value;
        struct key key;
        uint64_t count = 0;

        key_id_digest(&key, repo.id, &digests[d]);
        CHECK_INT(blob_load_held(txn, repo.id, &digests[d], &blob), model.held[r][d]);
        CHECK(!kv_get(txn, KV_REFS, key_str(&key), &value) || u64_decode(value, &count));
        CHECK_INT(count, names_in(r, d));
        blobs += model.held[r][d];
        entries[KV_REFS] += count > 0;
    }
    for (int t = 0; t < TEMPLATES; t++) {
        struct manifest_record record;

        CHECK_INT(manifest_load(txn, repo.id, &digests[BLOBS + t], &record), model.manifest[r][t]);
        manifests += model.manifest[r][t];
        entries[KV_REFERRERS] += model.manifest[r][t] && templates[t].subject >= 0;
    }
    for (int i = 0; i < TAGS; i++) {
        struct manifest_view view;
        int t = model.tag[r][i];

        CHECK_INT(meta_tag_get(txn, str_of(repo_names[r]), str_of(tag_names[i]), &view, NULL), t < 0 ? -1 : 0);
        CHECK(t < 0 || digest_equal(&view.digest, &digests[BLOBS + t]));
        tags += t >= 0;
    }
    CHECK(repo.blobs == blobs && repo.manifests == manifests && repo.tags == tags);
    CHECK_INT(kv_has(txn, KV_CATALOG, str_of(repo_names[r])), manifests > 0);
    entries[KV_REPOS] += model.known[r];
    entries[KV_NAMES] += model.known[r];
    entries[KV_CATALOG] += manifests > 0;
    entries[KV_MEMBERS] += blobs;
    entries[KV_HOLDERS] += blobs;
    entries[KV_MANIFESTS] += manifests;
    entries[KV_TAGS] += tags;
    entries[KV_MANIFEST_TAGS] += tags;
}

/* Invariant 11: what is in these tables is checked from themselves, and their numbers by the model. */
HELPER void compare_history(struct meta_txn *txn, size_t *entries)
{
    static const enum kv_table tables[] = {KV_EVENTS, KV_TAG_EVENTS, KV_RECALLABLE, KV_REMOVED, KV_PULLS};

    history_check(txn);
    CHECK_INT(table_entries(txn, KV_EVENTS), model.event_count - model.first_event);
    for (int r = 0; r < REPOS; r++) {
        struct repo_record repo;

        repo_load(txn, str_of(repo_names[r]), &repo);
        for (int t = 0; t < TEMPLATES; t++) {
            struct removed_record removed;

            CHECK_INT(manifest_is_recallable(txn, repo.id, &digests[BLOBS + t]), model.named[r][t] > 0);
            CHECK_INT(removed_load(txn, repo.id, &digests[BLOBS + t], &removed), model.removed[r][t]);
        }
    }
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        entries[tables[i]] = table_entries(txn, tables[i]);
}

HELPER void compare(struct world *w)
{
    struct meta_txn *txn = look(w);
    size_t entries[KV_TABLES] = {0};

    for (int d = 0; d < DIGESTS; d++) {
        compare_blob(txn, d);
        entries[KV_BLOBS] += model.blob[d];
    }
    for (int r = 0; r < REPOS; r++)
        compare_repo(txn, r, entries);
    compare_history(txn, entries);
    for (enum kv_table table = KV_REPOS; table < KV_TABLES; table++)
        if (!accounts_has(table) && table_entries(txn, table) != entries[table])
            test_fail(__FILE__, __LINE__, "table %d has %zu entries, not %zu", table, table_entries(txn, table),
                      entries[table]);
    CHECK_INT(kv_status(txn, &w->err), 0);
    meta_done(w->reader);
    check_accounts(w);
    check_whole(w->meta);
}

#endif
