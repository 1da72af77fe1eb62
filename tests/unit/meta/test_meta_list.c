/* Lists of names, in pages: the catalog, and the tags of a repository. */
#include "tests/unit/meta/meta_fixture.h"

/* ---- catalog ---- */

static const char *catalog(struct world *w, const char *last, size_t limit, bool *more)
{
    static struct names names;
    struct catalog_query query = {.last = str_of(last), .limit = limit, .looks = SIZE_MAX};

    names = (struct names){0};
    if (meta_catalog(look(w), &query, names_add, &names, more, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    meta_done(w->reader);
    return names.text;
}

TEST(catalog_lists_manifests,
     "the catalog lists repositories with a manifest, in byte order, and forgets them with the last")
{
    struct world w;
    struct digest d;
    bool more;

    world_open(&w);
    d = push_image(&w, "b", 1, NULL, "");
    push_image(&w, "b/c", 1, NULL, "");
    push_image(&w, "b-c", 1, NULL, "");
    push_image(&w, "a", 1, NULL, "");
    CHECK_INT(blob_put(&w, "only-blobs", blob_digest(1), CONFIG_SIZE, NOW), 0);
    CHECK_TEXT(catalog(&w, "", 10, &more), "a b b-c b/c");
    CHECK(!more);
    CHECK_INT(manifest_delete(&w, "b", d), 0);
    CHECK_TEXT(catalog(&w, "", 10, &more), "a b-c b/c");
    CHECK(meta_repository_exists(look(&w), STR("b")));
    meta_done(w.reader);
    CHECK(meta_repository_exists(look(&w), STR("only-blobs")));
    meta_done(w.reader);
    CHECK(!meta_repository_exists(look(&w), STR("never")));
    meta_done(w.reader);
    world_close(&w);
}

TEST(catalog_pages, "a page of the catalog starts after `last`, known or not, and says whether more follows")
{
    struct world w;
    bool more;

    world_open(&w);
    for (const char *const *name = (const char *const[]){"a", "c", "e", "g", NULL}; *name != NULL; name++)
        push_image(&w, *name, 1, NULL, "");
    CHECK_TEXT(catalog(&w, "", 2, &more), "a c");
    CHECK(more);
    CHECK_TEXT(catalog(&w, "c", 2, &more), "e g");
    CHECK(!more);
    CHECK_TEXT(catalog(&w, "b", 1, &more), "c");
    CHECK(more);
    CHECK_TEXT(catalog(&w, "z", 5, &more), "");
    CHECK(!more);
    CHECK_TEXT(catalog(&w, "", 0, &more), "");
    CHECK(!more);
    world_close(&w);
}

static bool add_unless_c(struct str name, void *arg)
{
    return !str_eq(name, STR("c")) && names_add(name, arg);
}

TEST(catalog_skips, "an entry that the caller skips does not count against the limit")
{
    struct catalog_query query = {.limit = 2, .looks = SIZE_MAX};
    struct world w;
    struct names names = {0};
    bool more;

    world_open(&w);
    for (const char *const *name = (const char *const[]){"a", "c", "e", "g", NULL}; *name != NULL; name++)
        push_image(&w, *name, 1, NULL, "");
    CHECK_INT(meta_catalog(look(&w), &query, add_unless_c, &names, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(names.text, "a e");
    CHECK(more);
    world_close(&w);
}

/* What a visitor is called with, and which of it he takes: names of one letter that are not in `skipped`. */
struct visitor {
    struct names looked_at, taken;
    const char *skipped;
    char last[2];
};

static bool visit(struct str name, void *arg)
{
    struct visitor *visitor = arg;

    names_add(name, &visitor->looked_at);
    visitor->last[0] = name.p[0];
    return strchr(visitor->skipped, name.p[0]) == NULL && names_add(name, &visitor->taken);
}

static const struct {
    const char *last;
    size_t limit, looks;
    const char *skipped, *looked_at, *taken;
    bool more;
} pieces[] = {
    {"", 9, 2, "", "a c", "a c", true}, {"", 9, 3, "ace", "a c e", "", true}, {"c", 9, 2, "e", "e g", "g", false},
    {"c", 9, 1, "e", "e", "", true},    {"e", 9, 1, "g", "g", "", false},     {"", 2, 3, "c", "a c e", "a e", true},
    {"", 2, 2, "", "a c", "a c", true}, {"c", 2, 2, "", "e g", "e g", false}, {"g", 9, 1, "", "", "", false},
    {"", 0, 9, "", "", "", false},
};

TEST(catalog_pieces,
     "a walk through the catalog looks at no more names than it may, and says when it is not at the end")
{
    struct world w;
    bool more;

    world_open(&w);
    for (const char *const *name = (const char *const[]){"a", "c", "e", "g", NULL}; *name != NULL; name++)
        push_image(&w, *name, 1, NULL, "");
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct visitor visitor = {.skipped = pieces[i].skipped};
        struct catalog_query query = {
            .last = str_of(pieces[i].last), .limit = pieces[i].limit, .looks = pieces[i].looks};

        CHECK_INT(meta_catalog(look(&w), &query, visit, &visitor, &more, &w.err), 0);
        meta_done(w.reader);
        CHECK_TEXT(visitor.looked_at.text, pieces[i].looked_at);
        CHECK_TEXT(visitor.taken.text, pieces[i].taken);
        CHECK_INT(more, pieces[i].more);
    }
    world_close(&w);
}

/* Worth a look are only names from "e" on, and none behind "g". */
static struct str leap(struct str name, void *arg)
{
    (void)arg;
    if (name.p[0] > 'g')
        return str_of("");
    return name.p[0] < 'e' ? str_of("e") : name;
}

TEST(catalog_leaps, "a walk through the catalog leaps over names that nobody will take, and ends before them")
{
    struct visitor visitor = {.skipped = "acehj"};
    struct catalog_query query = {.limit = 9, .looks = SIZE_MAX, .seek = leap};
    struct world w;
    bool more;

    world_open(&w);
    for (const char *const *name = (const char *const[]){"a", "c", "e", "g", "h", "j", NULL}; *name != NULL; name++)
        push_image(&w, *name, 1, NULL, "");
    CHECK_INT(meta_catalog(look(&w), &query, visit, &visitor, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(visitor.looked_at.text, "a e g h");
    CHECK_TEXT(visitor.taken.text, "g");
    CHECK(!more);
    world_close(&w);
}

TEST(catalog_resumes, "a page that is walked in pieces, each behind the last name looked at, is the page in one piece")
{
    struct world w;

    world_open(&w);
    for (const char *const *name = (const char *const[]){"a", "b", "c", "d", "e", "f", "g", NULL}; *name != NULL;
         name++)
        push_image(&w, *name, 1, NULL, "");
    for (size_t looks = 1; looks <= 8; looks++) {
        struct visitor visitor = {.skipped = "abdf"};
        bool more = true;

        while (more) {
            struct catalog_query query = {.last = str_of(visitor.last), .limit = 9, .looks = looks};

            CHECK_INT(meta_catalog(look(&w), &query, visit, &visitor, &more, &w.err), 0);
            meta_done(w.reader);
        }
        CHECK_TEXT(visitor.looked_at.text, "a b c d e f g");
        CHECK_TEXT(visitor.taken.text, "c e g");
    }
    world_close(&w);
}

/* ---- tags ---- */

TEST(tags_pages, "tags come in byte order, page by page, and never from another repository")
{
    struct world w;
    struct names names = {0};
    bool more;

    world_open(&w);
    push_image(&w, "first", 1, "zzz", "");
    for (const char *const *tag = (const char *const[]){"b", "B", "a.1", "a-1", "_x", NULL}; *tag != NULL; tag++)
        push_image(&w, "app", 1, *tag, "");
    push_image(&w, "last", 1, "aaa", "");
    CHECK_INT(meta_tags(look(&w), STR("app"), STR(""), 3, names_add, &names, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(names.text, "B _x a-1");
    CHECK(more);
    names = (struct names){0};
    CHECK_INT(meta_tags(look(&w), STR("app"), STR("a-1"), 3, names_add, &names, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(names.text, "a.1 b");
    CHECK(!more);
    world_close(&w);
}

TEST(tags_edges, "no tags, no limit and no repository are three different answers")
{
    struct world w;
    struct names names = {0};
    bool more;

    world_open(&w);
    CHECK_INT(blob_put(&w, "blobs", blob_digest(1), 1, NOW), 0);
    push_image(&w, "app", 1, "v1", "");
    CHECK_INT(meta_tags(look(&w), STR("blobs"), STR(""), 3, names_add, &names, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_INT(meta_tags(look(&w), STR("app"), STR(""), 0, names_add, &names, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(names.text, "");
    CHECK(!more);
    CHECK_INT(meta_tags(look(&w), STR("none"), STR(""), 3, names_add, &names, &more, &w.err), -1);
    meta_done(w.reader);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "none: nothing was ever pushed under this name");
    world_close(&w);
}
