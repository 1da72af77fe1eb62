/*
 * Bytes and leases: idle and "stored", usage, loose (invariants 9, 10 and 12 of meta_record.h).
 *
 * The bytes of a path are its own, if it is a repository, and those of the paths one step below it. So an entry is
 * judged by its children alone; when one turns out wrong its parents are judged again, with what it should be.
 */
#include "storage/meta/meta_check_internal.h"

/* ---- stored ---- */

void check_stored(struct meta_check *check)
{
    struct stored_record stored = {0};
    char value[PAIR_RECORD_SIZE];
    struct blob_record blob;
    struct kv_walk walk;

    kv_walk_begin(&walk, check->txn, KV_BLOBS, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk)) {
        if (!blob_decode(walk.value, &blob))
            continue;
        stored.blobs++;
        stored.bytes += blob.size;
    }
    kv_walk_end(&walk);
    stored_encode(&stored, value);
    if (stored.blobs > 0 || kv_has(check->txn, KV_INFO, STR("stored")))
        check_want(check, 9, KV_INFO, STR("stored"), (struct str){value, sizeof(value)},
                   "the number or the bytes of all blobs are others");
}

/* ---- idle ---- */

static bool load_blob(struct meta_check *check, const struct digest *d, struct blob_record *out)
{
    struct key key = {.n = 0};
    struct str value;

    key_digest(&key, d);
    return kv_get(check->txn, KV_BLOBS, key_str(&key), &value) && blob_decode(value, out);
}

void check_idle(struct meta_check *check, const struct digest *d, const struct blob_record *blob)
{
    struct key key = {.n = 0};

    key_u64(&key, blob->last_needed);
    key_digest(&key, d);
    if (blob->references == 0)
        check_want(check, 9, KV_IDLE, key_str(&key), (struct str){"", 0}, "nobody names the blob: it has a lease");
}

/* A number of 8 bytes at the front, then `rest`. */
static bool split_number(struct str in, uint64_t *number, struct str *rest)
{
    *rest = str_from(in, 8);
    return in.n >= 8 && u64_decode((struct str){in.p, 8}, number);
}

void rule_idle(struct meta_check *check, struct str key, struct str value)
{
    struct blob_record blob;
    struct str rest;
    uint64_t needed;
    struct digest d;

    (void)value;
    if (!split_number(key, &needed, &rest) || !split_digest(rest, &d))
        check_absent(check, 0, KV_IDLE, key, "the key is no time and digest");
    else if (!load_blob(check, &d, &blob) || blob.references > 0 || blob.last_needed != needed)
        check_absent(check, 9, KV_IDLE, key, "the blob has no lease that ends then");
}

/* ---- loose ---- */

static bool is_named(struct meta_check *check, uint32_t id, const struct digest *d)
{
    struct key key;

    key_id_digest(&key, id, d);
    return kv_has(check->txn, KV_REFS, key_str(&key));
}

void check_loose(struct meta_check *check, uint32_t id, const struct digest *d, uint64_t since)
{
    struct key key = {.n = 0};

    key_u64(&key, since);
    key_u32(&key, id);
    key_digest(&key, d);
    if (!is_named(check, id, d))
        check_want(check, 12, KV_LOOSE, key_str(&key), (struct str){"", 0},
                   "no manifest of the repository names the blob: holding it has a lease");
}

void rule_loose(struct meta_check *check, struct str key, struct str value)
{
    struct str rest, stored;
    struct key member;
    uint64_t since, has;
    struct digest d;
    uint32_t id;

    (void)value;
    if (!split_number(key, &since, &rest) || !split_id_digest(rest, &id, &d)) {
        check_absent(check, 0, KV_LOOSE, key, "the key is no time, repository and digest");
        return;
    }
    key_id_digest(&member, id, &d);
    if (!kv_get(check->txn, KV_MEMBERS, key_str(&member), &stored) || !u64_decode(stored, &has) || has != since ||
        is_named(check, id, &d))
        check_absent(check, 12, KV_LOOSE, key, "holding this blob has no lease that ends then");
}

/* ---- usage ---- */

static void add_blobs(struct meta_check *check, uint32_t id, struct usage_record *sum)
{
    struct key prefix = {.n = 0};
    struct blob_record blob;
    struct kv_walk walk;
    struct digest d;

    key_u32(&prefix, id);
    kv_walk_begin(&walk, check->txn, KV_MEMBERS, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        check->cost++;
        if (!split_digest(str_from(walk.key, prefix.n), &d) || !load_blob(check, &d, &blob))
            continue;
        sum->logical += blob.size;
        if (blob.holders == 1)
            sum->sole += blob.size;
    }
    kv_walk_end(&walk);
}

