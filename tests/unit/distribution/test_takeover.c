#include "storage/meta/meta_check.h"
#include "tests/unit/distribution/old_fixture.h"

static void note_finding(const struct meta_finding *finding, void *arg)
{
    (void)finding;
    (void)arg;
}

/* The metadata keep all their invariants. */
static void check_sound(struct old *old)
{
    const struct meta_check_options options = {.finding = note_finding};
    struct meta_check *check = meta_check_new(old->store->meta, &options, &old->err);
    struct meta_check_count count = {0};
    bool more = true;

    while (more)
        CHECK_INT(meta_check_step(check, &count, &more, &old->err), 0);
    meta_check_free(&check);
    CHECK_INT(count.findings, 0);
}

static void begin(struct old *old)
{
    old_begin(old);
    old_open_store(old);
    CHECK_INT(file_mkdirs(old->tree, 0755, NULL), 0);
}

static void blob_paths(const struct old *old, const struct digest *d, char theirs[PATH_MAX], char ours[PATH_MAX])
{
    char text[DIGEST_TEXT_MAX];

    digest_format(d, text);
    snprintf(theirs, PATH_MAX, "%s/blobs/sha256/%.2s/%s/data", old->tree, text + 7, text + 7);
    snprintf(ours, PATH_MAX, "%s/blobs/sha256/%.2s/%s", old->root, text + 7, text + 7);
}

