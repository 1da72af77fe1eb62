/*
 * Random changes against a model so simple that it is right: who holds which blob, which manifests there are, where
 * each tag points. Everything else in the tables follows from that, and is compared with it: the invariants of
 * meta_record.h.
 *
 * Changes go to the writer in bunches, among them some that write and then fail, so that batches are run again.
 */
#include <semaphore.h>
#include <stdlib.h>

#include "tests/unit/meta/accounts_fixture.h"
#include "tests/unit/meta/history_check.h"
#include "tests/unit/meta/check_fixture.h"
#include "tests/unit/meta/meta_fixture.h"

enum {
    REPOS = 3,
    BLOBS = 6,
    TEMPLATES = 9,
    DIGESTS = BLOBS + TEMPLATES, /* blobs first; a template's bytes may be a blob as well */
    TAGS = 4,
    BUNCH = 12,
    ROUNDS = 250,
    EVENTS_MAX = ROUNDS * BUNCH * (TAGS + 2),
    ABSENT = 1234, /* the number of a blob that is never put */
};

static const char *const repo_names[REPOS] = {"a", "a/b", "c"};
static const char *const tag_names[TAGS] = {"latest", "v1", "v1.0", "v2"};

/* A manifest that may be put. */
struct template
{
    struct sbuf bytes;
    struct manifest parsed;
    bool names[DIGESTS];
    int subject; /* digest number, or -1 */
};

static struct template templates[TEMPLATES];
static struct digest digests[DIGESTS];
static uint64_t sizes[DIGESTS];

static struct {
    bool known[REPOS];
    bool held[REPOS][DIGESTS];
    bool manifest[REPOS][TEMPLATES];
    int tag[REPOS][TAGS]; /* template, or -1 */
    bool blob[DIGESTS];   /* has a record */

    /* the history: what each event names, the oldest first */
    struct {
        int r, t;
    } events[EVENTS_MAX];
    size_t first_event, event_count;
    uint64_t named[REPOS][TEMPLATES]; /* by events */
    bool removed[REPOS][TEMPLATES];
} model;

/* ---- the templates ---- */

static const struct {
    const char *blobs;    /* digits: config, then layers */
    const char *children; /* digits: templates before it */
    int subject;          /* template before it */
} recipes[TEMPLATES] = {
    {"01", NULL, -1}, {"0123", NULL, -1}, {"4222", NULL, -1}, {"5", NULL, 0},    {NULL, "01", -1},
    {NULL, "42", 4},  {"00", NULL, 3},    {NULL, "", 1},      {NULL, "000", -1},
};

static struct sbuf recipe_bytes(int t)
{
    const char *blobs = recipes[t].blobs;
    const char *children = recipes[t].children;
    struct sbuf more = {0};
    struct sbuf out;
    struct digest list[DIGESTS];
    uint64_t list_sizes[DIGESTS];
    size_t n = strlen(blobs != NULL ? blobs + 1 : children);

    for (size_t i = 0; i < n; i++) {
        int number = blobs != NULL ? blobs[i + 1] - '0' : BLOBS + children[i] - '0';

        list[i] = digests[number];
        list_sizes[i] = sizes[number];
    }
    sbuf_printf(&more, ",\"annotations\":{\"t\":\"%d\"}", t);
    if (recipes[t].subject >= 0) {
        sbuf_str(&more, STR(",\"subject\":"));
        descriptor(&more, OCI_TYPE, digests[BLOBS + recipes[t].subject], 1, "");
    }
    out = blobs != NULL ? image_of(digests[blobs[0] - '0'], list, n, sbuf_text(&more))
                        : index_of(list, list_sizes, n, sbuf_text(&more));
    sbuf_free(&more);
    return out;
}

