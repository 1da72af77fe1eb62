/*
 * The invariants of meta_record.h about leases and bytes (9, 10 and 12), checked by counting: every entry of `idle`,
 * `loose` and `usage`, and "stored", is compared with what the other tables say.
 */
#ifndef BERTH_TEST_ACCOUNTS_FIXTURE_H
#define BERTH_TEST_ACCOUNTS_FIXTURE_H

#include "tests/unit/meta/meta_fixture.h"

enum { ACCOUNT_PATHS = 64 };

/* Bytes by path, counted. */
struct accounts {
    size_t n;
    struct {
        char path[256];
        struct usage usage;
    } paths[ACCOUNT_PATHS];
};

HELPER bool accounts_has(enum kv_table table)
{
    return table == KV_IDLE || table == KV_LOOSE || table == KV_USAGE;
}

HELPER void account_path(struct accounts *a, struct str path, uint64_t logical, uint64_t sole)
{
    size_t i = 0;

    while (i < a->n && !str_eq(str_of(a->paths[i].path), path))
        i++;
    CHECK(i < ACCOUNT_PATHS && path.n < sizeof(a->paths[i].path));
    if (i == a->n) {
        memcpy(a->paths[i].path, path.p, path.n);
        a->n++;
    }
    a->paths[i].usage.logical += logical;
    a->paths[i].usage.sole += sole;
}

/* At the repository and at all it is below. */
HELPER void account(struct meta_txn *txn, struct accounts *a, uint32_t id, uint64_t logical, uint64_t sole)
{
    struct str name;

    CHECK(repo_name_of(txn, id, &name));
    account_path(a, (struct str){"", 0}, logical, sole);
    for (size_t n = 1; n <= name.n; n++)
        if (n == name.n || name.p[n] == '/')
            account_path(a, (struct str){name.p, n}, logical, sole);
}

HELPER struct digest digest_at(struct str key, size_t from)
{
    struct str rest = str_from(key, from);
    struct digest d;

    CHECK_INT(digest_from_key((const uint8_t *)rest.p, rest.n, &d), rest.n);
    return d;
}

HELPER bool has_entry(struct meta_txn *txn, enum kv_table table, uint64_t since, struct str rest)
{
    struct key key = {.n = 0};

    key_u64(&key, since);
    key_bytes(&key, rest);
    return kv_has(txn, table, key_str(&key));
}

HELPER void check_blobs(struct meta_txn *txn)
{
    uint64_t blobs = 0, bytes = 0, stored_blobs, stored_bytes;
    size_t idle = 0;
    struct kv_walk walk;

    kv_walk_begin(&walk, txn, KV_BLOBS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        struct blob_record blob;

        CHECK(blob_decode(walk.value, &blob));
        blobs++;
        bytes += blob.size;
        idle += blob.references == 0;
        CHECK_INT(has_entry(txn, KV_IDLE, blob.last_needed, walk.key), blob.references == 0);
    }
    kv_walk_end(&walk);
    CHECK_INT(table_entries(txn, KV_IDLE), idle);
    CHECK_INT(meta_stored(txn, &stored_blobs, &stored_bytes, NULL), 0);
    CHECK_INT(stored_blobs, blobs);
    CHECK_INT(stored_bytes, bytes);
}

HELPER void check_members(struct meta_txn *txn, struct accounts *a)
{
    struct kv_walk walk;
    size_t loose = 0;

    kv_walk_begin(&walk, txn, KV_MEMBERS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        struct digest d = digest_at(walk.key, 4);
        struct blob_record blob;
        uint64_t since;
        uint32_t id;
        bool named;

        CHECK(u32_decode((struct str){walk.key.p, 4}, &id) && u64_decode(walk.value, &since) && since > 0);
        CHECK(blob_load(txn, &d, &blob));
        named = references_from(txn, id, &d) > 0;
        CHECK_INT(has_entry(txn, KV_LOOSE, since, walk.key), !named);
        CHECK(named || blob.references > 0 || blob.last_needed >= since);
        loose += !named;
        account(txn, a, id, blob.size, blob.holders == 1 ? blob.size : 0);
    }
    kv_walk_end(&walk);
    CHECK_INT(table_entries(txn, KV_LOOSE), loose);
}

HELPER void check_manifests(struct meta_txn *txn, struct accounts *a)
{
    struct kv_walk walk;

    kv_walk_begin(&walk, txn, KV_MANIFESTS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        struct manifest_record record;
        uint32_t id;

        CHECK(u32_decode((struct str){walk.key.p, 4}, &id) && manifest_decode(walk.value, &record));
        account(txn, a, id, record.bytes.n, record.bytes.n);
    }
    kv_walk_end(&walk);
}

HELPER void check_accounts(struct world *w)
{
    struct meta_txn *txn = look(w);
    struct accounts a = {0};
    size_t entries = 0;

    check_blobs(txn);
    check_members(txn, &a);
    check_manifests(txn, &a);
    for (size_t i = 0; i < a.n; i++) {
        struct usage usage;

        CHECK_INT(meta_usage(txn, str_of(a.paths[i].path), &usage, NULL), 0);
        CHECK_INT(usage.logical, a.paths[i].usage.logical);
        CHECK_INT(usage.sole, a.paths[i].usage.sole);
        entries += usage.logical > 0 || usage.sole > 0;
    }
    CHECK_INT(table_entries(txn, KV_USAGE), entries);
    CHECK_INT(kv_status(txn, &w->err), 0);
    meta_done(w->reader);
}

#endif
