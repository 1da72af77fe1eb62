/*
 * How many manifests of a repository name each digest (invariant 3 of meta_record.h): no look-up tells, all of its
 * manifests must be read.
 *
 *   gather    read the manifests, some hundred in one snapshot, and keep what they name
 *   compare   sort, count, and walk along refs: what differs is a suspect
 *   judge     count the suspects alone once more, all within one snapshot: what differs now is a finding
 *
 * So changes that go on meanwhile make suspects and no findings. When a repository names more digests than memory is
 * given to, it is read several times, each time for another part of the digests.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/meta_check_internal.h"

enum {
    SLICE = 256,             /* manifests read in one snapshot */
    NAMES_MOST = 256 * 1024, /* 17 MiB */
    SUSPECTS_MOST = 256,
    PARTS_MOST = 65536,
};

struct tally {
    uint32_t id;
    unsigned part; /* of `parts` */
    unsigned parts;
    struct digest *names; /* with repetitions */
    size_t n;
    size_t room;
    bool overflows;

    struct key after; /* gathering: the last manifest read */
    bool at_end;

    struct digest compared; /* comparing: the last digest looked at */
    bool has_compared;
    struct digest suspects[SUSPECTS_MOST];
    size_t suspect_count;
};

static int compare(const void *a, const void *b)
{
    const struct digest *x = a;
    const struct digest *y = b;

    if (x->alg != y->alg)
        return x->alg < y->alg ? -1 : 1;
    return memcmp(x->raw, y->raw, sizeof(x->raw));
}

static void sort(struct digest *digests, size_t n)
{
    if (n > 0)
        qsort(digests, n, sizeof(*digests), compare);
}

static bool is_mine(const struct tally *t, const struct digest *d)
{
    return t->parts == 1 || ((unsigned)d->raw[1] << 8 | d->raw[2]) % t->parts == t->part;
}

static bool is_suspect(const struct tally *t, const struct digest *d)
{
    return bsearch(d, t->suspects, t->suspect_count, sizeof(*d), compare) != NULL;
}

/* ---- gather ---- */

static void keep(struct tally *t, const struct digest *d)
{
    if (t->n == NAMES_MOST && t->parts < PARTS_MOST) {
        t->overflows = true;
        return;
    }
    if (t->n == t->room) {
        t->room = t->room == 0 ? 1024 : 2 * t->room;
        t->names = xrealloc(t->names, t->room * sizeof(*t->names));
    }
    t->names[t->n++] = *d;
}

/* What one manifest names, each digest once. */
static void keep_names(struct tally *t, const struct manifest *m, bool suspects_only)
{
    struct digest *named = xcalloc(m->reference_count + 1, sizeof(*named));

    for (size_t i = 0; i < m->reference_count; i++)
        named[i] = m->references[i].digest;
    sort(named, m->reference_count);
    for (size_t i = 0; i < m->reference_count; i++)
        if ((i == 0 || !digest_equal(&named[i], &named[i - 1])) &&
            (suspects_only ? is_suspect(t, &named[i]) : is_mine(t, &named[i])))
            keep(t, &named[i]);
    free(named);
}

static void read_manifest(struct tally *t, const struct kv_walk *walk, bool suspects_only)
{
    struct manifest_record record;
    struct manifest parsed;
    struct digest d;
    uint32_t id;

    if (!split_id_digest(walk->key, &id, &d) || !manifest_decode(walk->value, &record) ||
        !manifest_is_sound(&d, &record, &parsed))
        return; /* it is to go, and what it names is not counted */
    keep_names(t, &parsed, suspects_only);
    manifest_free(&parsed);
}

/* At most `most` manifests behind t->after. */
static void read_some(struct meta_check *check, struct tally *t, size_t most, bool suspects_only)
{
    struct key prefix = {.n = 0};
    struct kv_walk walk;

    key_u32(&prefix, t->id);
    kv_walk_begin(&walk, check->txn, KV_MANIFESTS, key_str(&prefix), key_str(&t->after));
    for (size_t i = 0; i < most && !t->at_end && !t->overflows; i++) {
        t->at_end = !kv_walk_next(&walk);
        if (t->at_end)
            break;
        check->cost++;
        read_manifest(t, &walk, suspects_only);
        t->after.n = 0;
        key_bytes(&t->after, walk.key);
    }
    kv_walk_end(&walk);
}

static void read_slice(struct meta_check *check)
{
    read_some(check, check->judged, SLICE, false);
}

static int gather(struct meta_check *check, struct tally *t, struct err *e)
{
    t->n = 0;
    t->after.n = 0;
    t->at_end = t->overflows = false;
    while (!t->at_end && !t->overflows)
        if (check_look(check, read_slice, e) != 0)
            return -1;
    sort(t->names, t->n);
    return 0;
}

/* ---- compare ---- */

/* How often t->names holds `d`, from `*at` on, which moves behind it. */
static uint64_t count_run(const struct tally *t, size_t *at, const struct digest *d)
{
    uint64_t n = 0;

    while (*at < t->n && digest_equal(&t->names[*at], d)) {
        n++;
        ++*at;
    }
    return n;
}

static void suspect(struct tally *t, const struct digest *d)
{
    t->suspects[t->suspect_count++] = *d;
}

/* Names that come before `d` have no entry in refs. NULL: all that are left. */
static void suspect_before(struct tally *t, size_t *at, const struct digest *d)
{
    while (*at < t->n && t->suspect_count < SUSPECTS_MOST && (d == NULL || compare(&t->names[*at], d) < 0)) {
        struct digest name = t->names[*at];

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
    struct key prefix = {.n = 0}, after = {.n = 0};
    size_t at = first_after(t);
    struct kv_walk walk;
    uint64_t stored;

    t->suspect_count = 0;
    key_u32(&prefix, t->id);
    if (t->has_compared)
        key_id_digest(&after, t->id, &t->compared);
    t->has_compared = true;
    kv_walk_begin(&walk, check->txn, KV_REFS, key_str(&prefix), key_str(&after));
    while (t->suspect_count < SUSPECTS_MOST && kv_walk_next(&walk)) {
        struct digest d;
        uint32_t id;

        if (!split_id_digest(walk.key, &id, &d) || !is_mine(t, &d))
            continue;
        suspect_before(t, &at, &d);
        if (t->suspect_count == SUSPECTS_MOST)
            break;
        if (!u64_decode(walk.value, &stored) || stored != count_run(t, &at, &d) || stored == 0)
            suspect(t, &d);
        t->compared = d;
    }
    if (t->suspect_count < SUSPECTS_MOST)
        suspect_before(t, &at, NULL);
    kv_walk_end(&walk);
}

/* ---- judge ---- */

static void want_count(struct meta_check *check, const struct tally *t, const struct digest *d, uint64_t count)
{
    struct key key;
    char value[8];

    key_id_digest(&key, t->id, d);
    u64_encode(count, value);
    if (count > 0)
        check_want(check, 3, KV_REFS, key_str(&key), (struct str){value, sizeof(value)},
                   "the number of manifests that name it is another");
    else
        check_absent(check, 3, KV_REFS, key_str(&key), "no manifest names it");
}

static void judge_suspects(struct meta_check *check)
{
    struct tally *t = check->judged;
    size_t at = 0;

    t->n = 0;
    t->after.n = 0;
    t->at_end = t->overflows = false;
    read_some(check, t, SIZE_MAX, true);
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

int tally_repository(struct meta_check *check, uint32_t id, struct err *e)
{
    struct tally *t = xcalloc(1, sizeof(*t));
    int rc = 0;

    t->id = id;
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