static void make_template(int t)
{
    const char *numbers = recipes[t].blobs != NULL ? recipes[t].blobs : recipes[t].children;
    struct template *template = &templates[t];

    template->bytes = recipe_bytes(t);
    if (manifest_parse(text_of(&template->bytes), (struct str){0}, &template->parsed, NULL) != 0)
        abort();
    for (const char *p = numbers; *p != '\0'; p++)
        template->names[*p - '0' + (recipes[t].blobs != NULL ? 0 : BLOBS)] = true;
    template->subject = recipes[t].subject < 0 ? -1 : BLOBS + recipes[t].subject;
    digest_of(DIGEST_SHA256, template->bytes.p, template->bytes.n, &digests[BLOBS + t]);
    sizes[BLOBS + t] = template->bytes.n;
}

/* All blobs have one size, so that configs and layers may be the same ones. */
static void make_templates(void)
{
    _Static_assert((int)CONFIG_SIZE != (int)LAYER_SIZE, "sizes are told apart below");
    for (unsigned i = 0; i < BLOBS; i++) {
        digests[i] = blob_digest(i);
        sizes[i] = i == 0 || i >= 4 ? CONFIG_SIZE : LAYER_SIZE;
    }
    for (int t = 0; t < TEMPLATES; t++)
        make_template(t);
}

/* ---- the model ---- */

static bool present(int r, int d)
{
    return model.held[r][d] || (d >= BLOBS && model.manifest[r][d - BLOBS]);
}

/* What a put of the template must answer. Template 6 calls blob 0 both config and layer, of different sizes. */
static enum err_code put_answer(int r, int t, bool allow_missing)
{
    for (int d = 0; d < DIGESTS; d++)
        if (templates[t].names[d] && !present(r, d) && !allow_missing)
            return ERR_REFERENCE;
    return t == 6 && present(r, 0) ? ERR_INVALID : ERR_NONE;
}

static void model_event(int r, int t)
{
    model.events[model.event_count].r = r;
    model.events[model.event_count++].t = t;
    model.named[r][t]++;
}

static void model_forget(size_t n)
{
    for (; n > 0 && model.first_event < model.event_count; n--, model.first_event++) {
        int r = model.events[model.first_event].r, t = model.events[model.first_event].t;

        if (--model.named[r][t] == 0)
            model.removed[r][t] = false;
    }
}

static void model_tag(int r, int tag, int t)
{
    int old = model.tag[r][tag];

    if (old != t)
        model_event(r, old < 0 ? t : old);
    model.tag[r][tag] = t;
}

static enum err_code model_put(int r, int t, int tag, bool allow_missing)
{
    enum err_code answer = put_answer(r, t, allow_missing);

    if (answer != ERR_NONE)
        return answer;
    model.known[r] = model.manifest[r][t] = true;
    model.removed[r][t] = false;
    if (tag >= 0)
        model_tag(r, tag, t);
    return ERR_NONE;
}

static enum err_code model_delete(int r, int t)
{
    if (!model.manifest[r][t])
        return ERR_NOT_FOUND;
    model.manifest[r][t] = false;
    for (int i = 0; i < TAGS; i++)
        if (model.tag[r][i] == t)
            model_tag(r, i, -1);
    model_event(r, t);
    model.removed[r][t] = true;
    return ERR_NONE;
}

static enum err_code model_put_back(int r, int t)
{
    enum err_code answer = ERR_NONE;

    if (!model.removed[r][t])
        return ERR_NOT_FOUND;
    for (int child = 0; child < TEMPLATES && answer == ERR_NONE; child++)
        if (templates[t].names[BLOBS + child] && model.removed[r][child] && recipes[t].children != NULL)
            answer = model_put_back(r, child);
    if (answer == ERR_NONE)
        answer = model_put(r, t, -1, false);
    if (answer == ERR_NONE)
        model_event(r, t);
    return answer;
}

/* A restoring that fails half-way changes nothing. */
static enum err_code model_restore(int r, int t, int tag)
{
    static char before[sizeof(model)];
    enum err_code answer = ERR_NONE;

    memcpy(before, &model, sizeof(model));
    if (!model.known[r])
        return ERR_NOT_FOUND;
    if (model.tag[r][tag] == t)
        return ERR_EXISTS;
    if (!model.manifest[r][t])
        answer = model_put_back(r, t);
    if (answer == ERR_NONE)
        model_tag(r, tag, t);
    else
        memcpy(&model, before, sizeof(model));
    return answer;
}

