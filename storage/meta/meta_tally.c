/*
 * Tables that count how often entries of another name a digest: no look-up tells, all of the other must be read.
 *
 *   gather    read the entries, some hundred in one snapshot, and keep what they name
 *   compare   sort, count, and walk along the counts: what differs is a suspect
 *   judge     count the suspects alone once more, all within one snapshot: what differs now is a finding
 *
 * So changes that go on meanwhile make suspects and no findings. When more is named than memory is given to, all is read
 * several times, each time for another part of the digests.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/meta/meta_tally.h"

enum {
    SLICE = 256,             /* manifests read in one snapshot */
    NAMES_MOST = 256 * 1024, /* 18 MiB */
    SUSPECTS_MOST = 256,
    PARTS_MOST = 65536,
};

struct name {
    uint32_t id;
    struct digest digest;
};

struct tally {
    const struct tally_source *source;
    struct key prefix;  /* of the entries that are read, and of those that count */
    bool suspects_only; /* gathering: for judging */
    unsigned part;      /* of `parts` */
    unsigned parts;
    struct name *names; /* with repetitions */
    size_t n;
    size_t room;
    bool overflows;

    struct key after; /* gathering: the last manifest read */
    bool at_end;

    struct name compared; /* comparing: the last digest looked at */
    bool has_compared;
    struct name suspects[SUSPECTS_MOST];
    size_t suspect_count;
};

/* The order of the tables. */
static int compare(const void *a, const void *b)
{
    const struct name *x = a;
    const struct name *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->digest.alg != y->digest.alg)
        return x->digest.alg < y->digest.alg ? -1 : 1;
    return memcmp(x->digest.raw, y->digest.raw, sizeof(x->digest.raw));
}

static void sort(struct name *names, size_t n)
{
    if (n > 0)
        qsort(names, n, sizeof(*names), compare);
}

static bool is_mine(const struct tally *t, const struct name *name)
{
    const uint8_t *raw = name->digest.raw;

    return t->parts == 1 || ((unsigned)raw[1] << 8 | raw[2]) % t->parts == t->part;
}

static bool is_suspect(const struct tally *t, const struct name *name)
{
    return bsearch(name, t->suspects, t->suspect_count, sizeof(*name), compare) != NULL;
}

/* ---- gather ---- */

static void keep(struct tally *t, const struct name *name)
{
    if (t->n == NAMES_MOST && t->parts < PARTS_MOST) {
        t->overflows = true;
        return;
    }
    if (t->n == t->room) {
        t->room = t->room == 0 ? 1024 : 2 * t->room;
        t->names = xrealloc(t->names, t->room * sizeof(*t->names));
    }
    t->names[t->n++] = *name;
}

void tally_name(struct tally *t, uint32_t id, const struct digest *d)
{
    const struct name name = {.id = id, .digest = *d};

    if (t->suspects_only ? is_suspect(t, &name) : is_mine(t, &name))
        keep(t, &name);
}

/* At most `most` entries behind t->after. */
static void read_some(struct meta_check *check, struct tally *t, size_t most)
{
    struct kv_walk walk;

    kv_walk_begin(&walk, check->txn, t->source->table, key_str(&t->prefix), key_str(&t->after));
    for (size_t i = 0; i < most && !t->at_end && !t->overflows; i++) {
        t->at_end = !kv_walk_next(&walk);
        if (t->at_end)
            break;
        check->cost++;
        t->source->read(t, walk.key, walk.value);
        t->after.n = 0;
        key_bytes(&t->after, walk.key);
    }
    kv_walk_end(&walk);
}

static void begin_reading(struct tally *t, bool suspects_only)
{
    t->suspects_only = suspects_only;
    t->n = 0;
    t->after.n = 0;
    t->at_end = t->overflows = false;
}

static void read_slice(struct meta_check *check)
{
    read_some(check, check->judged, SLICE);
}

static int gather(struct meta_check *check, struct tally *t, struct err *e)
{
    begin_reading(t, false);
    while (!t->at_end && !t->overflows)
        if (check_look(check, read_slice, e) != 0)
            return -1;
    sort(t->names, t->n);
    return 0;
}

/* ---- compare ---- */