static ino_t inode(const char *path)
{
    struct stat st = {0};

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

TEST(an_image_is_linked, "an image is taken over: its blob is one file with two names, its tag keeps its time")
{
    struct old old;
    struct digest d, config, found;
    char theirs[PATH_MAX], ours[PATH_MAX];

    begin(&old);
    d = old_image(&old, "a/b", "v1", "config");
    digest_of(DIGEST_SHA256, "config", 6, &config);
    take_over_well(&old);
    CHECK_INT(old.result.linked, 1);
    CHECK_INT(old.result.linked_bytes, 6);
    CHECK_INT(old.result.manifests, 1);
    CHECK_INT(old.result.tags, 1);
    CHECK_INT(old.result.oddities, 0);
    CHECK(has_tag(&old, "a/b", "v1", &found) && digest_equal(&found, &d));
    CHECK(holds_blob(&old, "a/b", &config));
    CHECK(!holds_blob(&old, "a", &config));
    blob_paths(&old, &config, theirs, ours);
    CHECK(inode(ours) != 0 && inode(ours) == inode(theirs));
    check_sound(&old);
    take_over_well(&old);
    CHECK_INT(old.result.linked + old.result.manifests + old.result.tags, 0);
    CHECK_INT(old.result.manifests_there, 1);
    CHECK_INT(old.result.tags_there, 1);
    old_end(&old);
}

TEST(dry_run_changes_nothing, "a dry run counts and changes nothing")
{
    struct old old;
    struct digest found;

    begin(&old);
    old_image(&old, "a", "v1", "config");
    old.options.dry_run = true;
    take_over_well(&old);
    CHECK_INT(old.result.linked, 1);
    CHECK_INT(old.result.manifests, 1);
    CHECK_INT(old.result.tags, 1);
    CHECK(!has_tag(&old, "a", "v1", &found));
    old_end(&old);
}

TEST(copies, "copies have files of their own, which are compared with their digests")
{
    struct old old;
    struct digest config;
    char theirs[PATH_MAX], ours[PATH_MAX];

    begin(&old);
    old_image(&old, "a", "v1", "config");
    digest_of(DIGEST_SHA256, "config", 6, &config);
    old.options.copies = true;
    take_over_well(&old);
    CHECK_INT(old.result.linked, 0);
    CHECK_INT(old.result.copied + old.result.cloned, 1);
    CHECK_TEXT(old.result.why_not, "copies were asked for");
    blob_paths(&old, &config, theirs, ours);
    CHECK(inode(ours) != 0 && inode(ours) != inode(theirs));
    old_end(&old);
}

/* Each way of verifying. */
static void try_damaged(bool copies)
{
    struct old old;
    struct digest d, config, found;
    char theirs[PATH_MAX], ours[PATH_MAX];
    FILE *file;

    begin(&old);
    d = old_image(&old, "a", "v1", "config");
    old_image(&old, "b", "v1", "another");
    digest_of(DIGEST_SHA256, "config", 6, &config);
    blob_paths(&old, &config, theirs, ours);
    file = fopen(theirs, "w");
    fputs("CONFIG", file);
    fclose(file);
    old.options.copies = copies;
    take_over_well(&old);
    CHECK_INT(old.result.blobs_lost, 1);
    CHECK_INT(old.result.manifests_lost, 1);
    CHECK_INT(old.result.tags_lost, 1);
    CHECK_INT(inode(ours), 0);
    check_odd(&old, "its content has another digest\n");
    check_odd(&old, "which this repository does not hold\n");
    check_odd(&old, "tag-dangling a v1: the manifest that it points to is not there\n");
    CHECK(!has_manifest(&old, "a", &d));
    CHECK(has_tag(&old, "b", "v1", &found));
    check_sound(&old);
    old_end(&old);
}

TEST(damaged, "a damaged blob is not taken, nor the image that needs it; the others are")
{
    try_damaged(false);
    try_damaged(true);
}

/* An index of entries of `size` bytes. */
static struct digest old_index(const struct old *old, const char *tag, const struct digest *entries, size_t n,
                               size_t size)
{
    char digest[DIGEST_TEXT_MAX];
    struct sbuf text = {0};
    struct digest d;

    sbuf_printf(&text, "{\"schemaVersion\":2,\"manifests\":[");
    for (size_t i = 0; i < n; i++) {
        digest_format(&entries[i], digest);
        sbuf_printf(&text,
                    "%s{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}",
                    i > 0 ? "," : "", digest, size);
    }
    sbuf_printf(&text, "]}");
    d = old_revision(old, "a", sbuf_text(&text));
    old_tag(old, "a", tag, &d);
    sbuf_free(&text);
    return d;
}

TEST(missing_children, "an index without some of its images is taken and told, without all of them it is not")
{
    struct old old;
    struct digest entries[2], whole, found;
    size_t size;

    begin(&old);
    entries[0] = old_image(&old, "a", NULL, "config");
    digest_of(DIGEST_SHA256, "gone", 4, &entries[1]);
    size = strlen(image_text(&entries[0], 6, "")); /* images of such configs are all as long */
    old_index(&old, "some", entries, 2, size);
    old_index(&old, "none", &entries[1], 1, size);
    whole = old_index(&old, "all", entries, 1, size);
    take_over_well(&old);
    CHECK(has_tag(&old, "a", "some", &found));
    CHECK(has_tag(&old, "a", "all", &found) && digest_equal(&found, &whole));
    CHECK(!has_tag(&old, "a", "none", &found));
    check_odd(&old, "taken without 1 of its 2 images, which are not there\n");
    CHECK_INT(old.result.odd[ODD_INDEX_INCOMPLETE], 1);
    CHECK_INT(old.result.odd[ODD_MANIFEST_REFUSED], 1);
    CHECK_INT(old.result.manifests, 3);
    check_sound(&old);
    old_end(&old);
}

TEST(aliases, "a layer that was pushed under SHA-512 is held under both its digests")
{
    struct old old;
    struct digest d, alias, wrong;

    begin(&old);
    d = old_layer(&old, "a", "layer");
    digest_of(DIGEST_SHA512, "layer", 5, &alias);
    old_link(&old, "a", "_layers", &alias, &d);
    digest_of(DIGEST_SHA512, "other", 5, &wrong);
    old_link(&old, "a", "_layers", &wrong, &d);
    old.options.verify = false; /* these are read nonetheless */
    take_over_well(&old);
    CHECK(holds_blob(&old, "a", &d));
    CHECK(holds_blob(&old, "a", &alias));
    CHECK(!holds_blob(&old, "a", &wrong));
    CHECK_INT(old.result.odd[ODD_BLOB_DAMAGED], 1);
    old_end(&old);
}

TEST(oddities, "what the wild has is told and passed over")
{
    struct old old;
    struct digest d, config, schema1;

    begin(&old);
    config = old_layer(&old, "a", "config");
    d = old_revision(&old, "a", image_text(&config, 6, ""));
    schema1 = old_revision(&old, "a", "{\"schemaVersion\":1,\"name\":\"a\",\"fsLayers\":[]}");
    old_tag(&old, "a", "old", &schema1);
    old_revision(&old, "a", "no JSON");
    old_write(&old, STR("sha256:nonsense"), "repositories/a/_manifests/tags/garbled/current/link");
    old_write(&old, STR("x"), "repositories/a/_manifests/tags/nowhere/index/x");
    old_write(&old, STR(""), "repositories/empty/_manifests/revisions/sha256/.keep");
    take_over_well(&old);
    CHECK(has_manifest(&old, "a", &d)); /* though no tag leads to it */
    check_odd(&old, "Docker schema 1 is not accepted");
    check_odd(&old, "link a garbled: its link holds no digest\n");
    check_odd(&old, "tag-dangling a nowhere: it points nowhere\n");
    check_odd(&old, "repository-empty empty empty: it is empty\n");
    CHECK_INT(old.result.manifests_lost, 2);
    check_sound(&old);
    old_end(&old);
}

TEST(deleted_manifest, "a manifest whose link is gone was deleted: it is not taken, nor told")
{
    struct old old;
    struct digest d;

    begin(&old);
    d = old_image(&old, "a", NULL, "config");
    old_write(&old, STR(""),
              "repositories/a/_manifests/revisions/sha256/"
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x");
    take_over_well(&old);
    CHECK(has_manifest(&old, "a", &d));
    CHECK_INT(old.result.oddities, 0);
    old_end(&old);
}

TEST(times, "a tag is moved only by a later word, and what it pointed to before is in its history")
{
    struct old old;
    struct digest one, two, found;

    begin(&old);
    one = old_image(&old, "a", "v", "one");
    two = old_image(&old, "a", "v", "two");
    old_date(&old, "a/_manifests/tags/v/current/link", 2000);
    take_over_well(&old);
    CHECK(has_tag(&old, "a", "v", &found) && digest_equal(&found, &two));
    CHECK_INT(old.result.tags, 1);
    CHECK_INT(old.result.tags_moved, 0);

    old_tag(&old, "a", "v", &one);
    old_date(&old, "a/_manifests/tags/v/current/link", 1999);
    take_over_well(&old);
    CHECK(has_tag(&old, "a", "v", &found) && digest_equal(&found, &two));
    CHECK_INT(old.result.tags_newer, 1);
    check_odd(&old, "tag-newer a v: it was moved or deleted here after the old registry moved it; left as it is\n");

    old_date(&old, "a/_manifests/tags/v/current/link", 2001);
    take_over_well(&old);
    CHECK(has_tag(&old, "a", "v", &found) && digest_equal(&found, &one));
    CHECK_INT(old.result.tags_moved, 1);
    check_sound(&old);
    old_end(&old);
}

TEST(interrupted, "one that was interrupted goes on, wherever that was")
{
    struct old old;
    struct digest found;
    unsigned runs = 0;

    begin(&old);
    for (unsigned i = 0; i < 20; i++) {
        char name[8], content[16];

        snprintf(name, sizeof(name), "r%u", i);
        snprintf(content, sizeof(content), "config %u", i);
        old_image(&old, name, "v", content);
    }
    for (old.stop_at = 3; take_over(&old) != 0; old.stop_at += 7) {
        CHECK_INT(old.err.code, ERR_BUSY);
        runs++;
    }
    CHECK(runs > 5);
    CHECK(has_tag(&old, "r0", "v", &found) && has_tag(&old, "r19", "v", &found));
    check_sound(&old);
    old_end(&old);
}

static bool is_a(struct str repository, void *arg)
{
    (void)arg;
    return str_starts(repository, STR("a"));
}

TEST(chosen, "only the repositories that are wanted are taken")
{
    struct old old;
    struct digest found;

    begin(&old);
    old_image(&old, "a", "v", "one");
    old_image(&old, "b", "v", "two");
    old.options.wanted = is_a;
    take_over_well(&old);
    CHECK(has_tag(&old, "a", "v", &found));
    CHECK(!has_tag(&old, "b", "v", &found));
    CHECK_INT(old.result.repositories, 1);
    old_end(&old);
}
