#include "registry/api/manifest_policy.h"

#include "tests/unit/test.h"

#define DIGEST "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define CONFIG \
    "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" DIGEST "\",\"size\":2}"
#define FOREIGN           "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
#define ORDINARY          "application/vnd.oci.image.layer.v1.tar+gzip"
#define LAYER(type, urls) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":3,\"urls\":" urls "}"
#define IMAGE(layers)     "{\"schemaVersion\":2," CONFIG ",\"layers\":[" layers "]}"
#define CHILD(platform) \
    "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" DIGEST "\",\"size\":3" platform "}"
#define AMD64  ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}"
#define ARM(v) ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"" v "\"}"
#define INDEX \
    "{\"schemaVersion\":2,\"manifests\":[" CHILD(AMD64) "," CHILD(ARM("v7")) "," CHILD(ARM("v6")) "," CHILD("") "]}"

static const char image_type[] = "application/vnd.oci.image.manifest.v1+json";
static const char index_type[] = "application/vnd.oci.image.index.v1+json";

static struct manifest parse(const char *json, const char *type)
{
    struct manifest manifest;
    struct err e = {0};

    if (manifest_parse(str_of(json), str_of(type), &manifest, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return manifest;
}

/* Applies `config` to an image; `wanted` is the error's text, NULL when it must be allowed. */
static void check_image(const struct config *config, const char *json, const char *wanted)
{
    struct manifest manifest = parse(json, image_type);
    struct err e = {0};
    int rc = manifest_policy_apply(config, &manifest, &e);

    manifest_free(&manifest);
    CHECK_INT(rc, wanted == NULL ? 0 : -1);
    CHECK_INT(e.code, wanted == NULL ? ERR_NONE : ERR_INVALID);
    CHECK_TEXT(e.text, wanted == NULL ? "" : wanted);
}

#define NOT_ALLOWED(url) "a layer points to " url ", which validation.manifests.urls does not allow on this registry"

TEST(no_lists, "without lists, only layers that are fetched elsewhere may have URLs")
{
    struct config config = {0};

    check_image(&config, IMAGE(LAYER(FOREIGN, "[\"https://a.example/x\"]")), NULL);
    check_image(&config, IMAGE(LAYER(ORDINARY, "[]")), NULL);
    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://a.example/x\"]")),
                "a layer of an ordinary media type points elsewhere; validation.manifests.urls.allow can permit that");
}

TEST(allow, "with an allow list, every URL must be on it")
{
    char *patterns[] = {(char[]){"^https://a\\.example/"}, (char[]){"^https://(b|c)\\.example/"}};
    struct config config = {.urls_allow = {patterns, 2}};

    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://a.example/x\",\"https://c.example/y\"]")), NULL);
    check_image(&config, IMAGE(""), NULL);
    check_image(&config, IMAGE(LAYER(FOREIGN, "[\"https://a.example/x\",\"https://d.example/y\"]")),
                NOT_ALLOWED("https://d.example/y"));
    check_image(&config, IMAGE(LAYER(FOREIGN, "[\"https://aXexample/x\"]")), NOT_ALLOWED("https://aXexample/x"));
}

TEST(deny, "a denied URL is refused also when it is allowed, others are allowed without an allow list")
{
    char *allowed[] = {(char[]){"example"}}, *denied[] = {(char[]){"^http:"}, (char[]){"secret"}};
    struct config config = {.urls_deny = {denied, 2}};

    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://anywhere.test/\"]")), NULL);
    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"http://anywhere.test/\"]")), NOT_ALLOWED("http://anywhere.test/"));
    config.urls_allow = (struct config_list){allowed, 1};
    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://a.example/\"]")), NULL);
    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://a.example/secret\"]")),
                NOT_ALLOWED("https://a.example/secret"));
    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://anywhere.test/\"]")), NOT_ALLOWED("https://anywhere.test/"));
}

TEST(disabled, "nothing is refused when validation is disabled")
{
    char *denied[] = {(char[]){"."}};
    struct config config = {.validation_disabled = true, .urls_deny = {denied, 1}};

    check_image(&config, IMAGE(LAYER(ORDINARY, "[\"https://a.example/x\"]")), NULL);
}

/* Which of the index's four children may be absent, as digits. */
static void check_children(const struct config *config, const char *wanted)
{
    struct manifest manifest = parse(INDEX, index_type);
    char got[5] = {0};

    CHECK_INT(manifest.reference_count, 4);
    CHECK_INT(manifest_policy_apply(config, &manifest, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        got[i] = manifest.references[i].optional ? '1' : '0';
    manifest_free(&manifest);
    CHECK_TEXT(got, wanted);
}

TEST(platforms, "children for platforms that nobody asked for may be absent")
{
    char linux_os[] = "linux", amd64[] = "amd64", arm[] = "arm", v7[] = "v7";
    struct config_platform platforms[] = {{linux_os, amd64, NULL}, {linux_os, arm, v7}, {linux_os, arm, NULL}};
    struct config config = {0};

    check_children(&config, "0000"); /* all */
    config.index_platforms = CONFIG_PLATFORMS_NONE;
    check_children(&config, "1111");
    config.index_platforms = CONFIG_PLATFORMS_LIST;
    config.platforms = platforms;
    config.platform_count = 1;
    check_children(&config, "0111");
    config.platform_count = 2;
    check_children(&config, "0011");
    config.platform_count = 3; /* any variant */
    check_children(&config, "0001");
}

TEST(blobs, "layers are asked for whatever the platforms")
{
    struct config config = {.index_platforms = CONFIG_PLATFORMS_NONE};
    struct manifest manifest = parse(IMAGE(LAYER(ORDINARY, "[]")), image_type);

    CHECK_INT(manifest_policy_apply(&config, &manifest, NULL), 0);
    for (size_t i = 0; i < manifest.reference_count; i++)
        CHECK(!manifest.references[i].optional);
    CHECK_INT(manifest.reference_count, 2);
    manifest_free(&manifest);
}
