/*
 * Random changes, whose answers and outcomes are those of the model. They go to the writer in bunches, among them some
 * that write and then fail, so that batches are run again.
 */
#include <semaphore.h>

#include "tests/unit/meta/model_check.h"

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

/* ---- the test ---- */

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
