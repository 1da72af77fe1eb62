#include "tests/unit/meta/meta_fixture.h"

TEST(round_trip, "a manifest comes back byte for byte by tag and by digest, with its media type")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf bytes = image_of(blob_digest(1), &layer, 1, "");
    struct manifest_view view;
    struct digest d;

    world_open(&w);
    d = push_image(&w, "library/app", 1, "v1", "");
    CHECK_INT(meta_tag_get(look(&w), STR("library/app"), STR("v1"), &view, &w.err), 0);
    CHECK(digest_equal(&view.digest, &d));
    CHECK(str_eq(view.bytes, text_of(&bytes)));
    CHECK(str_eq(view.media_type, STR(OCI_TYPE)));
    meta_done(w.reader);
    CHECK_INT(meta_manifest_get(look(&w), STR("library/app"), &d, &view, &w.err), 0);
    CHECK(digest_equal(&view.digest, &d));
    CHECK(str_eq(view.bytes, text_of(&bytes)));
    meta_done(w.reader);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(keep_tags, "a tag that may not be moved stays, and nothing of the manifest that would have moved it is put")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf other = image_of(blob_digest(1), &layer, 1, ",\"annotations\":{\"a\":\"b\"}");
    struct digest first, second;

    world_open(&w);
    first = push_image(&w, "app", 1, "v1", "");
    w.keep_tags = true;
    CHECK_INT(manifest_put(&w, "app", text_of(&other), "v1", false, &second), -1);
    CHECK_INT(w.err.code, ERR_EXISTS);
    CHECK_TEXT(w.err.text, "app: tag v1 is there already and you may not move it; push under another tag");
    CHECK_INT(tag_points_to(&w, "app", "v1", first), 0);
    CHECK_INT(manifest_delete(&w, "app", second), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_INT(manifest_put(&w, "app", text_of(&other), "v2", false, &second), 0);
    CHECK_INT(manifest_put(&w, "app", text_of(&other), "v2", false, &second), 0);
    CHECK_INT(tag_points_to(&w, "app", "v2", second), 0);
    sbuf_free(&other);
    world_close(&w);
}

