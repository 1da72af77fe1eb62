#include "registry/observe/access_line.h"

#include "tests/unit/test.h"

static const struct access_line whole = {
    .address = STR("192.0.2.7"),
    .user = STR("ann"),
    .time = STR("22/Nov/2026:18:39:02 +0000"),
    .method = STR("GET"),
    .target = STR("/v2/app/manifests/v1?x=1"),
    .minor = 1,
    .status = 404,
    .bytes = 1536,
    .referer = STR("https://ci.example/"),
    .agent = STR("skopeo/1.9"),
    .id = STR("00010000000002a7"),
    .time_s = 1795372742,
    .time_ms = 7,
    .certificate = STR("builder"),
    .route = "manifest",
    .repository = STR("app"),
    .reference = STR("v1"),
    .digest = STR("sha256:00"),
    .error = "MANIFEST_UNKNOWN",
    .received = 20,
    .us = 3000250,
    .tls_version = "TLSv1.3",
    .tls_cipher = "TLS_AES_128_GCM_SHA256",
};

static void check_line(const struct access_line *line, const char *wanted)
{
    struct sbuf out = {0};

    access_json_put(&out, line);
    CHECK_TEXT(sbuf_text(&out), wanted);
    sbuf_free(&out);
}

TEST(members, "a line is an object with all that is known of the request")
{
    check_line(&whole,
               "{\"time\":\"2026-11-22T18:39:02.007Z\",\"id\":\"00010000000002a7\",\"address\":\"192.0.2.7\",\"user\":"
               "\"ann\",\"certificate\":\"builder\",\"method\":\"GET\",\"path\":\"/v2/app/manifests/v1\",\"query\":"
               "\"x=1\",\"protocol\":\"HTTP/1.1\",\"route\":\"manifest\",\"repository\":\"app\",\"reference\":\"v1\","
               "\"digest\":\"sha256:00\",\"status\":404,\"bytes_received\":20,\"bytes_sent\":1536,\"duration_seconds\":"
               "3.000250,\"error\":\"MANIFEST_UNKNOWN\",\"referer\":\"https://ci.example/\",\"agent\":\"skopeo/1.9\","
               "\"tls\":\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\"}\n");
}

TEST(absent, "what a request does not have is left out")
{
    const struct access_line line = {
        .address = STR("-"), .method = STR("GET"), .target = STR("/"), .status = 499, .id = STR("1"), .route = "none"};

    check_line(&line,
               "{\"time\":\"1970-01-01T00:00:00.000Z\",\"id\":\"1\",\"address\":\"-\",\"method\":\"GET\",\"path\":"
               "\"/\",\"protocol\":\"HTTP/1.0\",\"route\":\"none\",\"status\":499,\"bytes_received\":0,"
               "\"bytes_sent\":0,\"duration_seconds\":0.000000}\n");
}

TEST(forged, "no byte of a client's ends a member or the line, and what is not UTF-8 is replaced")
{
    const struct access_line line = {.address = STR("-"),
                                     .user = STR("a\",\"status\":200,\"x\":\""),
                                     .method = STR("G\"T"),
                                     .target = STR("/\xff\n\\?\0\xc3\xa9\xc3"),
                                     .status = 400,
                                     .id = STR("1"),
                                     .agent = STR("\xf0\x28\x8c\x28\r\n{}\x7f")};

    check_line(&line,
               "{\"time\":\"1970-01-01T00:00:00.000Z\",\"id\":\"1\",\"address\":\"-\",\"user\":"
               "\"a\\\",\\\"status\\\":200,\\\"x\\\":\\\"\",\"method\":\"G\\\"T\",\"path\":\"/\\ufffd\\u000a\\\\\","
               "\"query\":\"\\u0000\xc3\xa9\\ufffd\",\"protocol\":\"HTTP/1.0\",\"status\":400,"
               "\"bytes_received\":0,\"bytes_sent\":0,\"duration_seconds\":0.000000,"
               "\"agent\":\"\\ufffd(\\ufffd(\\u000d\\u000a{}\\u007f\"}\n");
}

TEST(times, "the time is that of each request, though its text is kept for a second")
{
    struct access_line line = whole;
    struct sbuf out = {0};

    for (int i = 0; i < 3; i++) {
        line.time_s = whole.time_s + i / 2;
        line.time_ms = (unsigned)i * 400;
        out.n = 0;
        access_json_put(&out, &line);
        CHECK(str_starts((struct str){out.p, out.n}, i == 0   ? STR("{\"time\":\"2026-11-22T18:39:02.000Z\"")
                                                     : i == 1 ? STR("{\"time\":\"2026-11-22T18:39:02.400Z\"")
                                                              : STR("{\"time\":\"2026-11-22T18:39:03.800Z\"")));
    }
    sbuf_free(&out);
}
