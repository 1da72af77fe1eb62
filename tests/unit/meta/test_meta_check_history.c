/* What the check of the metadata finds in the history, and that repairing it leaves invariant 11. */
#include "storage/meta/meta_check.h"
#include "tests/unit/meta/history_check.h"

static void note_finding(const struct meta_finding *finding, void *arg)
{
    struct sbuf *out = arg;

    sbuf_printf(out, "%s%u %s %s", out->n > 0 ? "; " : "", finding->invariant, finding->wanted ? "want" : "drop",
                finding->why);
}

static bool no_file(const struct digest *d, uint64_t *size, void *arg)
{
    (void)d;
    (void)arg;
    *size = 0;
    return false;
}

/* What a pass says, terminated. */
static const char *pass(struct world *w, bool repair)
{
    static struct sbuf out;
    const struct meta_check_options options = {
        .repair = repair, .finding = note_finding, .file_size = no_file, .arg = &out};
    struct meta_check *check = meta_check_new(w->meta, &options, &w->err);
    struct meta_check_count count = {0};
    bool more = true;

    out.n = 0;
    while (more)
        if (meta_check_step(check, &count, &more, &w->err) != 0)
            test_fail(__FILE__, __LINE__, "%s", w->err.text);
    meta_check_free(&check);
    return sbuf_text(&out);
}

struct damage {
    struct meta_change change; /* first */
    enum kv_table table;
    struct str value; /* NULL: the entry goes */
    struct key key;   /* empty: the first entry */
};

static int apply_damage(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct damage *damage = (struct damage *)change;
    struct kv_walk walk;

    if (damage->key.n == 0) {
        kv_walk_begin(&walk, txn, damage->table, (struct str){0}, (struct str){0});
        CHECK(kv_walk_next(&walk));
        key_bytes(&damage->key, walk.key);
        kv_walk_end(&walk);
    }
    if (damage->value.p == NULL)
        kv_del(txn, damage->table, key_str(&damage->key));
    else
        kv_put(txn, damage->table, key_str(&damage->key), damage->value);
    return kv_status(txn, e);
}

static void damage_entry(struct world *w, enum kv_table table, const char *key, struct str value)
{
    struct damage damage = {.change = {.apply = apply_damage}, .table = table, .value = value};

    key_bytes(&damage.key, str_of(key));
    CHECK_INT(meta_write(w->meta, &damage.change), 0);
}

/* A tag that was moved and deleted, a pull, and a manifest that can be put back. */
static void open_history(struct world *w)
{
    struct op op = {.kind = PULLS_NOTE, .pull = {.repository = 1, .when = NOW}};
    struct digest gone;

    world_open(w);
    push_image(w, "a", 1, "v", "");
    op.pull.digest = push_image(w, "a", 1, "v", ",\"annotations\":{\"n\":\"2\"}");
    CHECK_INT(tag_delete(w, "a", "v"), 0);
    gone = push_image(w, "a", 1, "w", ",\"annotations\":{\"n\":\"3\"}");
    CHECK_INT(manifest_delete(w, "a", gone), 0);
    CHECK_INT(world_run(w, &op), 0);
}

static const struct {
    enum kv_table table;
    const char *key;
    struct str value;
    const char *found;
} cases[] = {
    {KV_TAG_EVENTS, "", {NULL, 0}, "11 want an event of a tag is listed by it"},
    {KV_TAG_EVENTS, "nonsense", STR(""), "11 drop there is no such event of this tag"},
    {KV_RECALLABLE, "", {NULL, 0}, "11 want events that name a manifest are counted"},
    {KV_RECALLABLE, "", STR("x"), "11 want events that name a manifest are counted"},
    {KV_RECALLABLE, "nonsense", STR("x"), "0 drop the key is no manifest of a repository"},
    {KV_REMOVED, "", STR("x"),
     "11 drop there are no deleted manifests; 11 drop there are no deleted manifests; "
     "0 drop the record does not decode, or holds other bytes than its digest says"},
    {KV_REMOVED, "nonsense", STR("x"), "0 drop the key is no manifest of a repository"},
    {KV_PULLS, "", STR("x"), "0 drop the record does not decode"},
    {KV_PULLS, "nonsense", STR("12345678"), "11 drop there is no such manifest"},
    {KV_EVENTS, "nonsense", STR("x"), "0 drop the record does not decode"},
    {KV_OUTBOX, "\1reader", STR("x"), "0 drop the record does not decode"},
    {KV_OUTBOX, "\2number", STR("x"), "0 drop the record does not decode"},
    {KV_OUTBOX, "\3", STR("12345678"), "0 drop the record does not decode"},
};

/* The sum of a repository, or of all. */
static void damage_sum(struct world *w, uint32_t id, struct str value)
{
    struct damage damage = {.change = {.apply = apply_damage}, .table = KV_INFO, .value = value};

    removed_bytes_key(&damage.key, id);
    CHECK_INT(meta_write(w->meta, &damage.change), 0);
}

static const struct {
    uint32_t id;
    struct str value;
    const char *found;
} sums[] = {
    {1, {NULL, 0}, "11 want the bytes of deleted manifests are others"},
    {0, {NULL, 0}, "11 want the bytes of deleted manifests are others"},
    {1, STR("12345678"), "11 want the bytes of deleted manifests are others"},
    {0, STR("x"), "11 want the bytes of deleted manifests are others"},
    {7, STR("12345678"), "11 drop there are no deleted manifests"},
};

TEST(wrong_sums, "the sums over deleted manifests are put right when they are missing, wrong or of nothing")
{
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        struct world w;

        open_history(&w);
        damage_sum(&w, sums[i].id, sums[i].value);
        CHECK_TEXT(pass(&w, false), sums[i].found);
        CHECK_TEXT(pass(&w, true), sums[i].found);
        CHECK_TEXT(pass(&w, false), "");
        history_check(look(&w));
        meta_done(w.reader);
        world_close(&w);
    }
}

TEST(sound, "nothing is found in a history that is as it should be")
{
    struct world w;

    open_history(&w);
    CHECK_TEXT(pass(&w, false), "");
    world_close(&w);
}

TEST(damage, "each kind of damage is found and put right, and leaves what invariant 11 says")
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;

        open_history(&w);
        damage_entry(&w, cases[i].table, cases[i].key, cases[i].value);
        CHECK_TEXT(pass(&w, false), cases[i].found);
        CHECK_TEXT(pass(&w, true), cases[i].found);
        CHECK_TEXT(pass(&w, false), "");
        history_check(look(&w));
        meta_done(w.reader);
        world_close(&w);
    }
}
