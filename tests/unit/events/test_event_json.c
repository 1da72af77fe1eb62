#include "registry/events/event_json.h"

#include "tests/unit/events/event_fixture.h"

#define X "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

static const struct event_context plain = {.queue = 0x0102030405060708, .node = "node:5000"};

static void check_json(const struct event_context *context, const struct event *event, const char *references,
                       const char *wanted)
{
    struct sbuf out = {0};

    event_json(context, 7, event, str_of(references), &out);
    CHECK_TEXT(sbuf_text(&out), wanted);
    sbuf_free(&out);
}

#define HEAD "{\"id\":\"01020304-0506-8708-8000-000000000007\",\"timestamp\":\"2023-11-14T22:13:20.000000005Z\","
#define TAIL                                                                                                   \
    "},\"request\":{\"id\":\"0001cdbd2cc9c9bd\",\"addr\":\"192.0.2.1:40000\",\"host\":\"registry.test:5000\"," \
    "\"method\":\"POST\",\"useragent\":\"docker/1\"},\"actor\":{\"name\":\"alice\"},"                          \
    "\"source\":{\"addr\":\"node:5000\",\"instanceID\":\"e4814587-f5fe-440f-8330-0b669e88d73e\"}}"

TEST(mount, "a mount tells the blob, where it came from, and who asked for it")
{
    struct event event = full_event();

    event.tag = (struct str){0};
    check_json(&plain, &event, "",
               HEAD "\"action\":\"mount\",\"target\":{\"mediaType\":\"application/octet-stream\",\"digest\":\"" X
                    "\",\"size\":700,\"length\":700,\"repository\":\"team/app\",\"fromRepository\":\"other/app\","
                    "\"url\":\"https://registry.test:5000/v2/team/app/blobs/" X "\"" TAIL);
}

TEST(manifest, "a manifest's event has its tag and what it refers to")
{
    struct event event = full_event();

    event.action = ACTION_PUSH;
    event.target = TARGET_MANIFEST;
    event.media_type = STR("a/b");
    event.from = (struct str){0};
    event.origin.tls = false;
    check_json(&plain, &event, "[1]",
               HEAD "\"action\":\"push\",\"target\":{\"mediaType\":\"a/b\",\"digest\":\"" X
                    "\",\"size\":700,\"length\":700,\"repository\":\"team/app\","
                    "\"url\":\"http://registry.test:5000/v2/team/app/manifests/" X
                    "\",\"tag\":\"v1\",\"references\":[1]" TAIL);
}

TEST(deletions, "of what is deleted only the name is told")
{
    struct event event = full_event();

    event.action = ACTION_DELETE;
    event.target = TARGET_MANIFEST;
    event.media_type = event.tag = event.from = (struct str){0};
    check_json(&plain, &event, "",
               HEAD "\"action\":\"delete\",\"target\":{\"digest\":\"" X "\",\"repository\":\"team/app\"" TAIL);
    event.digest = (struct digest){0};
    event.tag = STR("v1");
    check_json(&plain, &event, "",
               HEAD "\"action\":\"delete\",\"target\":{\"repository\":\"team/app\",\"tag\":\"v1\"" TAIL);
    event.tag = (struct str){0};
    check_json(&plain, &event, "", HEAD "\"action\":\"delete\",\"target\":{\"repository\":\"team/app\"" TAIL);
}

TEST(nobody, "what is not known of a request is left out, but for what distribution always writes")
{
    struct event event = full_event();

    event.action = ACTION_DELETE;
    event.media_type = event.tag = event.from = (struct str){0};
    event.origin = (struct event_origin){0};
    check_json(&plain, &event, "",
               HEAD "\"action\":\"delete\",\"target\":{\"digest\":\"" X
                    "\",\"repository\":\"team/app\"},\"request\":{\"id\":\"\",\"method\":\"\",\"useragent\":\"\"},"
                    "\"actor\":{},\"source\":{\"addr\":\"node:5000\","
                    "\"instanceID\":\"e4814587-f5fe-440f-8330-0b669e88d73e\"}}");
}

static void check_url(const struct event_context *context, struct str host, const char *wanted)
{
    struct event event = full_event();
    struct sbuf out = {0};

    event.origin.host = host;
    event_json(context, 1, &event, (struct str){0}, &out);
    if (strstr(sbuf_text(&out), wanted) == NULL)
        CHECK_TEXT(sbuf_text(&out), wanted);
    sbuf_free(&out);
}

TEST(urls, "URLs begin with http.host, else with what the client called; or with a slash")
{
    const struct event_context base = {.node = "n", .base = "https://public.example.com"};
    const struct event_context relative = {.node = "n", .base = "https://public.example.com", .relative = true};

    check_url(&base, STR("inside:5000"), "\"url\":\"https://public.example.com/v2/team/app/blobs/" X "\"");
    check_url(&relative, STR("inside:5000"), "\"url\":\"/v2/team/app/blobs/" X "\"");
    check_url(&plain, (struct str){0}, "\"url\":\"/v2/team/app/blobs/" X "\"");
}

TEST(hostile, "what a client says of itself stays within its quotes")
{
    struct event event = full_event();
    struct sbuf out = {0};

    event.origin.agent = STR("\"},\"actor\":{\"name\":\"root\n\xff");
    event_json(&plain, 1, &event, (struct str){0}, &out);
    CHECK(strstr(sbuf_text(&out), "\"useragent\":\"\\\"},\\\"actor\\\":{\\\"name\\\":\\\"root\\u000a\\ufffd\"") !=
          NULL);
    sbuf_free(&out);
}

TEST(ids, "ids are UUIDs of version 8, and differ by queue and number")
{
    char id[37];

    event_id(UINT64_MAX, UINT64_MAX, id);
    CHECK_TEXT(id, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    event_id(UINT64_MAX, 258, id);
    CHECK_TEXT(id, "ffffffff-ffff-8fff-8000-000000000102");
}

static const struct {
    const char *manifest, *wanted;
} manifests[] = {
    {"{\"config\":{\"mediaType\":\"c\",\"digest\":\"d\",\"size\":1},"
     "\"layers\":[{\"mediaType\":\"l\",\"digest\":\"e\",\"size\":2,\"data\":\"AAAA\",\"urls\":[\"u\"]}]}",
     "[{\"mediaType\":\"c\",\"digest\":\"d\",\"size\":1},{\"mediaType\":\"l\",\"digest\":\"e\",\"size\":2,"
     "\"urls\":[\"u\"]}]"},
    {"{\"manifests\":[{\"mediaType\":\"m\",\"size\":3,\"platform\":{\"os\":\"linux\"},\"annotations\":{\"a\":\"b\"}}]}",
     "[{\"mediaType\":\"m\",\"size\":3,\"annotations\":{\"a\":\"b\"},\"platform\":{\"os\":\"linux\"}}]"},
    {"{\"manifests\":[]}", ""},
    {"{\"manifests\":7,\"layers\":{}}", ""},
    {"{\"manifests\":[7]}", "[{}]"},
    {"{}", ""},
    {"[", ""},
    {"", ""},
};

TEST(references, "a manifest refers to its configuration and layers, an index to its manifests")
{
    for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++) {
        struct sbuf out = {0};

        event_references(str_of(manifests[i].manifest), &out);
        CHECK_TEXT(sbuf_text(&out), manifests[i].wanted);
        sbuf_free(&out);
    }
}
