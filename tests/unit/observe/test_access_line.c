#include "registry/observe/access_line.h"

#include <string.h>

#include "tests/unit/test.h"

static const struct access_line plain = {
    .address = STR("192.0.2.7"),
    .user = STR("ann"),
    .time = STR("22/Nov/2026:18:39:02 +0000"),
    .method = STR("GET"),
    .target = STR("/v2/app/manifests/v1?x=1"),
    .minor = 1,
    .status = 200,
    .bytes = 1536,
    .referer = STR("https://ci.example/"),
    .agent = STR("skopeo/1.9"),
    .id = STR("00010000000002a7"),
};

static void check_line(const struct access_line *line, const char *wanted)
{
    struct sbuf out = {0};

    access_line_put(&out, line);
    CHECK_TEXT(sbuf_text(&out), wanted);
    sbuf_free(&out);
}

TEST(fields, "a line has the fields of the combined format and the request's id")
{
    check_line(&plain,
               "192.0.2.7 - ann [22/Nov/2026:18:39:02 +0000] \"GET /v2/app/manifests/v1?x=1 HTTP/1.1\" 200 1536 "
               "\"https://ci.example/\" \"skopeo/1.9\" 00010000000002a7\n");
}

TEST(absent, "what is not known is a dash, and nobody is one, too")
{
    struct access_line line = plain;

    line.user = line.referer = line.agent = STR("");
    line.minor = 0;
    line.status = 499;
    line.bytes = 0;
    check_line(&line,
               "192.0.2.7 - - [22/Nov/2026:18:39:02 +0000] \"GET /v2/app/manifests/v1?x=1 HTTP/1.0\" 499 0 \"-\" "
               "\"-\" 00010000000002a7\n");
}

TEST(forged, "no byte of a client's ends a field or a line")
{
    struct access_line line = plain;

    line.user = STR("a b\"c");
    line.target = STR("/\n\"\\\x7f\xff\0end");
    line.referer = STR("\r\nx");
    line.agent = STR("\"");
    check_line(&line, "192.0.2.7 - a\\x20b\\x22c [22/Nov/2026:18:39:02 +0000] \"GET /\\x0a\\x22\\x5c\\x7f\\xff\\x00end "
                      "HTTP/1.1\" 200 1536 \"\\x0d\\x0ax\" \"\\x22\" 00010000000002a7\n");
}

TEST(appended, "a line is added to what is there already")
{
    struct sbuf out = {0};
    size_t n;

    access_line_put(&out, &plain);
    n = out.n;
    access_line_put(&out, &plain);
    CHECK_INT(out.n, 2 * n);
    CHECK(memcmp(out.p, out.p + n, n) == 0);
    sbuf_free(&out);
}
