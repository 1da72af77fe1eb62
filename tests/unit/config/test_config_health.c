/* The section `health`: distribution's checks, from the file and from the environment. */
#include "tests/unit/config/config_fixture.h"

#define HEALTH(text) "version: 0.1\nhealth: " text "\n"

TEST(none, "without the section nothing is checked")
{
    struct loaded l;

    LOAD("version: 0.1\n", "", &l);
    CHECK(!l.config->storage_check.enabled && l.config->check_count == 0);
    CHECK_INT(l.config->storage_check.interval_ms, 10000);
    CHECK_INT(l.config->storage_check.threshold, 3);
    unload(&l);
}

TEST(all, "every kind has its times, and defaults where they are not written or 0")
{
    struct loaded l;
    const struct config_check *c;

    LOAD(HEALTH("{storagedriver: {enabled: true, interval: 2s, threshold: 5}, file: [{file: /a, interval: 1s}, {file: "
                "/b}], "
                "http: [{uri: 'https://h.example.com/x', timeout: 3s, interval: 20s, threshold: 4, statuscode: 204, "
                "headers: {Authorization: [Bearer t], X-A: [b, c]}}], tcp: [{addr: 'db:5432', timeout: 0}]}"),
         "", &l);
    CHECK(l.config->storage_check.enabled);
    CHECK_INT(l.config->storage_check.interval_ms, 2000);
    CHECK_INT(l.config->storage_check.threshold, 5);
    CHECK_INT(l.config->check_count, 4);
    c = l.config->checks;
    CHECK_INT(c[0].kind, CONFIG_CHECK_FILE);
    CHECK_TEXT(c[0].target, "/a");
    CHECK_INT(c[0].interval_ms, 1000);
    CHECK_INT(c[1].interval_ms, 10000);
    CHECK_INT(c[1].threshold, 1);
    CHECK_INT(c[2].kind, CONFIG_CHECK_HTTP);
    CHECK_TEXT(c[2].target, "https://h.example.com/x");
    CHECK(c[2].timeout_ms == 3000 && c[2].interval_ms == 20000 && c[2].threshold == 4 && c[2].status == 204);
    CHECK_INT(c[2].header_count, 3);
    CHECK_TEXT(c[2].headers[0].name, "Authorization");
    CHECK_TEXT(c[2].headers[2].value, "c");
    CHECK_INT(c[3].kind, CONFIG_CHECK_TCP);
    CHECK_TEXT(c[3].target, "db:5432");
    CHECK_INT(c[3].timeout_ms, 5000);
    unload(&l);
}

TEST(environment, "the environment has lists by index, and replaces those of the file")
{
    struct loaded l;

    LOAD(HEALTH("{tcp: [{addr: 'a:1'}]}"),
         "REGISTRY_HEALTH_STORAGEDRIVER_ENABLED=true\nREGISTRY_HEALTH_TCP_0_ADDR=b:2\nREGISTRY_HEALTH_TCP_1_ADDR=c:3\n"
         "REGISTRY_HEALTH_FILE_0_FILE=/stop\nREGISTRY_HEALTH_HTTP_0_URI=http://x/\n"
         "REGISTRY_HEALTH_HTTP_0_THRESHOLD=2",
         &l);
    CHECK(l.config->storage_check.enabled);
    CHECK_INT(l.config->check_count, 4);
    for (size_t i = 0; i < 4; i++) {
        static const char *const wanted[] = {[CONFIG_CHECK_FILE] = "/stop", [CONFIG_CHECK_HTTP] = "http://x/"};
        const struct config_check *c = &l.config->checks[i];

        if (c->kind == CONFIG_CHECK_TCP)
            CHECK(strcmp(c->target, "b:2") == 0 || strcmp(c->target, "c:3") == 0);
        else
            CHECK_TEXT(c->target, wanted[c->kind]);
    }
    unload(&l);
}

TEST(bad, "what cannot be checked is refused, with what to write")
{
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {HEALTH("{file: [{interval: 1s}]}"),
         "health.file[0]: a check needs file; write for example {file: /etc/berth/maintenance}"},
        {HEALTH("{file: [{file: maintenance}]}"), "depends on where the server was started; write it from / on"},
        {HEALTH("{http: [{uri: 'ftp://x/'}]}"),
         "\"ftp://x/\" is no address of a web server; write for example https://backend.example.com/health"},
        {HEALTH("{http: [{uri: 'https://u:p@x/'}]}"), "credentials in an address are shown to whoever asks for health"},
        {HEALTH("{http: [{uri: 'https://x/', statuscode: 42}]}"), "42 is no status of HTTP; write for example 200"},
        {HEALTH("{http: [{uri: 'https://x/', headers: {'a b': [c]}}]}"), "not a header name"},
        {HEALTH("{tcp: [{addr: db}]}"), "port"},
        {HEALTH("{tcp: [{addr: 'db:1', interval: 10ms}]}"), "write 100ms to 24h"},
        {HEALTH("{tcp: [{addr: 'db:1', timeout: 48h}]}"), "write 1ms to 24h"},
        {HEALTH("{storagedriver: {interval: 1}}"), "write 100ms to 24h"},
        {HEALTH("{redis: []}"), "unknown key"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        load(cases[i].yaml, "", &l);
        if (l.config != NULL || strstr(l.err.text, cases[i].error) == NULL)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].yaml, l.config != NULL ? "loads" : l.err.text);
        unload(&l);
    }
}