static enum err_code model_hold(int r, int d)
{
    model.known[r] = model.held[r][d] = model.blob[d] = true;
    return ERR_NONE;
}

static uint64_t names_in(int r, int d)
{
    uint64_t n = 0;

    for (int t = 0; t < TEMPLATES; t++)
        n += model.manifest[r][t] && templates[t].names[d];
    return n;
}

/* ---- random changes ---- */

static unsigned seed = 20240607;

static int pick(int n)
{
    seed = seed * 1664525 + 1013904223;
    return (int)((seed >> 8) % (unsigned)n);
}

struct step {
    struct op op; /* first */
    struct str tag;
    enum err_code wanted;
};

static sem_t finished;

static void count_finished(struct meta_change *change)
{
    (void)change;
    sem_post(&finished);
}

static void choose_put(struct step *s, int r)
{
    int t = pick(TEMPLATES);
    int tag = pick(TAGS + 1) - 1;
    bool allow_missing = pick(3) == 0;

    s->op.kind = MANIFEST_PUT;
    s->tag = str_of(tag < 0 ? NULL : tag_names[tag]);
    s->op.put = (struct manifest_put){.repository = s->op.repository,
                                      .digest = digests[BLOBS + t],
                                      .manifest = &templates[t].parsed,
                                      .bytes = text_of(&templates[t].bytes),
                                      .tags = &s->tag,
                                      .tag_count = tag < 0 ? 0 : 1,
                                      .allow_missing = allow_missing,
                                      .now = NOW};
    s->wanted = model_put(r, t, tag, allow_missing);
}

static void choose_tag_delete(struct step *s, int r)
{
    int tag = pick(TAGS);

    s->op.kind = TAG_DELETE;
    s->op.from = str_of(tag_names[tag]);
    s->wanted = model.tag[r][tag] < 0 ? ERR_NOT_FOUND : ERR_NONE;
    model_tag(r, tag, -1);
}

static int restored[ERR_IO + 1]; /* by what it must answer */

static void choose_restore(struct step *s, int r)
{
    int tag = pick(TAGS);
    int t = pick(TEMPLATES);

    s->op.kind = TAG_RESTORE;
    s->op.digest = digests[BLOBS + t];
    s->op.restore = (struct tag_restore){
        .repository = s->op.repository, .tag = str_of(tag_names[tag]), .digest = &s->op.digest, .now = NOW};
    s->wanted = model_restore(r, t, tag);
    restored[s->wanted]++;
}

static void choose_forget(struct step *s)
{
    s->op.kind = HISTORY_FORGET;
    s->op.now = UINT64_MAX;
    s->op.limit = (size_t)pick(20);
    model_forget(s->op.limit);
}

static void choose_pull(struct step *s)
{
    s->op.kind = PULLS_NOTE;
    s->op.pull = (struct pull){
        .repository = (uint32_t)pick(REPOS) + 1, .digest = digests[BLOBS + pick(TEMPLATES)], .when = NOW};
}

static void choose_blob_delete(struct step *s, int r, int d)
{
    s->op.kind = BLOB_DELETE;
    s->wanted = model.held[r][d] ? ERR_NONE : ERR_NOT_FOUND;
    model.held[r][d] = false;
}

static void choose_touch(struct step *s, int r, int d)
{
    s->op.kind = BLOB_TOUCH;
    s->op.now = NOW + (uint64_t)pick(100);
    s->wanted = model.held[r][d] ? ERR_NONE : ERR_NOT_FOUND;
}

static void choose_mount(struct step *s, int r, int d)
{
    int from = pick(REPOS);

    s->op.kind = BLOB_MOUNT;
    s->op.from = str_of(repo_names[from]);
    s->wanted = model.held[from][d] ? model_hold(r, d) : ERR_NOT_FOUND;
}

