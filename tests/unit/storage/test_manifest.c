/* Manifests that are accepted, and what is read of them. */
#include "tests/unit/storage/manifest_fixture.h"

static const struct {
    const char *bytes;
    const char *content_type;
    enum manifest_kind kind;
    const char *media_type;
    size_t references;
} accepted[] = {
    {IMAGE(""), "", MANIFEST_IMAGE, OCI_TYPE, 2},
    {INDEX(""), "", MANIFEST_INDEX, OCI_LIST, 1},
    {IMAGE(""), DOCKER_TYPE, MANIFEST_IMAGE, DOCKER_TYPE, 2},
    {INDEX(""), DOCKER_LIST, MANIFEST_INDEX, DOCKER_LIST, 1},
    {IMAGE(",\"mediaType\":\"" DOCKER_TYPE "\""), "", MANIFEST_IMAGE, DOCKER_TYPE, 2},
    {IMAGE(",\"mediaType\":\"" OCI_TYPE "\""), OCI_TYPE, MANIFEST_IMAGE, OCI_TYPE, 2},
    {IMAGE(",\"mediaType\":\"\""), OCI_TYPE, MANIFEST_IMAGE, OCI_TYPE, 2},
    {"{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[]}", "", MANIFEST_IMAGE, OCI_TYPE, 1},
    {"{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":null}", "", MANIFEST_IMAGE, OCI_TYPE, 1},
    {"{\"schemaVersion\":2,\"manifests\":null}", "", MANIFEST_INDEX, OCI_LIST, 0},
    {IMAGE(",\"subject\":null,\"annotations\":null,\"artifactType\":null"), "", MANIFEST_IMAGE, OCI_TYPE, 2},
    {IMAGE(",\"x\":{\"y\":[1,2.5,true,null]}"), "", MANIFEST_IMAGE, OCI_TYPE, 2},
    {SIZE("0"), "", MANIFEST_IMAGE, OCI_TYPE, 2},
    {SIZE("9223372036854775807"), "", MANIFEST_IMAGE, OCI_TYPE, 2},
};

TEST(accepts, "a manifest or index has its kind, media type and references")
{
    struct manifest m;

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (parse(accepted[i].bytes, accepted[i].content_type, &m) != 0)
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, err.text);
        CHECK_INT(m.kind, accepted[i].kind);
        CHECK_TEXT(m.media_type, accepted[i].media_type);
        CHECK_INT(m.reference_count, accepted[i].references);
        CHECK(!m.has_subject && m.annotations == NULL);
        manifest_free(&m);
    }
}

TEST(references, "references carry kind, digest and size in the document's order")
{
    struct manifest m;
    struct digest d;

    CHECK_INT(digest_parse(STR("sha256:" HEX), &d, &err), 0);
    CHECK_INT(parse(SIZE("9223372036854775807"), "", &m), 0);
    CHECK_INT(m.references[0].kind, REFERENCE_BLOB);
    CHECK_INT(m.references[0].size, 7);
    CHECK(digest_equal(&m.references[0].digest, &d));
    CHECK(m.references[1].size == INT64_MAX);
    CHECK(!m.references[1].optional && m.url_count == 0);
    manifest_free(&m);
    CHECK_INT(parse(INDEX(""), "", &m), 0);
    CHECK_INT(m.references[0].kind, REFERENCE_CHILD);
    manifest_free(&m);
}

static const struct {
    const char *media_type;
    const char *more;
    bool optional;
    bool misplaced; /* urls on a layer that belongs into the registry */
} layers[] = {
    {"application/vnd.oci.image.layer.v1.tar+gzip", "", false, false},
    {"application/vnd.oci.image.layer.v1.tar+gzip", ",\"urls\":[]", false, false},
    {"application/vnd.oci.image.layer.v1.tar+gzip", ",\"urls\":[\"https://example.org/x\"]", true, true},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "", true, false},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", "", true, false},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", "", true, false},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", ",\"urls\":[\"https://example.org/x\"]", true, false},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "", true, false},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzipped", "", false, false},
};

