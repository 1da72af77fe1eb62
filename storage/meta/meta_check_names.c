/*
 * Repositories: names and numbers, counters, catalog (invariants 1 and 8 of meta_record.h), and the numbers in `info`.
 */
#include <stdio.h>

#include "storage/meta/meta_check_internal.h"
#include "storage/reference.h"

/* ---- searches, for when something is lost: each walks over all repositories ---- */

static bool id_of_name(struct meta_check *check, struct str name, uint32_t *id)
{
    struct kv_walk walk;
    bool found = false;

    kv_walk_begin(&walk, check->txn, KV_NAMES, (struct str){0}, (struct str){0});
    while (!found && kv_walk_next(&walk))
        found = str_eq(walk.value, name) && u32_decode(walk.key, id) && *id != 0;
    kv_walk_end(&walk);
    return found;
}

static bool name_of_id(struct meta_check *check, uint32_t id)
{
    struct repo_record repo;
    struct kv_walk walk;
    bool found = false;

    kv_walk_begin(&walk, check->txn, KV_REPOS, (struct str){0}, (struct str){0});
    while (!found && kv_walk_next(&walk))
        found = repository_name_valid(walk.key) && repo_decode(walk.value, &repo) && repo.id == id;
    kv_walk_end(&walk);
    return found;
}

static bool load_repo(struct meta_check *check, struct str name, struct repo_record *repo)
{
    struct str value;

    return kv_get(check->txn, KV_REPOS, name, &value) && repo_decode(value, repo);
}

/* ---- counters ---- */

static uint64_t count_with_id(struct meta_check *check, enum kv_table table, uint32_t id)
{
    struct key prefix = {.n = 0};
    struct kv_walk walk;
    uint64_t n = 0;

    key_u32(&prefix, id);
    kv_walk_begin(&walk, check->txn, table, key_str(&prefix), (struct str){0});
    while (kv_walk_next(&walk))
        n++;
    kv_walk_end(&walk);
    check->cost += n / 16; /* nothing but steps of a cursor */
    return n;
}

/* What repos[name] should say. */
static void want_repo(struct meta_check *check, unsigned invariant, struct str name, uint32_t id, const char *why)
{
    const struct repo_record repo = {
        .id = id,
        .manifests = count_with_id(check, KV_MANIFESTS, id),
        .tags = count_with_id(check, KV_TAGS, id),
        .blobs = count_with_id(check, KV_MEMBERS, id),
    };
    char value[REPO_RECORD_SIZE], number[4];

    repo_encode(&repo, value);
    u32_encode(id, number);
    check_want(check, invariant, KV_REPOS, name, (struct str){value, sizeof(value)}, why);
    if (repo.manifests > 0)
        check_want(check, 8, KV_CATALOG, name, (struct str){number, sizeof(number)},
                   "a repository with manifests is listed");
    else
        check_absent(check, 8, KV_CATALOG, name, "a repository without manifests is not listed");
}

/* ---- numbers and names ---- */

static void want_name(struct meta_check *check, uint32_t id, struct str name, const char *why)
{
    struct key key = {.n = 0};

    key_u32(&key, id);
    check_want(check, 1, KV_NAMES, key_str(&key), name, why);
}

static void call_lost(struct meta_check *check, uint32_t id)
{
    char name[64];
    int n = snprintf(name, sizeof(name), "lost-found/%u", id);

    want_name(check, id, (struct str){name, (size_t)n}, "the name of this repository is lost");
}

void check_named(struct meta_check *check, uint32_t id)
{
    struct key key = {.n = 0};

    key_u32(&key, id);
    if (!kv_has(check->txn, KV_NAMES, key_str(&key)) && !name_of_id(check, id))
        call_lost(check, id);
}

void rule_names(struct meta_check *check, struct str key, struct str value)
{
    struct repo_record repo;
    struct str rest;
    uint32_t id;

    if (!split_id(key, &id, &rest) || rest.n > 0) {
        check_absent(check, 0, KV_NAMES, key, "the key is no number of a repository");
    } else if (!repository_name_valid(value)) {
        if (!name_of_id(check, id))
            call_lost(check, id);
    } else if (!kv_has(check->txn, KV_REPOS, value)) {
        if (!name_of_id(check, id)) /* else rule_repos() says what this one should be */
            want_repo(check, 1, value, id, "a known name has a record");
    } else if (load_repo(check, value, &repo) && repo.id != id && !name_of_id(check, id)) {
        call_lost(check, id);
    }
}

/* repos[name] does not decode, or its number belongs to another name. */
static void restore_repo(struct meta_check *check, struct str name, const char *why)
{
    uint32_t id;

    if (id_of_name(check, name, &id))
        want_repo(check, 1, name, id, why);
    else
        check_absent(check, 1, KV_REPOS, name, why);
}

void rule_repos(struct meta_check *check, struct str key, struct str value)
{
    struct repo_record repo, other;
    struct key number = {.n = 0};
    struct str name;

    if (!repository_name_valid(key)) {
        check_absent(check, 0, KV_REPOS, key, "the key is no name of a repository");
        return;
    }
    if (!repo_decode(value, &repo)) {
        restore_repo(check, key, "the record does not decode");
        return;
    }
    key_u32(&number, repo.id);
    if (!kv_get(check->txn, KV_NAMES, key_str(&number), &name)) {
        want_name(check, repo.id, key, "the number of a repository leads to its name");
    } else if (!str_eq(name, key)) {
        if (load_repo(check, name, &other) && other.id == repo.id) {
            restore_repo(check, key, "the number belongs to another repository");
            return;
        }
        want_name(check, repo.id, key, "the number of a repository leads to its name");
    }
    want_repo(check, 8, key, repo.id, "the counters are not the numbers of entries");
    check_usage(check, key);
}

void rule_catalog(struct meta_check *check, struct str key, struct str value)
{
    struct repo_record repo;

    (void)value; /* compared by rule_repos */
    if (!load_repo(check, key, &repo))
        check_absent(check, 8, KV_CATALOG, key, "there is no such repository");
}

/* ---- info: all of it at once, when the walk comes to the entry that is always there ---- */

static uint32_t highest_id(struct meta_check *check)
{
    struct kv_walk walk;
    uint32_t id, highest = 0;

    kv_walk_begin(&walk, check->txn, KV_NAMES, (struct str){0}, (struct str){0});
    while (kv_walk_next(&walk))
        if (u32_decode(walk.key, &id) && id > highest)
            highest = id;
    kv_walk_end(&walk);
    return highest;
}

static void want_next_repository(struct meta_check *check)
{
    uint32_t next = 0, highest = highest_id(check);
    struct str stored;
    char value[4];
    bool has = kv_get(check->txn, KV_INFO, STR("next-repository"), &stored);

    if ((!has && highest == 0) || (has && u32_decode(stored, &next) && next > highest))
        return;
    u32_encode(highest + 1, value);
    check_want(check, 1, KV_INFO, STR("next-repository"), (struct str){value, sizeof(value)},
               "the next number was given away already");
}

void rule_info(struct meta_check *check, struct str key, struct str value)
{
    (void)value;
    check_removed_sum(check, key);
    if (!str_eq(key, STR("schema")))
        return;
    want_next_repository(check);
    check_stored(check);
}
