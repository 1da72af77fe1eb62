/* Each kind of damage to metadata, one row for each: what is said of it, and that it is whole after a repair. */
#include "tests/unit/meta/rebuild_fixture.h"

static const struct {
    const char *name;
    enum kv_table table;
    const char *key;
    bool removes;
    struct str value;
    const char *says;
    const char *gone; /* a tag of "a" or "b/c" that cannot be saved, or NULL */
} rows[] = {
    {"names lost",
     KV_NAMES,
     "a",
     true,
     {0},
     "names repository 1 is missing: the number of a repository leads to its name",
     NULL},
    {"names other", KV_NAMES, "a", false, STR("x/y"), "names x/y is wrong: the number of a repository", NULL},
    {"names broken", KV_NAMES, "a", false, STR("A B"), "names A B is wrong: the number of a repository", NULL},
    {"names odd key", KV_NAMES, "'abc", false, STR("d"), "names \"abc\" is one too many: the key is no number", NULL},
    {"names twice", KV_NAMES, "z", false, STR("a"), "names a is wrong: the name of this repository is lost", NULL},
    {"repos lost", KV_REPOS, "'a", true, {0}, "repos \"a\" is missing: a known name has a record", NULL},
    {"repos broken", KV_REPOS, "'a", false, STR("?"), "repos \"a\" is wrong: the record does not decode", NULL},
    {"repos counters", KV_REPOS, "'a", false, STR("\0\0\0\1" NUMBER_9 NUMBER_1 NUMBER_1),
     "repos \"a\" is wrong: the counters are not the numbers of entries", NULL},
    {"repos of a stranger's number", KV_REPOS, "'q", false, STR("\0\0\0\1" NUMBER_9 NUMBER_1 NUMBER_1),
     "repos \"q\" is one too many: the number belongs to another repository", NULL},
    {"repos of no name", KV_REPOS, "'Q!", false, STR("\0\0\0\1" NUMBER_9 NUMBER_1 NUMBER_1),
     "repos \"Q!\" is one too many: the key is no name", NULL},
    {"catalog lost", KV_CATALOG, "'b/c", true, {0}, "catalog \"b/c\" is missing: a repository with manifests", NULL},
    {"catalog other", KV_CATALOG, "'a", false, STR("\0\0\0\2"), "catalog \"a\" is wrong", NULL},
    {"catalog stray", KV_CATALOG, "'zz", false, STR("\0\0\0\2"), "catalog \"zz\" is one too many: there is no such",
     NULL},
    {"next number lost", KV_INFO, "'next-repository", true, {0}, "info \"next-repository\" is missing", NULL},
    {"next number small", KV_INFO, "'next-repository", false, STR("\0\0\0\1"), "info \"next-repository\" is wrong",
     NULL},
    {"blobs lost", KV_BLOBS, "1", true, {0}, "is missing: the record of a blob that a repository holds is lost", NULL},
    {"blobs broken", KV_BLOBS, "1", false, STR("?"), "is wrong: the record does not decode", NULL},
    {"blobs holders", KV_BLOBS, "5", false,
     STR("\0\0\0\0\0\0\0\4"
         "\0\0\0\0\0\0\0\0" NUMBER_9 NUMBER_1),
     "is wrong: the number of holders is another", NULL},
    {"blobs references", KV_BLOBS, "5", false, STR("\0\0\0\0\0\0\0\4" NUMBER_9 NUMBER_1 NUMBER_1),
     "is wrong: the number of manifests that name it is another", NULL},
    {"blobs odd key", KV_BLOBS, "'xyz", false, STR("?"), "blobs \"xyz\" is one too many: the key is no digest", NULL},
    {"members lost", KV_MEMBERS, "b1", true, {0}, "is one too many: this repository does not hold the blob", NULL},
    {"members of nothing", KV_MEMBERS, "a9", false, STR(NUMBER_1),
     "is one too many: the blob has neither a record nor a file", NULL},
    {"members of nobody", KV_MEMBERS, "y1", false, STR(NUMBER_1),
     "names repository 78 is missing: the name of this repository is lost", NULL},
    {"members broken", KV_MEMBERS, "a5", false, {0}, "is wrong: the record does not decode", NULL},
    {"blobs needed earlier", KV_BLOBS, "5", false,
     STR("\0\0\0\0\0\0\0\4"
         "\0\0\0\0\0\0\0\0" NUMBER_1 NUMBER_1),
     "is wrong: a repository needed it later", NULL},
    {"idle lost", KV_IDLE, "@5", true, {0}, "is missing: nobody names the blob: it has a lease", NULL},
    {"idle stray", KV_IDLE, "@1", false, {0}, "is one too many: the blob has no lease that ends then", NULL},
    {"idle odd key", KV_IDLE, "'what", false, {0}, "idle \"what\" is one too many: the key is no time", NULL},
    {"loose lost", KV_LOOSE, "@a5", true, {0}, "is missing: no manifest of the repository names the blob", NULL},
    {"loose stray", KV_LOOSE, "@a1", false, {0}, "is one too many: holding this blob has no lease", NULL},
    {"loose odd key", KV_LOOSE, "@a'5", false, {0}, "is one too many: the key is no time, repository and digest", NULL},
    {"usage lost", KV_USAGE, "'/a", true, {0}, "usage \"/a\" is missing: the bytes of a path are those", NULL},
    {"usage other", KV_USAGE, "'/b/c", false, STR(NUMBER_1 NUMBER_1), "usage \"/b/c\" is wrong: the bytes of a path",
     NULL},
    {"usage of all", KV_USAGE, "'/", false, STR(NUMBER_1 NUMBER_1), "usage \"/\" is wrong: the bytes of a path", NULL},
    {"usage between", KV_USAGE, "'/b", true, {0}, "usage \"/b\" is missing: the bytes of a path", NULL},
    {"usage stray", KV_USAGE, "'/q/r", false, STR(NUMBER_1 NUMBER_1), "usage \"/q/r\" is one too many: the bytes",
     NULL},
    {"usage odd key", KV_USAGE, "'q", false, STR("?"), "usage \"q\" is one too many: the key is no path", NULL},
    {"stored lost",
     KV_INFO,
     "'stored",
     true,
     {0},
     "info \"stored\" is missing: the number or the bytes of all blobs",
     NULL},
    {"stored other", KV_INFO, "'stored", false, STR(NUMBER_9 NUMBER_9), "info \"stored\" is wrong: the number", NULL},
    {"members odd key", KV_MEMBERS, "a'x", false, {0}, "is one too many: the key is no repository and digest", NULL},
    {"holders lost", KV_HOLDERS, "1b", true, {0}, "is missing: who holds the blob is a holder of it", NULL},
    {"holders stray", KV_HOLDERS, "5b", false, {0}, "is one too many: this repository does not hold the blob", NULL},
    {"holders odd key", KV_HOLDERS, "5'x", false, {0}, "is one too many: the key is no digest and repository", NULL},
    {"manifests broken", KV_MANIFESTS, "ai", false, STR("?"), "is one too many: the record does not decode", "a:1"},
    {"manifests other bytes", KV_MANIFESTS, "ai", false, STR(NUMBER_1 "\0\0\0{}"),
     "is one too many: its bytes have another digest", "a:1"},
    {"manifests lost",
     KV_MANIFESTS,
     "bo",
     true,
     {0},
     "tags b/c \"latest\" is one too many: it names a manifest",
     "b/c:latest"},
    {"manifests odd key", KV_MANIFESTS, "a'x", false, STR("?"), "is one too many: the key is no repository and digest",
     NULL},
    {"tags broken", KV_TAGS, "a'1", false, STR("?"), "tags a \"1\" is one too many: the record does not decode", "a:1"},
    {"tags lost", KV_TAGS, "a'1", true, {0}, "is one too many: the tag does not name this manifest", "a:1"},
    {"tags odd key", KV_TAGS, "a'/", false, STR("?"), "tags a \"/\" is one too many: the key is no repository and tag",
     NULL},
    {"manifest_tags lost",
     KV_MANIFEST_TAGS,
     "ai'1",
     true,
     {0},
     "is missing: a tag is among those of its manifest",
     NULL},
    {"manifest_tags stray", KV_MANIFEST_TAGS, "as'1", false, {0}, "is one too many: the tag does not name", NULL},
    {"manifest_tags odd key",
     KV_MANIFEST_TAGS,
     "a'1",
     false,
     {0},
     "is one too many: the key is no repository, digest",
     NULL},
    {"refs lost", KV_REFS, "a1", true, {0}, "is missing: the number of manifests that name it is another", NULL},
    {"refs other", KV_REFS, "a1", false, STR(NUMBER_9), "is wrong: the number of manifests that name it is another",
     NULL},
    {"refs broken", KV_REFS, "ai", false, STR("?"), "is wrong: the number of manifests that name it is another", NULL},
    {"refs stray", KV_REFS, "a9", false, STR(NUMBER_1), "is one too many: no manifest names it", NULL},
    {"refs of nobody", KV_REFS, "x9", false, STR(NUMBER_1), "is one too many: there is no such repository", NULL},
    {"refs odd key", KV_REFS, "a'x", false, STR(NUMBER_1), "is one too many: the key is no repository and digest",
     NULL},
    {"referrers lost",
     KV_REFERRERS,
     "ais",
     true,
     {0},
     "is missing: a manifest with a subject is a referrer of it",
     NULL},
    {"referrers other", KV_REFERRERS, "ais", false, STR(NUMBER_1 "\0\0"), "is wrong: a manifest with a subject", NULL},
    {"referrers stray", KV_REFERRERS, "ail", false, STR(NUMBER_1 "\0\0"), "is one too many: there is no manifest with",
     NULL},
    {"referrers odd key", KV_REFERRERS, "ai'x", false, STR("?"), "is one too many: the key is no repository, subject",
     NULL},
};

