#include "storage/meta/meta_check_internal.h"

#include <stdlib.h>

enum {
    STEP_COST = 4096, /* entries, about: some milliseconds */
    STEP_FLAWS = 256, /* what one change repairs */
    HAD_MOST = 4 * 1024 * 1024 + 1024,
};

/* ---- stages: a table and the rule for its entries; names before what is named, primary before derived ---- */

static const struct {
    enum kv_table table;
    meta_rule *rule; /* NULL: the tally of its repositories */
} stages[] = {
    {KV_INFO, rule_info},
    {KV_NAMES, rule_names},
    {KV_REPOS, rule_repos},
    {KV_CATALOG, rule_catalog},
    {KV_MANIFESTS, rule_manifests},
    {KV_TAGS, rule_tags},
    {KV_MANIFEST_TAGS, rule_manifest_tags},
    {KV_REFERRERS, rule_referrers},
    {KV_REFS, rule_refs},
    {KV_NAMES, NULL},
    {KV_MEMBERS, rule_members},
    {KV_HOLDERS, rule_holders},
    {KV_BLOBS, rule_blobs},
    {KV_EVENTS, rule_events},
    {KV_TAG_EVENTS, rule_tag_events},
    {KV_RECALLABLE, rule_recallable},
    {KV_REMOVED, rule_removed},
    {KV_PULLS, rule_pulls},
    {KV_OUTBOX, rule_outbox},
    {KV_IDLE, rule_idle},
    {KV_LOOSE, rule_loose},
    {KV_USAGE, rule_usage},
};

enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

struct meta_check *meta_check_new(struct meta *meta, const struct meta_check_options *options, struct err *e)
{
    struct meta_check *check = xcalloc(1, sizeof(*check));

    check->meta = meta;
    check->options = *options;
    check->reader = meta_reader_new(meta, e);
    if (check->reader == NULL)
        meta_check_free(&check);
    return check;
}

static void drop_flaws(struct meta_check *check)
{
    for (size_t i = 0; i < check->flaw_count; i++) {
        sbuf_free(&check->flaws[i].had);
        sbuf_free(&check->flaws[i].value);
        sbuf_free(&check->flaws[i].repository);
    }
    check->flaw_count = 0;
}

void meta_check_free(struct meta_check **check)
{
    if (*check == NULL)
        return;
    drop_flaws(*check);
    meta_reader_free(&(*check)->reader);
    free((*check)->flaws);
    free(*check);
    *check = NULL;
}

/* ---- what rules say ---- */

static bool told_already(const struct meta_check *check, enum kv_table table, struct str key)
{
    for (size_t i = 0; i < check->flaw_count; i++)
        if (check->flaws[i].table == table && str_eq(key_str(&check->flaws[i].key), key))
            return true;
    return false;
}

/* Tables whose keys begin with a repository's number. */
static bool has_id(enum kv_table table)
{
    return table == KV_NAMES || table == KV_MEMBERS || table == KV_MANIFESTS || table == KV_TAGS ||
           table == KV_MANIFEST_TAGS || table == KV_REFS || table == KV_REFERRERS || table == KV_TAG_EVENTS ||
           table == KV_RECALLABLE || table == KV_REMOVED || table == KV_PULLS;
}

static void name_repository(struct meta_check *check, struct flaw *flaw, struct str key)
{
    struct str name, rest;
    uint32_t id;

    if (flaw->table == KV_REPOS || flaw->table == KV_CATALOG)
        sbuf_str(&flaw->repository, key);
    else if (has_id(flaw->table) && split_id(key, &id, &rest) &&
             kv_get(check->txn, KV_NAMES, (struct str){key.p, 4}, &name))
        sbuf_str(&flaw->repository, name);
}

static struct flaw *add_flaw(struct meta_check *check, unsigned invariant, enum kv_table table, struct str key,
                             const char *why)
{
    struct flaw *flaw;
    struct str had;

    if (check->flaw_count == check->flaw_room) {
        check->flaw_room = check->flaw_room == 0 ? 64 : 2 * check->flaw_room;
        check->flaws = xrealloc(check->flaws, check->flaw_room * sizeof(*check->flaws));
    }
    flaw = &check->flaws[check->flaw_count++];
    *flaw = (struct flaw){.invariant = invariant, .table = table, .why = why};
    key_bytes(&flaw->key, key);
    flaw->has = kv_get(check->txn, table, key, &had);
    if (flaw->has)
        sbuf_put(&flaw->had, had.p, had.n < HAD_MOST ? had.n : HAD_MOST);
    name_repository(check, flaw, key);
    return flaw;
}

void check_want(struct meta_check *check, unsigned invariant, enum kv_table table, struct str key, struct str value,
                const char *why)
{
    struct flaw *flaw;
    struct str has;

    if ((kv_get(check->txn, table, key, &has) && str_eq(has, value)) || told_already(check, table, key))
        return;
    flaw = add_flaw(check, invariant, table, key, why);
    flaw->wanted = true;
    sbuf_str(&flaw->value, value);
}

void check_absent(struct meta_check *check, unsigned invariant, enum kv_table table, struct str key, const char *why)
{
    if (kv_has(check->txn, table, key) && !told_already(check, table, key))
        add_flaw(check, invariant, table, key, why);
}

/* ---- keys ---- */