TEST(not_found, "what is not there is not found, and the text says what")
{
    struct world w;
    struct digest d;

    world_open(&w);
    d = push_image(&w, "app", 1, "v1", "");
    CHECK_INT(tag_points_to(&w, "app", "v2", d), ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "app: there is no tag v2");
    CHECK_INT(tag_points_to(&w, "none", "v1", d), ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "none: there is no tag v1");
    CHECK_INT(manifest_delete(&w, "app", blob_digest(1)), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "app: there is no manifest "
                           "sha256:67abdd721024f0ff4e0b3f4c2fc13bc5bad42d0b7851d456d88d203d15aaa450");
    CHECK_INT(tag_delete(&w, "app", "v2"), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

TEST(missing_blob, "a manifest whose layer is absent is refused, names it, and leaves nothing behind")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf bytes = image_of(blob_digest(1), &layer, 1, "");
    char parent[DIGEST_TEXT_MAX];
    char wanted[ERR_TEXT_MAX];
    struct digest d;

    world_open(&w);
    CHECK_INT(blob_put(&w, "other", layer, LAYER_SIZE, NOW), 0);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), CONFIG_SIZE, NOW), 0);
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), "v1", false, &d), -1);
    CHECK_INT(w.err.code, ERR_REFERENCE);
    digest_format(&d, parent);
    snprintf(wanted, sizeof(wanted),
             "app: manifest %s names blob sha256:26b25d457597a7b0463f9620f666dd10aa2c4373a505967c7c8d70922a2d6ece "
             "which this "
             "repository does not hold; push it first",
             parent);
    CHECK_TEXT(w.err.text, wanted);
    CHECK_INT(tag_points_to(&w, "app", "v1", d), ERR_NOT_FOUND);
    CHECK_INT(references(&w, "app", blob_digest(1)), 0);
    CHECK_INT(manifest_put(&w, "new", text_of(&bytes), "v1", false, &d), -1);
    CHECK(!meta_repository_exists(look(&w), STR("new")));
    meta_done(w.reader);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(missing_child, "an index whose child is absent is refused unless that is allowed")
{
    struct world w;
    struct digest child = blob_digest(9);
    uint64_t size = 77;
    struct sbuf bytes = index_of(&child, &size, 1, "");
    struct digest d;

    world_open(&w);
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), NULL, false, &d), -1);
    CHECK_INT(w.err.code, ERR_REFERENCE);
    CHECK(strstr(w.err.text, " names manifest sha256:") != NULL);
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), "v1", true, &d), 0);
    CHECK_INT(tag_points_to(&w, "app", "v1", d), 0);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(wrong_size, "a descriptor with another size than the stored blob's is refused even where absence is allowed")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf bytes = image_of(blob_digest(1), &layer, 1, "");
    struct digest d;

    world_open(&w);
    CHECK_INT(blob_put(&w, "app", layer, LAYER_SIZE + 1, NOW), 0);
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), NULL, true, &d), -1);
    CHECK_INT(w.err.code, ERR_INVALID);
    CHECK(strstr(w.err.text, "has 20 bytes, but it has 21") != NULL);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(index_of_children, "an index of manifests, and one of blobs as build caches have it, are accepted")
{
    struct world w;
    struct digest child;
    struct manifest_view view;
    uint64_t size;
    struct sbuf bytes;
    struct digest d;

    world_open(&w);
    child = push_image(&w, "app", 1, NULL, "");
    CHECK_INT(meta_manifest_get(look(&w), STR("app"), &child, &view, &w.err), 0);
    size = view.bytes.n;
    meta_done(w.reader);
    bytes = index_of(&child, &size, 1, "");
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), "multi", false, &d), 0);
    sbuf_free(&bytes);
    child = blob_digest(2);
    size = LAYER_SIZE;
    bytes = index_of(&child, &size, 1, "");
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), "cache", false, &d), 0);
    CHECK_INT(references(&w, "app", child), 2);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(foreign_layer, "a layer with urls need not be there")
{
    struct world w;
    struct sbuf layers = {0};
    struct sbuf bytes;
    struct digest d;

    world_open(&w);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), CONFIG_SIZE, NOW), 0);
    sbuf_printf(&layers, "{\"schemaVersion\":2,\"config\":");
    descriptor(&layers, "a/b", blob_digest(1), CONFIG_SIZE, "");
    sbuf_printf(&layers, ",\"layers\":[");
    descriptor(&layers, "a/b", blob_digest(2), 5, ",\"urls\":[\"https://example.org/l\"]");
    sbuf_printf(&layers, "]}");
    bytes = layers;
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), NULL, false, &d), 0);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(idempotent, "putting the same manifest again counts nothing twice and moves the tags")
{
    struct world w;
    struct digest d;

    world_open(&w);
    d = push_image(&w, "app", 1, "v1", "");
    push_image(&w, "app", 1, "v2", "");
    push_image(&w, "app", 1, "v2", "");
    CHECK_INT(references(&w, "app", blob_digest(1)), 1);
    CHECK_INT(tag_points_to(&w, "app", "v2", d), 0);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(references(&w, "app", blob_digest(1)), 0);
    CHECK_INT(manifest_delete(&w, "app", d), -1);
    world_close(&w);
}

