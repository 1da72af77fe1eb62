/* Which manifests go when those without a tag are removed. All were pushed at NOW. */
#include "storage/upkeep/untagged.h"
#include "tests/unit/meta/meta_fixture.h"

enum { GRACE = 10, LATER = NOW + GRACE + 1 };

static uint64_t size_of(struct world *w, struct digest d)
{
    struct manifest_view view;

    if (meta_manifest_get(look(w), STR("a"), &d, &view, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    meta_done(w->reader);
    return view.bytes.n;
}

static bool there(struct world *w, struct digest d)
{
    struct manifest_view view;
    int rc = meta_manifest_get(look(w), STR("a"), &d, &view, &w->err);

    meta_done(w->reader);
    return rc == 0;
}

/* ",\"subject\":…" and a number that makes the manifest one of its own. */
static const char *members(const struct digest *subject, unsigned number)
{
    static struct sbuf out;

    out.n = 0;
    sbuf_printf(&out, ",\"annotations\":{\"n\":\"%u\"}", number);
    if (subject != NULL) {
        sbuf_str(&out, STR(",\"subject\":"));
        descriptor(&out, OCI_TYPE, *subject, 1, "");
    }
    return sbuf_text(&out);
}

static struct digest image(struct world *w, unsigned number, const char *tag, const struct digest *subject)
{
    return push_image(w, "a", 1, tag, members(subject, number));
}

static struct digest list(struct world *w, unsigned number, const char *tag, const struct digest *children, size_t n,
                          const struct digest *subject)
{
    uint64_t sizes[8];
    struct sbuf bytes;
    struct digest d;

    for (size_t i = 0; i < n; i++)
        sizes[i] = size_of(w, children[i]);
    bytes = index_of(children, sizes, n, members(subject, number));
    if (manifest_put(w, "a", text_of(&bytes), tag, false, &d) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    sbuf_free(&bytes);
    return d;
}

static uint64_t clean_at(struct world *w, uint64_t now)
{
    const struct untagged_options options = {.grace_s = GRACE, .now = now};
    uint64_t removed;

    if (untagged_remove(w->meta, &options, &removed, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    return removed;
}

TEST(images, "an image without a tag goes and lets go of its blobs; one with a tag stays")
{
    struct digest tagged, gone;
    struct world w;

    world_open(&w);
    tagged = image(&w, 1, "1", NULL);
    gone = image(&w, 2, NULL, NULL);
    CHECK_INT(references(&w, "a", blob_digest(1)), 2);
    CHECK_INT(clean_at(&w, LATER), 1);
    CHECK(there(&w, tagged) && !there(&w, gone));
    CHECK_INT(references(&w, "a", blob_digest(1)), 1);
    CHECK_INT(clean_at(&w, LATER), 0);
    world_close(&w);
}

TEST(repositories, "each repository is judged by its own tags, over many of them")
{
    struct digest d;
    struct world w;
    char name[32];

    world_open(&w);
    for (unsigned i = 0; i < 250; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        d = push_image(&w, name, 1, i % 2 == 0 ? "1" : NULL, "");
    }
    CHECK_INT(clean_at(&w, LATER), 125);
    CHECK_INT(tag_points_to(&w, "r100", "1", d), 0);
    CHECK_INT(table_entries(look(&w), KV_MANIFESTS), 125);
    meta_done(w.reader);
    CHECK_INT(table_entries(look(&w), KV_CATALOG), 125);
    meta_done(w.reader);
    world_close(&w);
}

TEST(children, "what an index names stays with it, through indexes of indexes; what only a lost one names goes")
{
    struct digest images[4], inner, outer, lost;
    struct world w;

    world_open(&w);
    for (unsigned i = 0; i < 4; i++)
        images[i] = image(&w, i, NULL, NULL);
    inner = list(&w, 10, NULL, images, 2, NULL);
    outer = list(&w, 11, "all", &inner, 1, NULL);
    lost = list(&w, 12, NULL, images + 1, 3, NULL); /* shares one with the other */
    CHECK_INT(clean_at(&w, LATER), 3);
    CHECK(there(&w, outer) && there(&w, inner) && there(&w, images[0]) && there(&w, images[1]));
    CHECK(!there(&w, lost) && !there(&w, images[2]) && !there(&w, images[3]));
    world_close(&w);
}

TEST(referrers, "what is attached to something that stays does so, too, and what is attached to that")
{
    struct digest tagged, child, index, signature, note, lost, orphan;
    struct world w;

    world_open(&w);
    tagged = image(&w, 1, "1", NULL);
    child = image(&w, 2, NULL, NULL);
    index = list(&w, 3, "all", &child, 1, NULL);
    signature = image(&w, 4, NULL, &child);
    note = image(&w, 5, NULL, &signature);
    lost = image(&w, 6, NULL, NULL);
    orphan = image(&w, 7, NULL, &lost);
    CHECK_INT(clean_at(&w, LATER), 2);
    CHECK(there(&w, tagged) && there(&w, index) && there(&w, child) && there(&w, signature) && there(&w, note));
    CHECK(!there(&w, lost) && !there(&w, orphan));
    CHECK_INT(tag_delete(&w, "a", "all"), 0);
    history_forget(&w);
    CHECK_INT(clean_at(&w, LATER), 4);
    CHECK(there(&w, tagged));
    CHECK_INT(table_entries(look(&w), KV_REFERRERS), 0);
    meta_done(w.reader);
    world_close(&w);
}

TEST(circle, "manifests that keep only each other go")
{
    struct digest child, index, attached;
    struct world w;

    world_open(&w);
    child = image(&w, 1, NULL, NULL);
    index = list(&w, 2, NULL, &child, 1, NULL);
    attached = list(&w, 3, NULL, &index, 1, &child); /* attached to the child, and names the index that names it */
    CHECK_INT(clean_at(&w, LATER), 3);
    CHECK(!there(&w, child) && !there(&w, index) && !there(&w, attached));
    world_close(&w);
}

TEST(grace, "what was pushed within the grace stays with all that belongs to it, and pushing again counts")
{
    struct digest child, index, signature;
    struct sbuf bytes;
    struct world w;
    struct op op = {.kind = MANIFEST_PUT};
    struct manifest_view view;
    struct manifest m;

    world_open(&w);
    child = image(&w, 1, NULL, NULL);
    index = list(&w, 2, NULL, &child, 1, NULL);
    signature = image(&w, 3, NULL, &child);
    CHECK_INT(clean_at(&w, LATER - 1), 0);

    CHECK_INT(meta_manifest_get(look(&w), STR("a"), &index, &view, &w.err), 0);
    bytes = (struct sbuf){0};
    sbuf_str(&bytes, view.bytes);
    meta_done(w.reader);
    CHECK_INT(manifest_parse(text_of(&bytes), (struct str){0}, &m, &w.err), 0);
    op.put = (struct manifest_put){
        .repository = STR("a"), .digest = index, .manifest = &m, .bytes = text_of(&bytes), .now = LATER};
    CHECK_INT(world_run(&w, &op), 0);
    CHECK_INT(clean_at(&w, LATER + GRACE), 0);
    CHECK(there(&w, child) && there(&w, index) && there(&w, signature));
    CHECK_INT(clean_at(&w, LATER + GRACE + 1), 3);
    manifest_free(&m);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(paths, "indexes that share their children cost their number and not the number of paths between them")
{
    enum { LEVELS = 40 };
    struct digest level[2] = {{0}};
    struct world w;

    world_open(&w);
    level[0] = image(&w, 1, NULL, NULL);
    level[1] = image(&w, 2, NULL, NULL);
    for (unsigned i = 0; i < LEVELS; i++) {
        struct digest left = list(&w, 100 + i, NULL, level, 2, NULL);
        struct digest right = list(&w, 200 + i, NULL, level, 2, NULL);

        level[0] = left;
        level[1] = right;
    }
    list(&w, 999, "top", level, 2, NULL);
    CHECK_INT(clean_at(&w, LATER), 0);
    CHECK_INT(tag_delete(&w, "a", "top"), 0);
    history_forget(&w);
    CHECK_INT(clean_at(&w, LATER), 2 + 2 * LEVELS + 1);
    CHECK_INT(table_entries(look(&w), KV_MANIFESTS), 0);
    meta_done(w.reader);
    world_close(&w);
}

TEST(chain, "a long chain of subjects stays with its first and goes with it")
{
    enum { LENGTH = 300 };
    struct digest d;
    struct world w;

    world_open(&w);
    d = image(&w, 0, "1", NULL);
    for (unsigned i = 1; i < LENGTH; i++)
        d = image(&w, i, NULL, &d);
    CHECK_INT(clean_at(&w, LATER), 0);
    CHECK_INT(tag_delete(&w, "a", "1"), 0);
    history_forget(&w);
    CHECK_INT(clean_at(&w, LATER), LENGTH);
    CHECK_INT(references(&w, "a", blob_digest(1)), 0);
    world_close(&w);
}

/* ---- what can be put back ---- */

TEST(recallable, "what a tag has left behind stays with all that belongs to it until that is forgotten")
{
    struct digest child, index, signature, new;
    struct world w;

    world_open(&w);
    child = image(&w, 1, NULL, NULL);
    index = list(&w, 2, "1", &child, 1, NULL);
    signature = image(&w, 3, NULL, &index);
    new = image(&w, 4, "1", NULL);
    CHECK_INT(clean_at(&w, LATER), 0);
    history_forget(&w);
    CHECK_INT(clean_at(&w, LATER), 3);
    CHECK(there(&w, new) && !there(&w, index) && !there(&w, child) && !there(&w, signature));
    world_close(&w);
}

TEST(removed, "what a deleted index named, and what is attached to it, stays until the index is forgotten")
{
    struct digest child, index, signature, lost;
    struct world w;

    world_open(&w);
    child = image(&w, 1, NULL, NULL);
    index = list(&w, 2, "1", &child, 1, NULL);
    signature = image(&w, 3, NULL, &index);
    lost = image(&w, 4, NULL, NULL);
    CHECK_INT(manifest_delete(&w, "a", index), 0);
    CHECK_INT(clean_at(&w, LATER), 1);
    CHECK(!there(&w, index) && there(&w, child) && there(&w, signature) && !there(&w, lost));
    history_forget(&w);
    CHECK_INT(clean_at(&w, LATER), 2);
    world_close(&w);
}

TEST(for_good, "what goes for want of a tag is no event and is not kept aside")
{
    struct world w;

    world_open(&w);
    image(&w, 1, NULL, NULL);
    CHECK_INT(clean_at(&w, LATER), 1);
    CHECK_INT(table_entries(look(&w), KV_EVENTS), 0);
    meta_done(w.reader);
    CHECK_INT(table_entries(look(&w), KV_REMOVED), 0);
    meta_done(w.reader);
    world_close(&w);
}

/* ---- dry run ---- */

struct seen {
    unsigned count;
    struct digest digest;
    uint64_t size;
    uint64_t pushed;
    char repository[16];
};

static void see(const struct untagged_item *item, void *arg)
{
    struct seen *seen = arg;

    seen->count++;
    seen->digest = item->digest;
    seen->size = item->size;
    seen->pushed = item->pushed;
    snprintf(seen->repository, sizeof(seen->repository), "%.*s", (int)item->repository.n, item->repository.p);
}

TEST(dry_run, "a dry run names what would go and removes nothing")
{
    struct seen seen = {0};
    const struct untagged_options options = {
        .grace_s = GRACE, .now = LATER, .dry_run = true, .item = see, .arg = &seen};
    struct digest gone;
    uint64_t removed;
    struct world w;

    world_open(&w);
    image(&w, 1, "1", NULL);
    gone = image(&w, 2, NULL, NULL);
    CHECK_INT(untagged_remove(w.meta, &options, &removed, &w.err), 0);
    CHECK_INT(removed, 1);
    CHECK_INT(seen.count, 1);
    CHECK(digest_equal(&seen.digest, &gone));
    CHECK_INT(seen.size, size_of(&w, gone));
    CHECK_INT(seen.pushed, NOW);
    CHECK_TEXT(seen.repository, "a");
    CHECK(there(&w, gone));
    world_close(&w);
}

TEST(asked, "what somebody asked for within the grace stays with what it names, unless the grace is 0")
{
    struct untagged_options options = {.grace_s = GRACE, .now = LATER, .asked = asked_new()};
    uint64_t removed;
    struct digest child, parent, lonely;
    struct world w;

    world_open(&w);
    child = image(&w, 1, NULL, NULL);
    parent = list(&w, 2, NULL, &child, 1, NULL);
    lonely = image(&w, 3, NULL, NULL);
    CHECK(asked_note(options.asked, &parent, asked_ticket(options.asked, &parent)));
    CHECK_INT(untagged_remove(w.meta, &options, &removed, &w.err), 0);
    CHECK_INT(removed, 1);
    CHECK(!there(&w, lonely));
    CHECK(there(&w, child) && there(&w, parent));
    options.grace_s = 0;
    CHECK_INT(untagged_remove(w.meta, &options, &removed, &w.err), 0);
    CHECK_INT(removed, 2);
    asked_free(&options.asked);
    world_close(&w);
}
