/*
 * Blobs: who holds which, how many manifests name each (invariants 2 and 4 of meta_record.h).
 */
#include "registry/base/clock.h"
#include "storage/meta/meta_check_internal.h"

bool check_blob_from_file(struct meta_check *check, const struct digest *d, struct blob_record *out)
{
    *out = (struct blob_record){.last_needed = clock_wall_s()};
    return check->options.file_size != NULL && check->options.file_size(d, &out->size, check->options.arg);
}

/* ---- counters ---- */

static uint64_t refs_of(struct meta_check *check, uint32_t id, const struct digest *d)
{
    struct key key;
    struct str value;
    uint64_t n = 0;

    key_id_digest(&key, id, d);
    return kv_get(check->txn, KV_REFS, key_str(&key), &value) && u64_decode(value, &n) ? n : 0;
}

/* *since: when the blob was last needed there; 0 when that is not known. */
static bool is_member(struct meta_check *check, uint32_t id, const struct digest *d, uint64_t *since)
{
    struct key key;
    struct str value;

    *since = 0;
    key_id_digest(&key, id, d);
    if (!kv_get(check->txn, KV_MEMBERS, key_str(&key), &value))
        return false;
    if (!u64_decode(value, since))
        *since = 0;
    return true;
}

/* Holders that are right, and what their manifests add up to. A lease there is one here. */
static void count_holders(struct meta_check *check, const struct digest *d, struct blob_record *out)
{
    struct key prefix = {.n = 0};
    uint64_t since, latest = 0;
    struct kv_walk walk;
    uint32_t id;

    out->holders = out->references = 0;
    key_digest(&prefix, d);
    kv_walk_begin(&walk, check->txn, KV_HOLDERS, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        check->cost++;
        if (!u32_decode(str_from(walk.key, prefix.n), &id) || !is_member(check, id, d, &since))
            continue;
        out->holders++;
        out->references += refs_of(check, id, d);
        latest = since > latest ? since : latest;
    }
    kv_walk_end(&walk);
    if (out->references == 0 && latest > out->last_needed)
        out->last_needed = latest;
}

static void want_blob(struct meta_check *check, unsigned invariant, const struct digest *d,
                      const struct blob_record *blob, const char *why)
{
    struct key key = {.n = 0};
    char value[BLOB_RECORD_SIZE];

    key_digest(&key, d);
    blob_encode(blob, value);
    check_want(check, invariant, KV_BLOBS, key_str(&key), (struct str){value, sizeof(value)}, why);
}

/* ---- rules ---- */

void rule_blobs(struct meta_check *check, struct str key, struct str value)
{
    struct blob_record has, blob;
    struct digest d;

    if (!split_digest(key, &d)) {
        check_absent(check, 0, KV_BLOBS, key, "the key is no digest");
        return;
    }
    if (!blob_decode(value, &has)) {
        if (!check_blob_from_file(check, &d, &blob)) {
            check_absent(check, 0, KV_BLOBS, key, "the record does not decode, and there is no file");
            return;
        }
        count_holders(check, &d, &blob);
        want_blob(check, 0, &d, &blob, "the record does not decode");
        check_idle(check, &d, &blob);
        return;
    }
    blob = has;
    count_holders(check, &d, &blob);
    if (blob.holders != has.holders)
        want_blob(check, 2, &d, &blob, "the number of holders is another");
    else if (blob.references != has.references)
        want_blob(check, 4, &d, &blob, "the number of manifests that name it is another");
    else
        want_blob(check, 12, &d, &blob, "a repository needed it later");
    check_idle(check, &d, &blob);
}

void rule_members(struct meta_check *check, struct str key, struct str value)
{
    struct blob_record blob;
    struct key holder = {.n = 0}, name = {.n = 0};
    char now[8];
    uint64_t since;
    struct digest d;
    uint32_t id;

    if (!split_id_digest(key, &id, &d)) {
        check_absent(check, 0, KV_MEMBERS, key, "the key is no repository and digest");
        return;
    }
    check_named(check, id);
    key_digest(&name, &d);
    if (!kv_has(check->txn, KV_BLOBS, key_str(&name))) {
        if (!check_blob_from_file(check, &d, &blob)) {
            check_absent(check, 2, KV_MEMBERS, key, "the blob has neither a record nor a file");
            return;
        }
        want_blob(check, 2, &d, &blob, "the record of a blob that a repository holds is lost");
    }
    key_digest(&holder, &d);
    key_u32(&holder, id);
    check_want(check, 2, KV_HOLDERS, key_str(&holder), (struct str){"", 0}, "who holds the blob is a holder of it");
    if (u64_decode(value, &since)) {
        check_loose(check, id, &d, since);
    } else {
        u64_encode(clock_wall_s(), now);
        check_want(check, 0, KV_MEMBERS, key, (struct str){now, sizeof(now)}, "the record does not decode");
    }
}

void rule_holders(struct meta_check *check, struct str key, struct str value)
{
    uint64_t since;
    struct digest d;
    struct str rest;
    uint32_t id;

    (void)value;
    if (!split_front(key, &d, &rest) || !u32_decode(rest, &id))
        check_absent(check, 0, KV_HOLDERS, key, "the key is no digest and repository");
    else if (!is_member(check, id, &d, &since))
        check_absent(check, 2, KV_HOLDERS, key, "this repository does not hold the blob");
}