TEST(repeated_layer, "a layer that a manifest repeats counts once, coming and going")
{
    struct world w;
    struct digest layers[3] = {blob_digest(2), blob_digest(2), blob_digest(1)};
    struct sbuf bytes = {0};
    struct digest d;

    world_open(&w);
    CHECK_INT(blob_put(&w, "app", blob_digest(2), LAYER_SIZE, NOW), 0);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), LAYER_SIZE, NOW), 0);
    CHECK_INT(blob_put(&w, "app", blob_digest(3), CONFIG_SIZE, NOW), 0);
    bytes = image_of(blob_digest(3), layers, 3, "");
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), NULL, false, &d), 0);
    CHECK_INT(references(&w, "app", blob_digest(2)), 1);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(references(&w, "app", blob_digest(2)), 0);
    CHECK_INT(table_entries(look(&w), KV_REFS), 0);
    meta_done(w.reader);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(delete_takes_tags, "a deleted manifest takes its tags along, and only those")
{
    struct world w;
    struct digest a;
    struct digest b;
    struct names names = {0};
    bool more;

    world_open(&w);
    a = push_image(&w, "app", 1, "a1", "");
    push_image(&w, "app", 1, "a2", "");
    push_image(&w, "app", 1, "moved", "");
    b = push_image(&w, "app", 5, "b1", "");
    push_image(&w, "app", 5, "moved", "");
    CHECK_INT(manifest_delete(&w, "app", a), 0);
    CHECK_INT(meta_tags(look(&w), STR("app"), STR(""), 10, names_add, &names, &more, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(names.text, "b1 moved");
    CHECK_INT(tag_points_to(&w, "app", "moved", b), 0);
    CHECK_INT(tag_points_to(&w, "app", "a1", a), ERR_NOT_FOUND);
    world_close(&w);
}

TEST(delete_tag, "a deleted tag leaves its manifest")
{
    struct world w;
    struct manifest_view view;
    struct digest d;

    world_open(&w);
    d = push_image(&w, "app", 1, "v1", "");
    CHECK_INT(tag_delete(&w, "app", "v1"), 0);
    CHECK_INT(tag_delete(&w, "app", "v1"), -1);
    CHECK_INT(meta_manifest_get(look(&w), STR("app"), &d, &view, &w.err), 0);
    meta_done(w.reader);
    CHECK_INT(references(&w, "app", blob_digest(1)), 1);
    world_close(&w);
}

TEST(long_tag, "a tag that no table can hold is refused")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf bytes = image_of(blob_digest(1), &layer, 1, "");
    struct digest d;
    char tag[130];

    world_open(&w);
    memset(tag, 't', sizeof(tag) - 1);
    tag[129] = '\0';
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), tag, true, &d), -1);
    CHECK_INT(w.err.code, ERR_INVALID);
    CHECK_TEXT(w.err.text, "a tag has 1 to 128 bytes, this one has 129");
    tag[128] = '\0';
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), tag, true, &d), 0);
    CHECK_INT(tag_points_to(&w, "app", tag, d), 0);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(tag_points_to(&w, "app", tag, d), ERR_NOT_FOUND);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(both_digests, "one document under sha256 and sha512 is two manifests, each with its references")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf bytes = image_of(blob_digest(1), &layer, 1, "");
    struct op op = {.kind = MANIFEST_PUT};
    struct manifest m;
    struct digest d;

    world_open(&w);
    d = push_image(&w, "app", 1, NULL, "");
    CHECK_INT(manifest_parse(text_of(&bytes), (struct str){0}, &m, &w.err), 0);
    op.put = (struct manifest_put){.repository = STR("app"), .manifest = &m, .bytes = text_of(&bytes), .now = NOW};
    digest_of(DIGEST_SHA512, bytes.p, bytes.n, &op.put.digest);
    CHECK_INT(world_run(&w, &op), 0);
    manifest_free(&m);
    CHECK_INT(references(&w, "app", layer), 2);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(manifest_delete(&w, "app", op.put.digest), 0);
    CHECK_INT(references(&w, "app", layer), 0);
    sbuf_free(&bytes);
    world_close(&w);
}

TEST(child_deleted_first, "the child of an index may be deleted while the index names it")
{
    struct world w;
    struct digest child;
    struct manifest_view view;
    uint64_t size;
    struct sbuf bytes;
    struct digest d;

    world_open(&w);
    child = push_image(&w, "app", 1, NULL, "");
    CHECK_INT(meta_manifest_get(look(&w), STR("app"), &child, &view, &w.err), 0);
    size = view.bytes.n;
    meta_done(w.reader);
    bytes = index_of(&child, &size, 1, "");
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), "multi", false, &d), 0);
    CHECK_INT(manifest_delete(&w, "app", child), 0);
    CHECK_INT(tag_points_to(&w, "app", "multi", d), 0);
    CHECK_INT(table_entries(look(&w), KV_REFS), 1);
    meta_done(w.reader);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(table_entries(look(&w), KV_REFS), 0);
    meta_done(w.reader);
    sbuf_free(&bytes);
    world_close(&w);
}