TEST(optional_layers, "layers with urls and those that may not be distributed need not be present")
{
    struct manifest m;
    char text[1000];

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        snprintf(text, sizeof(text), LAYER("{\"mediaType\":\"%s\"," DIGEST ",\"size\":7%s}"), layers[i].media_type,
                 layers[i].more);
        CHECK_INT(parse(text, "", &m), 0);
        CHECK_INT(m.references[1].optional, layers[i].optional);
        CHECK_INT(m.urls_misplaced, layers[i].misplaced);
        CHECK(!m.references[0].optional);
        manifest_free(&m);
    }
}

TEST(urls, "the urls of all layers are kept in order")
{
    struct manifest m;

    CHECK_INT(parse(LAYER("{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,\"urls\":[\"u:1\",\"u:2\"]},"
                          "{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,\"urls\":[\"u:3\"]}"),
                    "", &m),
              0);
    CHECK_INT(m.url_count, 3);
    CHECK_TEXT(m.urls[0], "u:1");
    CHECK_TEXT(m.urls[1], "u:2");
    CHECK_TEXT(m.urls[2], "u:3");
    manifest_free(&m);
    CHECK(m.urls == NULL && m.url_count == 0);
}

TEST(platform, "a child's platform is read; what is absent, or too long for any there is, is empty")
{
    struct manifest m;

    CHECK_INT(parse("{\"schemaVersion\":2,\"manifests\":["
                    "{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,"
                    "\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}},"
                    "{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,"
                    "\"platform\":{\"os\":\"0123456789012345678901234567890123456789\"}}," DESCRIPTOR "]}",
                    "", &m),
              0);
    CHECK_TEXT(m.references[0].os, "linux");
    CHECK_TEXT(m.references[0].architecture, "arm");
    CHECK_TEXT(m.references[0].variant, "v7");
    CHECK_TEXT(m.references[1].os, "");
    CHECK_TEXT(m.references[2].architecture, "");
    manifest_free(&m);
}

TEST(subject, "the subject's digest is read")
{
    struct manifest m;
    struct digest d;

    CHECK_INT(digest_parse(STR("sha256:" HEX), &d, &err), 0);
    CHECK_INT(parse(INDEX(",\"subject\":" DESCRIPTOR), "", &m), 0);
    CHECK(m.has_subject);
    CHECK(digest_equal(&m.subject, &d));
    manifest_free(&m);
}

TEST(artifact_type, "artifactType comes first, then a manifest's config.mediaType; an index has no such fallback")
{
    struct manifest m;

    CHECK_INT(parse(IMAGE(",\"artifactType\":\"application/x.sbom\""), "", &m), 0);
    CHECK_TEXT(m.artifact_type, "application/x.sbom");
    manifest_free(&m);
    CHECK_INT(parse(IMAGE(""), "", &m), 0);
    CHECK_TEXT(m.artifact_type, "a/b");
    manifest_free(&m);
    CHECK_INT(parse(IMAGE(",\"artifactType\":\"\""), "", &m), 0);
    CHECK_TEXT(m.artifact_type, "a/b");
    manifest_free(&m);
    CHECK_INT(parse(INDEX(""), "", &m), 0);
    CHECK(m.artifact_type == NULL);
    manifest_free(&m);
}

TEST(annotations, "annotations are kept as compact JSON in their order; none is none")
{
    struct manifest m;

    CHECK_INT(parse(IMAGE(", \"annotations\" : { \"b\" : \"1\" , \"a\" : \"\\u00e9\\n\" }"), "", &m), 0);
    CHECK_TEXT(m.annotations, "{\"b\":\"1\",\"a\":\"\xc3\xa9\\n\"}");
    manifest_free(&m);
    CHECK_INT(parse(IMAGE(",\"annotations\":{}"), "", &m), 0);
    CHECK(m.annotations == NULL);
    manifest_free(&m);
}

TEST(index_types, "the two index media types are known as such")
{
    CHECK(manifest_type_is_index(STR(OCI_LIST)));
    CHECK(manifest_type_is_index(STR(DOCKER_LIST)));
    CHECK(!manifest_type_is_index(STR(OCI_TYPE)));
    CHECK(!manifest_type_is_index(STR("")));
    CHECK(!manifest_type_is_index(STR(OCI_LIST "x")));
}
