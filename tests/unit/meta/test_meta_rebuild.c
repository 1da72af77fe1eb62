/* What becomes of content that a repair cannot leave where it was, and repairs of very much. */
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/meta/rebuild_fixture.h"

TEST(kept, "a manifest that has to go is kept in quarantine")
{
    char path[600], text[DIGEST_TEXT_MAX];
    struct sbuf bytes = {0};
    struct yard y;

    fill(&y);
    wound(&y, KV_MANIFESTS, key_of("ai"), false, STR(NUMBER_1 "\0\0\0{\"not\":\"it\"}"));
    rebuild(&y, true);
    digest_format(&image, text);
    text[6] = '-';
    snprintf(path, sizeof(path), "%s/quarantine/manifest-%s", y.store->root, text);
    CHECK_INT(access(path, F_OK), -1);
    CHECK(rebuild(&y, false).clean);
    CHECK_INT(file_read(path, 1000, &bytes, NULL), 0);
    CHECK_TEXT(sbuf_text(&bytes), "{\"not\":\"it\"}");
    sbuf_free(&bytes);
    yard_close(&y);
}

TEST(lost_name, "the content of a repository whose name is lost is found under lost-found")
{
    struct meta_rebuild_result result;
    struct yard y;

    fill(&y);
    wound(&y, KV_NAMES, key_of("b"), true, (struct str){0});
    wound(&y, KV_REPOS, key_of("'b/c"), true, (struct str){0});
    result = rebuild(&y, false);
    CHECK(result.clean);
    CHECK_INT(tag_points_to(&y.world, "lost-found/2", "latest", other), 0);
    CHECK_INT(tag_points_to(&y.world, "b/c", "latest", other), ERR_NOT_FOUND);
    yard_close(&y);
}

/* ---- a repository of many manifests, so that it is counted over several snapshots ---- */

TEST(many,
     "references of a repository of a thousand manifests are counted in slices, and more suspects than fit at a time")
{
    enum { IMAGES = 700 };
    struct meta_rebuild_result result;
    struct yard y;

    yard_open(&y);
    for (unsigned n = 0; n < IMAGES; n++) {
        struct digest layer = blob_digest(10 * n + 1), d;
        struct sbuf bytes = image_of(blob_digest(10 * n), &layer, 1, "");

        CHECK_INT(manifest_put(&y.world, "a", text_of(&bytes), NULL, true, &d), 0);
        sbuf_free(&bytes);
    }
    CHECK(rebuild(&y, true).clean);
    for (unsigned n = 0; n < IMAGES; n++) {
        struct digest d = blob_digest(10 * n);
        struct key key;

        key_id_digest(&key, 1, &d);
        wound(&y, KV_REFS, key, n % 2 == 0, STR(NUMBER_9));
    }
    result = rebuild(&y, true);
    CHECK_INT(result.findings, IMAGES);
    result = rebuild(&y, false);
    CHECK(result.clean);
    CHECK_INT(result.findings, IMAGES);
    yard_close(&y);
}
