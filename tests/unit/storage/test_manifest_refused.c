/* Manifests that are refused, and what the person who pushed one is told. */
#include "tests/unit/storage/manifest_fixture.h"

#define SCHEMA1 "Docker schema 1 is not accepted; push with schema 2 or OCI"

static const struct {
    const char *bytes;
    const char *content_type;
    const char *text; /* the error's beginning */
} refused[] = {
    {"", "", "not JSON: line 1: "},
    {"nonsense", "", "not JSON: line 1: "},
    {"[]", "", "not a JSON object"},
    {"\"text\"", "", "not JSON: "},
    {"{}", "", "schemaVersion is not 2"},
    {IMAGE("") "x", "", "not JSON: line 1: end of file expected"},
    {"{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[", "", "not JSON: "},
    {IMAGE(",\"schemaVersion\":2"), "", "not JSON: line 1: duplicate object key"},
    {IMAGE(",\"annotations\":{\"a\":\"1\",\"a\":\"2\"}"), "", "not JSON: line 1: duplicate object key"},
    {IMAGE(",\"x\":\"\\u0000\""), "", "not JSON: line 1: \\u0000 is not allowed"},
    {IMAGE(",\"x\":\"\xff\""), "", "not JSON: line 1: unable to decode byte 0xff"},
    {IMAGE(",\"x\":\"\xc0\x80\""), "", "not JSON: line 1: unable to decode byte 0xc0"},
    {IMAGE(",\"x\":\"\xed\xa0\x80\""), "", "not JSON: line 1: unable to decode byte 0xed"},
    {"\xef\xbb\xbf" IMAGE(""), "", "not JSON: "},

    {SIZE("-1"), "", "layers[0]: size is not a whole number of bytes"},
    {SIZE("1.5"), "", "layers[0]: size is not a whole number of bytes"},
    {SIZE("7.0"), "", "layers[0]: size is not a whole number of bytes"},
    {SIZE("1e3"), "", "layers[0]: size is not a whole number of bytes"},
    {SIZE("\"7\""), "", "layers[0]: size is not a whole number of bytes"},
    {SIZE("null"), "", "layers[0]: size is not a whole number of bytes"},
    {SIZE("9223372036854775808"), "", "not JSON: line 1: too big integer"},
    {LAYER("{\"mediaType\":\"a/b\"," DIGEST "}"), "", "layers[0]: size is not a whole number of bytes"},
    {LAYER(DESCRIPTOR ",{\"mediaType\":\"a/b\",\"digest\":\"md5:00\",\"size\":1}"), "",
     "layers[1]: digest algorithm \"md5\" is not supported"},
    {LAYER("{\"mediaType\":\"a/b\",\"digest\":\"sha256:abc\",\"size\":1}"), "", "layers[0]: digest \"sha256:abc\""},
    {LAYER("{\"mediaType\":\"a/b\",\"digest\":7,\"size\":1}"), "", "layers[0]: digest is not a string"},
    {LAYER("{\"mediaType\":\"a/b\",\"size\":1}"), "", "layers[0]: digest \"\" has no colon"},
    {LAYER("{" DIGEST ",\"size\":1}"), "", "layers[0]: mediaType \"\" is not one"},
    {LAYER("{\"mediaType\":\"ab\"," DIGEST ",\"size\":1}"), "", "layers[0]: mediaType \"ab\" is not one"},
    {LAYER("{\"mediaType\":\"a/\\r\\nX: y\"," DIGEST ",\"size\":1}"), "",
     "layers[0]: mediaType \"a/\r\nX: y\" is not one"},
    {LAYER("{\"mediaType\":3," DIGEST ",\"size\":1}"), "", "layers[0]: mediaType is not a string"},
    {LAYER("7"), "", "layers[0]: not a descriptor"},
    {LAYER("{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,\"urls\":\"x\"}"), "", "layers[0]: urls is not an array"},
    {LAYER("{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,\"urls\":[1]}"), "", "layers[0]: urls[0] is not a string"},

    {IMAGE(",\"manifests\":[]"), "", "manifests stands beside layers or config"},
    {"{\"schemaVersion\":2,\"manifests\":[],\"config\":" DESCRIPTOR "}", "",
     "manifests stands beside layers or config"},
    {IMAGE(",\"manifests\":null"), "", "manifests stands beside layers or config"},
    {"{\"schemaVersion\":2,\"config\":" DESCRIPTOR "}", "", "neither layers nor manifests"},
    {"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.artifact.manifest.v1+json\",\"blobs\":[]}",
     "application/vnd.oci.artifact.manifest.v1+json", "neither layers nor manifests"},
    {"{\"schemaVersion\":2,\"layers\":[]}", "", "config is missing"},
    {"{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":{}}", "", "layers is not an array"},
    {"{\"schemaVersion\":2,\"config\":[],\"layers\":[]}", "", "config: not a descriptor"},
    {"{\"schemaVersion\":2,\"manifests\":7}", "", "manifests is not an array"},
    {"{\"schemaVersion\":2,\"manifests\":[{}]}", "", "manifests[0]: mediaType \"\" is not one"},
    {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\"," DIGEST ",\"size\":1,\"platform\":7}]}", "",
     "manifests[0]: platform is not an object"},
    {"{\"schemaVersion\":\"2\",\"manifests\":[]}", "", "schemaVersion is not 2"},
    {"{\"schemaVersion\":3,\"manifests\":[]}", "", "schemaVersion is not 2"},

    {IMAGE(",\"subject\":7"), "", "subject: not a descriptor"},
    {IMAGE(",\"subject\":{}"), "", "subject: mediaType \"\" is not one"},
    {IMAGE(",\"artifactType\":7"), "", "artifactType is not a string"},
    {IMAGE(",\"annotations\":[]"), "", "annotations is not an object"},
    {IMAGE(",\"annotations\":{\"k\":1}"), "", "annotations: the value of \"k\" is not a string"},
    {IMAGE(",\"mediaType\":7"), "", "mediaType is not a string"},

    {IMAGE(",\"mediaType\":\"" OCI_TYPE "\""), DOCKER_TYPE,
     "mediaType is \"" OCI_TYPE "\" but Content-Type is \"" DOCKER_TYPE "\""},
    {IMAGE(",\"mediaType\":\"" OCI_LIST "\""), "", "mediaType \"" OCI_LIST "\" does not go with layers"},
    {IMAGE(""), DOCKER_LIST, "mediaType \"" DOCKER_LIST "\" does not go with layers"},
    {INDEX(""), OCI_TYPE, "mediaType \"" OCI_TYPE "\" does not go with manifests"},
    {IMAGE(""), "bad", "mediaType \"bad\" is not one"},

    {"", "application/vnd.docker.distribution.manifest.v1+json", SCHEMA1},
    {"", "application/vnd.docker.distribution.manifest.v1+prettyjws", SCHEMA1},
    {"{\"schemaVersion\":1,\"name\":\"a\",\"fsLayers\":[]}", "", SCHEMA1},
    {"{\"schemaVersion\":2,\"fsLayers\":[]}", OCI_TYPE, SCHEMA1},
    {IMAGE(",\"mediaType\":\"application/vnd.docker.distribution.manifest.v1+json\""), "", SCHEMA1},
};

