#include "storage/distribution/giveback.h"
#include "tests/unit/distribution/old_fixture.h"

struct back {
    struct old old; /* its root is what is given back */
    char to[PATH_MAX / 4];
    struct giveback_options options;
    struct giveback_result result;
};

static void begin(struct back *b)
{
    old_begin(&b->old);
    old_open_store(&b->old);
    snprintf(b->to, sizeof(b->to), "%.400s/back", b->old.base);
    b->options = (struct giveback_options){
        .directory = b->to, .odd = note_odd, .arg = &b->old, .interrupt = {.wanted = stop_now, .arg = &b->old}};
}

static int give(struct back *b)
{
    b->old.asked = 0;
    return giveback_run(b->old.store, &b->options, &b->result, &b->old.err);
}

static void give_well(struct back *b)
{
    if (give(b) != 0)
        test_fail(__FILE__, __LINE__, "%s", b->old.err.text);
}

/* From the tree that is given to the store of another root. */
static void take_back(struct back *b, struct old *other)
{
    *other = (struct old){.stop_at = UINT_MAX, .options = b->old.options};
    snprintf(other->root, sizeof(other->root), "%.400s/other", b->old.base);
    old_open_store(other);
    other->options.source = b->to;
    other->options.arg = other->options.interrupt.arg = other;
    take_over_well(other);
}

static bool is_there(const struct back *b, const char *path)
{
    char full[2 * PATH_MAX];

    snprintf(full, sizeof(full), "%s/docker/registry/v2/%s", b->to, path);
    return access(full, F_OK) == 0;
}

TEST(there_and_back, "what is given back can be taken over again, with all tags, digests and times")
{
    struct back b;
    struct old other;
    struct digest d, found, config;

    begin(&b);
    d = old_image(&b.old, "a/b", "v1", "config");
    old_image(&b.old, "c", "v2", "another");
    old_date(&b.old, "a/b/_manifests/tags/v1/current/link", 12345);
    take_over_well(&b.old);
    give_well(&b);
    CHECK_INT(b.result.repositories, 2);
    CHECK_INT(b.result.linked, 2);
    CHECK_INT(b.result.manifests, 2);
    CHECK_INT(b.result.tags, 2);
    take_back(&b, &other);
    CHECK(has_tag(&other, "a/b", "v1", &found) && digest_equal(&found, &d));
    digest_of(DIGEST_SHA256, "config", 6, &config);
    CHECK(holds_blob(&other, "a/b", &config) && !holds_blob(&other, "c", &config));
    CHECK_INT(other.result.oddities, 0);
    old_end(&other);
    give_well(&b);
    CHECK_INT(b.result.linked + b.result.manifests + b.result.tags + b.result.removed, 0);
    CHECK_INT(b.result.tags_there, 2);
    old_end(&b.old);
}

TEST(times, "links keep the times of the tags and manifests, and others may read them whatever the umask is")
{
    struct back b;
    struct stat st;
    char path[2 * PATH_MAX];
    mode_t before;

    begin(&b);
    old_image(&b.old, "a", "v", "config");
    old_date(&b.old, "a/_manifests/tags/v/current/link", 12345);
    take_over_well(&b.old);
    before = umask(077);
    give_well(&b);
    umask(before);
    snprintf(path, sizeof(path), "%s/docker/registry/v2/repositories/a/_manifests/tags/v/current/link", b.to);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mtime, 12345);
    CHECK_INT(st.st_mode & 0777, 0644);
    *strrchr(path, '/') = '\0';
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0755);
    old_end(&b.old);
}

TEST(removed, "what a repository has no more goes from an older export, and with the last of it the repository's links")
{
    struct back b;
    struct digest d;

    begin(&b);
    d = old_image(&b.old, "a", "v", "config");
    take_over_well(&b.old);
    give_well(&b);
    CHECK(is_there(&b, "repositories/a/_manifests/tags/v/current/link"));
    CHECK_INT(manifest_delete(&b.old.world, "a", d), 0);
    give_well(&b);
    CHECK_INT(b.result.removed, 2);
    CHECK(!is_there(&b, "repositories/a/_manifests/tags/v"));
    old_end(&b.old);
}

TEST(refused, "a tree that no export has made is left alone, and so is the data directory")
{
    struct back b;
    char inside[2 * PATH_MAX];

    begin(&b);
    old_image(&b.old, "a", "v", "config");
    b.options.directory = b.old.source;
    CHECK_INT(give(&b), -1);
    CHECK_INT(b.old.err.code, ERR_EXISTS);
    CHECK(strstr(b.old.err.text, "has images that no 'berth export' has put there; choose an empty directory") != NULL);
    snprintf(inside, sizeof(inside), "%s/not/there", b.old.root);
    b.options.directory = inside;
    CHECK_INT(give(&b), -1);
    CHECK(strstr(b.old.err.text, "lies in the data directory") != NULL);
    CHECK(access(inside, F_OK) != 0);
    old_end(&b.old);
}

TEST(dry_run_writes_nothing, "a dry run counts and writes nothing")
{
    struct back b;

    begin(&b);
    old_image(&b.old, "a", "v", "config");
    take_over_well(&b.old);
    b.options.dry_run = true;
    give_well(&b);
    CHECK_INT(b.result.linked + b.result.manifests + b.result.tags, 3);
    CHECK(access(b.to, F_OK) != 0);
    old_end(&b.old);
}

TEST(lost, "a blob whose file is gone is told, and all else is given")
{
    struct back b;
    struct digest config;
    char path[PATH_MAX], text[DIGEST_TEXT_MAX];

    begin(&b);
    old_image(&b.old, "a", "v", "config");
    take_over_well(&b.old);
    digest_of(DIGEST_SHA256, "config", 6, &config);
    digest_format(&config, text);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%.2s/%s", b.old.root, text + 7, text + 7);
    CHECK_INT(unlink(path), 0);
    give_well(&b);
    CHECK_INT(b.result.blobs_lost, 1);
    CHECK_INT(b.result.tags, 1);
    check_odd(&b.old, "its file is not there; berth scrub says more\n");
    old_end(&b.old);
}

TEST(interrupted, "one that was interrupted is repeated to its end, and leaves nothing of itself")
{
    struct back b;
    char path[PATH_MAX];
    unsigned runs = 0;

    begin(&b);
    for (unsigned i = 0; i < 5; i++) {
        char name[8];

        snprintf(name, sizeof(name), "r%u", i);
        old_image(&b.old, name, "v", name);
    }
    take_over_well(&b.old);
    for (b.old.stop_at = 1; give(&b) != 0; b.old.stop_at += 3) {
        CHECK_INT(b.old.err.code, ERR_BUSY);
        runs++;
    }
    CHECK(runs > 3);
    CHECK(is_there(&b, "repositories/r0/_manifests/tags/v/current/link"));
    CHECK(is_there(&b, "repositories/r4/_manifests/tags/v/current/link"));
    snprintf(path, sizeof(path), "%s/berth-export.partial", b.to);
    CHECK(access(path, F_OK) != 0);
    snprintf(path, sizeof(path), "%s/exporting", b.old.root);
    CHECK(access(path, F_OK) != 0);
    old_end(&b.old);
}