bool split_front(struct str in, struct digest *d, struct str *rest)
{
    size_t n = in.n == 0 ? 0 : digest_from_key((const uint8_t *)in.p, in.n, d);

    *rest = str_from(in, n);
    return n > 0;
}

bool split_digest(struct str in, struct digest *d)
{
    struct str rest;

    return split_front(in, d, &rest) && rest.n == 0;
}

bool split_id(struct str in, uint32_t *id, struct str *rest)
{
    *rest = str_from(in, 4);
    return in.n >= 4 && u32_decode((struct str){in.p, 4}, id) && *id != 0;
}

bool split_id_digest(struct str in, uint32_t *id, struct digest *d)
{
    struct str rest;

    return split_id(in, id, &rest) && split_digest(rest, d);
}

/* ---- steps ---- */

/* Some entries of the stage's table, within check->txn. */
static void walk_some(struct meta_check *check)
{
    struct kv_walk walk;
    bool at_end = false;

    kv_walk_begin(&walk, check->txn, stages[check->stage].table, (struct str){0}, key_str(&check->place));
    while (!at_end && check->cost < STEP_COST && check->flaw_count < STEP_FLAWS) {
        at_end = !kv_walk_next(&walk);
        if (at_end)
            break;
        check->cost++;
        stages[check->stage].rule(check, walk.key, walk.value);
        check->reached.n = 0;
        key_bytes(&check->reached, walk.key);
    }
    kv_walk_end(&walk);
    check->stage_over = at_end;
}

static void begin_step(struct meta_check *check, struct meta_txn *txn)
{
    drop_flaws(check);
    check->txn = txn;
    check->cost = 0;
    check->reached = check->place;
}

static void repair(struct meta_check *check, struct meta_txn *txn)
{
    for (size_t i = 0; i < check->flaw_count; i++) {
        const struct flaw *flaw = &check->flaws[i];

        if (flaw->wanted)
            kv_put(txn, flaw->table, key_str(&flaw->key), (struct str){flaw->value.p, flaw->value.n});
        else
            kv_del(txn, flaw->table, key_str(&flaw->key));
    }
}

/* Runs on the writer's thread, perhaps more than once. */
static int apply_judge(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct meta_check *check = (struct meta_check *)change;

    begin_step(check, txn);
    check->judge(check);
    repair(check, txn);
    return kv_status(txn, e);
}

static int judge_repairing(struct meta_check *check, struct err *e)
{
    check->change = (struct meta_change){.apply = apply_judge};
    if (meta_write(check->meta, &check->change) == 0)
        return 0;
    if (e != NULL)
        *e = check->change.err;
    return -1;
}

int check_look(struct meta_check *check, void (*look)(struct meta_check *check), struct err *e)
{
    struct meta_txn *txn = meta_read(check->reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    begin_step(check, txn);
    look(check);
    rc = kv_status(txn, e);
    meta_done(check->reader);
    return rc;
}

int check_judge(struct meta_check *check, void (*judge)(struct meta_check *check), struct err *e)
{
    check->judge = judge;
    return check->options.repair ? judge_repairing(check, e) : check_look(check, judge, e);
}

void check_tell(struct meta_check *check)
{
    check->found += check->flaw_count;
    for (size_t i = 0; i < check->flaw_count && check->options.finding != NULL; i++) {
        const struct flaw *flaw = &check->flaws[i];
        const struct meta_finding finding = {
            .invariant = flaw->invariant,
            .table = flaw->table,
            .key = key_str(&flaw->key),
            .has = flaw->has,
            .had = {flaw->had.p, flaw->had.n},
            .wanted = flaw->wanted,
            .value = {flaw->value.p, flaw->value.n},
            .why = flaw->why,
            .repository = {flaw->repository.p, flaw->repository.n},
        };

        check->options.finding(&finding, check->options.arg);
    }
    drop_flaws(check);
}

/* Only finds the repository. */
static void find_next_repository(struct meta_check *check)
{
    struct kv_walk walk;

    kv_walk_begin(&walk, check->txn, KV_NAMES, (struct str){0}, key_str(&check->place));
    check->stage_over = !kv_walk_next(&walk);
    if (!check->stage_over) {
        check->reached.n = 0;
        key_bytes(&check->reached, walk.key);
    }
    kv_walk_end(&walk);
}

static int step_tally(struct meta_check *check, struct err *e)
{
    struct key reached;
    uint32_t id;
    int rc;

    if (check_look(check, find_next_repository, e) != 0)
        return -1;
    if (check->stage_over || !u32_decode(key_str(&check->reached), &id))
        return 0;
    reached = check->reached;
    rc = check_references(check, id, e);
    check->reached = reached;
    return rc;
}

int meta_check_step(struct meta_check *check, struct meta_check_count *count, bool *more, struct err *e)
{
    int rc = stages[check->stage].rule == NULL ? step_tally(check, e) : check_judge(check, walk_some, e);

    *more = true;
    if (rc != 0)
        return err_wrap(e, "check of the metadata");
    check_tell(check);
    count->entries += check->cost;
    count->findings += check->found;
    check->found = 0;
    check->place = check->reached;
    if (check->stage_over) {
        check->place.n = 0;
        check->stage = (check->stage + 1) % STAGES;
        *more = check->stage != 0;
    }
    return 0;
}