static void add_manifests(struct meta_check *check, uint32_t id, struct usage_record *sum)
{
    struct manifest_record manifest;
    struct key prefix = {.n = 0};
    struct kv_walk walk;

    key_u32(&prefix, id);
    kv_walk_begin(&walk, check->txn, KV_MANIFESTS, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        check->cost++;
        if (!manifest_decode(walk.value, &manifest))
            continue;
        sum->logical += manifest.bytes.n;
        sum->sole += manifest.bytes.n;
    }
    kv_walk_end(&walk);
}

/* Does the step repair this entry? Then it is as good as there. */
static struct flaw *flaw_of(struct meta_check *check, struct str key)
{
    for (size_t i = 0; i < check->flaw_count; i++)
        if (check->flaws[i].table == KV_USAGE && str_eq(key_str(&check->flaws[i].key), key))
            return &check->flaws[i];
    return NULL;
}

static void add_child(struct meta_check *check, struct str key, struct str value, struct usage_record *sum)
{
    const struct flaw *flaw = flaw_of(check, key);
    struct usage_record usage;

    if (flaw != NULL)
        value = flaw->wanted ? (struct str){flaw->value.p, flaw->value.n} : (struct str){0};
    if (!usage_decode(value, &usage))
        return;
    sum->logical += usage.logical;
    sum->sole += usage.sole;
}

/* Is `key` one step below the path whose children begin with `prefix`? */
static bool is_child(struct str key, struct str prefix)
{
    struct str rest = str_from(key, prefix.n);

    return rest.n > 0 && str_starts(key, prefix) && str_find(rest, '/') == rest.n;
}

static void add_children(struct meta_check *check, struct str path, struct usage_record *sum)
{
    struct key prefix = {.n = 0};
    struct kv_walk walk;

    key_bytes(&prefix, STR("/"));
    key_bytes(&prefix, path);
    if (path.n > 0)
        key_bytes(&prefix, STR("/"));
    kv_walk_begin(&walk, check->txn, KV_USAGE, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk)) {
        check->cost++;
        if (is_child(walk.key, key_str(&prefix)))
            add_child(check, walk.key, walk.value, sum);
    }
    kv_walk_end(&walk);
    /* Children that are not there yet. */
    for (size_t i = 0; i < check->flaw_count; i++) {
        const struct flaw *flaw = &check->flaws[i];

        if (flaw->table == KV_USAGE && !flaw->has && is_child(key_str(&flaw->key), key_str(&prefix)))
            add_child(check, key_str(&flaw->key), (struct str){0}, sum);
    }
}

static struct usage_record usage_should_be(struct meta_check *check, struct str path)
{
    struct usage_record sum = {0};
    struct repo_record repo;
    struct str value;

    if (path.n > 0 && kv_get(check->txn, KV_REPOS, path, &value) && repo_decode(value, &repo)) {
        add_blobs(check, repo.id, &sum);
        add_manifests(check, repo.id, &sum);
    }
    add_children(check, path, &sum);
    return sum;
}

static void say_usage(struct meta_check *check, struct str key, const struct usage_record *usage)
{
    static const char why[] = "the bytes of a path are those of what is at and below it";
    struct flaw *flaw = flaw_of(check, key);
    char value[PAIR_RECORD_SIZE];
    bool wanted = usage->logical != 0 || usage->sole != 0;

    usage_encode(usage, value);
    if (flaw != NULL) {
        flaw->wanted = wanted;
        flaw->value.n = 0;
        sbuf_put(&flaw->value, value, sizeof(value));
    } else if (wanted) {
        check_want(check, 10, KV_USAGE, key, (struct str){value, sizeof(value)}, why);
    } else {
        check_absent(check, 10, KV_USAGE, key, why);
    }
}

static struct str parent_of(struct str path)
{
    size_t n = path.n;

    while (n > 0 && path.p[n - 1] != '/')
        n--;
    return (struct str){path.p, n > 0 ? n - 1 : 0};
}

/* The path's entry; and as long as there is something to say, those above it. */
void check_usage(struct meta_check *check, struct str path)
{
    for (;;) {
        struct usage_record usage = usage_should_be(check, path);
        struct key key = {.n = 0};

        key_bytes(&key, STR("/"));
        key_bytes(&key, path);
        say_usage(check, key_str(&key), &usage);
        if (flaw_of(check, key_str(&key)) == NULL || path.n == 0)
            return;
        path = parent_of(path);
    }
}

void rule_usage(struct meta_check *check, struct str key, struct str value)
{
    struct str path = str_from(key, 1);
    struct key parent = {.n = 0};

    (void)value;
    if (!str_starts(key, STR("/"))) {
        check_absent(check, 0, KV_USAGE, key, "the key is no path");
        return;
    }
    check_usage(check, path);
    key_bytes(&parent, STR("/"));
    key_bytes(&parent, parent_of(path));
    if (path.n > 0 && !kv_has(check->txn, KV_USAGE, key_str(&parent)))
        check_usage(check, parent_of(path));
}