static const char *row = "";

static void check_tag(struct yard *y, const char *repository, const char *tag, struct digest d, const char *gone)
{
    char name[64];
    bool lost;

    snprintf(name, sizeof(name), "%s:%s", repository, tag);
    lost = gone != NULL && strcmp(gone, name) == 0;
    if (tag_points_to(&y->world, repository, tag, d) != (lost ? ERR_NOT_FOUND : 0))
        test_fail(__FILE__, __LINE__, "%s: %s: %s", row, name, y->world.err.text);
}

TEST(sound, "nothing is found in metadata that is whole")
{
    struct meta_rebuild_result result;
    struct yard y;

    fill(&y);
    result = rebuild(&y, true);
    CHECK_TEXT(sbuf_text(&said), "");
    CHECK(result.clean && result.findings == 0 && result.entries > 40);
    yard_close(&y);
}

static void wound_and_repair(struct yard *y, size_t i)
{
    struct meta_rebuild_result result;

    wound(y, rows[i].table, key_of(rows[i].key), rows[i].removes, rows[i].value);
    result = rebuild(y, true);
    if (result.clean || result.findings == 0 || strstr(sbuf_text(&said), rows[i].says) == NULL)
        test_fail(__FILE__, __LINE__, "%s: %s", rows[i].name, sbuf_text(&said));
    if (rebuild(y, true).clean)
        test_fail(__FILE__, __LINE__, "%s: a dry run changed something", rows[i].name);
    result = rebuild(y, false);
    if (!result.clean || result.findings == 0)
        test_fail(__FILE__, __LINE__, "%s is not repaired: %s", rows[i].name, sbuf_text(&said));
    result = rebuild(y, true);
    if (!result.clean)
        test_fail(__FILE__, __LINE__, "%s stays: %s", rows[i].name, sbuf_text(&said));
}

TEST(planted, "each kind of damage is found, told, repaired, and then nothing is found")
{
    struct yard y;

    fill(&y);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        row = rows[i].name;
        wound_and_repair(&y, i);
        check_tag(&y, "a", "1", image, rows[i].gone);
        check_tag(&y, "b/c", "latest", other, rows[i].gone);
        push_all(&y); /* which brings back what was lost */
        check_tag(&y, "a", "1", image, NULL);
        check_tag(&y, "b/c", "latest", other, NULL);
        if (!rebuild(&y, true).clean)
            test_fail(__FILE__, __LINE__, "%s: %s", rows[i].name, sbuf_text(&said));
    }
    yard_close(&y);
}

TEST(all_at_once, "many kinds of damage at a time are repaired together")
{
    struct meta_rebuild_result result;
    struct yard y;

    fill(&y);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].gone == NULL && rows[i].table != KV_NAMES && rows[i].table != KV_MEMBERS)
            wound(&y, rows[i].table, key_of(rows[i].key), rows[i].removes, rows[i].value);
    result = rebuild(&y, false);
    CHECK(result.clean && result.findings >= 20);
    check_tag(&y, "a", "1", image, NULL);
    check_tag(&y, "b/c", "latest", other, NULL);
    yard_close(&y);
}