static void choose_manifest_delete(struct step *s, int r)
{
    int t = pick(TEMPLATES);

    s->op.kind = MANIFEST_DELETE;
    s->op.digest = digests[BLOBS + t];
    s->wanted = model_delete(r, t);
}

static void choose(struct step *s)
{
    int r = pick(REPOS);
    int d = pick(pick(3) == 0 ? DIGESTS : BLOBS);
    int what = pick(100);

    *s = (struct step){.op = {.repository = str_of(repo_names[r]), .digest = digests[d], .size = sizes[d], .now = NOW}};
    if (what < 25) {
        s->op.kind = BLOB_PUT;
        s->wanted = model_hold(r, d);
    } else if (what < 35) {
        choose_mount(s, r, d);
    } else if (what < 42) {
        choose_blob_delete(s, r, d);
    } else if (what < 45) {
        choose_touch(s, r, d);
    } else if (what < 75) {
        choose_put(s, r);
    } else if (what < 83) {
        choose_manifest_delete(s, r);
    } else if (what < 88) {
        choose_tag_delete(s, r);
    } else if (what < 93) {
        choose_restore(s, r);
    } else if (what < 95) {
        choose_forget(s);
    } else if (what < 97) {
        choose_pull(s);
    } else {
        s->op.kind = SABOTAGE;
        s->wanted = ERR_RANGE;
    }
}

static void run_bunch(struct world *w, int round)
{
    struct step steps[BUNCH];

    for (int i = 0; i < BUNCH; i++) {
        choose(&steps[i]);
        steps[i].op.change.apply = op_apply;
        steps[i].op.change.done = count_finished;
    }
    for (int i = 0; i < BUNCH; i++)
        meta_submit(w->meta, &steps[i].op.change);
    for (int i = 0; i < BUNCH; i++)
        sem_wait(&finished);
    for (int i = 0; i < BUNCH; i++)
        if (steps[i].op.change.err.code != steps[i].wanted)
            test_fail(__FILE__, __LINE__, "round %d, change %d of kind %d: wanted code %d, got %d: %s", round, i,
                      steps[i].op.kind, steps[i].wanted, steps[i].op.change.err.code, steps[i].op.change.err.text);
}

/* ---- comparison ---- */

static void compare_blob(struct meta_txn *txn, int d)
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
static void compare_repo(struct meta_txn *txn, int r, size_t *entries)
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
static void compare_history(struct meta_txn *txn, size_t *entries)
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

static void compare(struct world *w)
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

static bool count_visit(struct str name, void *arg)
{
    (void)name;
    ++*(int *)arg;
    return false;
}

TEST(model_agrees, "after any sequence of changes every table is what follows from who holds, named and tagged what")
{
    struct world w;
    int visits = 0;

    make_templates();
    memset(model.tag, 0xff, sizeof(model.tag));
    sem_init(&finished, 0, 0);
    world_open_sized(&w, test_dir(), 256 * 1024);
    for (int round = 0; round < ROUNDS; round++) {
        run_bunch(&w, round);
        compare(&w);
    }
    CHECK(restored[ERR_NONE] > 5 && restored[ERR_NOT_FOUND] > 5 && restored[ERR_REFERENCE] > 5);
    for (int r = 0; r < REPOS; r++)
        for (int t = 0; t < TEMPLATES; t++)
            CHECK_INT(manifest_delete(&w, repo_names[r], digests[BLOBS + t]), model_delete(r, t) == ERR_NONE ? 0 : -1);
    compare(&w);
    for (int d = 0; d < DIGESTS; d++) {
        meta_blob_holders(look(&w), &digests[d], count_visit, &visits);
        meta_done(w.reader);
    }
    CHECK_INT(visits, table_entries(look(&w), KV_HOLDERS));
    meta_done(w.reader);
    world_close(&w);
    sem_destroy(&finished);
    for (int t = 0; t < TEMPLATES; t++) {
        manifest_free(&templates[t].parsed);
        sbuf_free(&templates[t].bytes);
    }
}