TEST(refuses, "what breaks a rule is ERR_INVALID with a text that names the member")
{
    struct manifest m;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK_INT(parse(refused[i].bytes, refused[i].content_type, &m), -1);
        if (strncmp(err.text, refused[i].text, strlen(refused[i].text)) != 0)
            test_fail(__FILE__, __LINE__, "case %zu: got \"%s\", wanted \"%s…\"", i, err.text, refused[i].text);
        CHECK_INT(err.code, ERR_INVALID);
        CHECK(m.media_type == NULL && m.references == NULL && m.reference_count == 0);
    }
}

TEST(every_prefix, "no beginning of a manifest is a manifest, and no error struct is needed to learn so")
{
    static const char whole[] = IMAGE(",\"subject\":" DESCRIPTOR ",\"annotations\":{\"a\":\"\\u00e9\"}");
    struct manifest m;

    for (size_t n = 0; n < sizeof(whole) - 1; n++)
        CHECK_INT(manifest_parse((struct str){whole, n}, (struct str){0}, &m, NULL), -1);
    CHECK_INT(manifest_parse((struct str){whole, sizeof(whole) - 1}, (struct str){0}, &m, NULL), 0);
    manifest_free(&m);
}

TEST(raw_nul, "a NUL byte is refused wherever it stands")
{
    static const char inside[] = "{\"schemaVersion\":2,\0\"manifests\":[]}";
    static const char behind[] = "{\"schemaVersion\":2,\"manifests\":[]}\0";
    struct manifest m;

    CHECK_INT(manifest_parse((struct str){inside, sizeof(inside) - 1}, STR(""), &m, &err), -1);
    CHECK_TEXT(err.text, "not JSON: there is a NUL in it");
    CHECK_INT(manifest_parse((struct str){behind, sizeof(behind) - 1}, STR(""), &m, &err), -1);
    CHECK_TEXT(err.text, "not JSON: there is a NUL in it");
}