/* How often t->names holds `name`, from `*at` on, which moves behind it. */
static uint64_t count_run(const struct tally *t, size_t *at, const struct name *name)
{
    uint64_t n = 0;

    while (*at < t->n && compare(&t->names[*at], name) == 0) {
        n++;
        ++*at;
    }
    return n;
}

static void suspect(struct tally *t, const struct name *name)
{
    t->suspects[t->suspect_count++] = *name;
}

/* Names that come before `limit` are not counted at all. NULL: all that are left. */
static void suspect_before(struct tally *t, size_t *at, const struct name *limit)
{
    while (*at < t->n && t->suspect_count < SUSPECTS_MOST && (limit == NULL || compare(&t->names[*at], limit) < 0)) {
        struct name name = t->names[*at];

        count_run(t, at, &name);
        suspect(t, &name);
        t->compared = name;
    }
}

static size_t first_after(const struct tally *t)
{
    size_t at = 0;

    while (t->has_compared && at < t->n && compare(&t->names[at], &t->compared) <= 0)
        at++;
    return at;
}

/* From where the last comparison stopped, until there are SUSPECTS_MOST suspects. */
static void find_suspects(struct meta_check *check)
{
    struct tally *t = check->judged;
    struct key after = {.n = 0};
    size_t at = first_after(t);
    struct kv_walk walk;
    uint64_t stored;

    t->suspect_count = 0;
    if (t->has_compared)
        key_id_digest(&after, t->compared.id, &t->compared.digest);
    t->has_compared = true;
    kv_walk_begin(&walk, check->txn, t->source->counts, key_str(&t->prefix), key_str(&after));
    while (t->suspect_count < SUSPECTS_MOST && kv_walk_next(&walk)) {
        struct name name = {0};

        if (!split_id_digest(walk.key, &name.id, &name.digest) || !is_mine(t, &name))
            continue;
        suspect_before(t, &at, &name);
        if (t->suspect_count == SUSPECTS_MOST)
            break;
        if (!u64_decode(walk.value, &stored) || stored != count_run(t, &at, &name) || stored == 0)
            suspect(t, &name);
        t->compared = name;
    }
    if (t->suspect_count < SUSPECTS_MOST)
        suspect_before(t, &at, NULL);
    kv_walk_end(&walk);
}

/* ---- judge ---- */

static void want_count(struct meta_check *check, const struct tally *t, const struct name *name, uint64_t count)
{
    const struct tally_source *source = t->source;
    struct key key;
    char value[8];

    key_id_digest(&key, name->id, &name->digest);
    u64_encode(count, value);
    if (count > 0)
        check_want(check, source->invariant, source->counts, key_str(&key), (struct str){value, sizeof(value)},
                   source->differs);
    else
        check_absent(check, source->invariant, source->counts, key_str(&key), source->none);
}

static void judge_suspects(struct meta_check *check)
{
    struct tally *t = check->judged;
    size_t at = 0;

    begin_reading(t, true);
    read_some(check, t, SIZE_MAX);
    sort(t->names, t->n);
    for (size_t i = 0; i < t->suspect_count; i++)
        want_count(check, t, &t->suspects[i], count_run(t, &at, &t->suspects[i]));
}

/* One part of the digests. The names are gathered again when there were suspects, whose judging takes their place. */
static int tally_part(struct meta_check *check, struct tally *t, struct err *e)
{
    t->has_compared = false;
    do {
        if (gather(check, t, e) != 0)
            return -1;
        if (t->overflows)
            return 0;
        if (check_look(check, find_suspects, e) != 0)
            return -1;
        if (t->suspect_count > 0 && check_judge(check, judge_suspects, e) != 0)
            return -1;
        check_tell(check);
    } while (t->suspect_count == SUSPECTS_MOST);
    return 0;
}

int tally_run(struct meta_check *check, const struct tally_source *source, struct str prefix, struct err *e)
{
    struct tally *t = xcalloc(1, sizeof(*t));
    int rc = 0;

    t->source = source;
    key_bytes(&t->prefix, prefix);
    t->parts = 1;
    check->judged = t;
    while (rc == 0 && t->part < t->parts) {
        rc = tally_part(check, t, e);
        if (t->overflows) {
            t->parts *= 4;
            t->part = 0;
        } else {
            t->part++;
        }
    }
    check->judged = NULL;
    free(t->names);
    free(t);
    return rc;
}