/* `n` times `unit` as the value of a further member. */
static struct sbuf with_many(const char *unit, size_t n, const char *end)
{
    struct sbuf b = {0};

    sbuf_str(&b, STR("{\"schemaVersion\":2,\"manifests\":[],\"x\":"));
    for (size_t i = 0; i < n; i++)
        sbuf_str(&b, str_of(unit));
    sbuf_str(&b, str_of(end));
    return b;
}

TEST(deep, "nesting is refused before the parser sees it, brackets in strings are not nesting")
{
    struct sbuf deep = with_many("[", 100000, "");
    struct sbuf mixed = with_many("{\"\\\\\":[", 40, "");
    struct sbuf quoted = with_many("\"[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", 1,
                                   "}");
    struct sbuf limit = with_many("[", 63, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}");
    struct sbuf over = with_many("[", 64, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}");
    struct manifest m;

    CHECK_INT(parse(sbuf_text(&deep), "", &m), -1);
    CHECK_TEXT(err.text, "nested more than 64 deep");
    CHECK_INT(parse(sbuf_text(&mixed), "", &m), -1);
    CHECK_TEXT(err.text, "nested more than 64 deep");
    CHECK_INT(parse(sbuf_text(&over), "", &m), -1);
    CHECK_TEXT(err.text, "nested more than 64 deep");
    CHECK_INT(parse(sbuf_text(&limit), "", &m), 0);
    manifest_free(&m);
    CHECK_INT(parse(sbuf_text(&quoted), "", &m), 0);
    manifest_free(&m);
    sbuf_free(&deep);
    sbuf_free(&mixed);
    sbuf_free(&quoted);
    sbuf_free(&limit);
    sbuf_free(&over);
}

TEST(many_values, "a document of a million empty values is refused before memory is spent on them")
{
    struct sbuf b = with_many("[],", 1000000, "");
    struct manifest m;

    CHECK_INT(parse(sbuf_text(&b), "", &m), -1);
    CHECK_TEXT(err.text, "more than 262144 values");
    sbuf_free(&b);
}

TEST(too_large, "a manifest over 16 MiB is too large, one of 16 MiB is not")
{
    struct sbuf b = {0};
    struct manifest m;

    sbuf_str(&b, STR("{\"schemaVersion\":2,\"manifests\":[]}"));
    while (b.n < MANIFEST_BYTES_MAX)
        sbuf_put(&b, " ", 1);
    CHECK_INT(parse(sbuf_text(&b), "", &m), 0);
    manifest_free(&m);
    sbuf_put(&b, " ", 1);
    CHECK_INT(parse(sbuf_text(&b), "", &m), -1);
    CHECK_INT(err.code, ERR_TOO_LARGE);
    CHECK_TEXT(err.text, "a manifest has at most 16777216 bytes, this one has 16777217");
    sbuf_free(&b);
}

TEST(long_types, "an artifact type or media type over 255 bytes is refused")
{
    struct manifest m;
    char type[257];
    char text[1000];

    memset(type, 'a', sizeof(type) - 1);
    type[1] = '/';
    type[256] = '\0';
    snprintf(text, sizeof(text), IMAGE(",\"artifactType\":\"%s\""), type);
    CHECK_INT(parse(text, "", &m), -1);
    CHECK_TEXT(err.text, "artifactType is longer than 255 bytes");
    CHECK_INT(parse(IMAGE(""), type, &m), -1);
    CHECK_INT(err.code, ERR_INVALID);
    type[255] = '\0';
    snprintf(text, sizeof(text), IMAGE(",\"artifactType\":\"%s\""), type);
    CHECK_INT(parse(text, "", &m), 0);
    manifest_free(&m);
}

TEST(unknown_types, "a media type that no client knows as a manifest is refused, in the document and in the request")
{
    struct manifest m;

    CHECK_INT(parse(IMAGE(",\"mediaType\":\"application/x.new+json\""), "", &m), -1);
    CHECK_TEXT(err.text,
               "\"application/x.new+json\" is no media type of manifests; an artifact has its type in artifactType");
    CHECK_INT(parse(IMAGE(""), "text/plain", &m), -1);
    CHECK_INT(err.code, ERR_INVALID);
}
