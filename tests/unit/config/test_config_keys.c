/* The reference of keys. */
#include "registry/config/config_keys.h"

#include "registry/config/config_schema.h"
#include "tests/unit/config/config_fixture.h"

static struct sbuf keys_below(const char *path, bool json)
{
    struct sbuf out = {0};
    struct err e;

    if (config_keys_put(str_of(path), json, &out, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    sbuf_text(&out);
    return out;
}

TEST(all, "all keys but groups are told, each with what it is for or why it is not served")
{
    size_t n, told = 0;
    const struct config_key *keys = config_schema_keys(&n);
    struct sbuf out = keys_below("", false);

    for (size_t i = 1; i < n; i++) {
        struct sbuf wanted = {0};

        if (keys[i].type == CONFIG_TYPE_GROUP)
            continue;
        sbuf_printf(&wanted, "%s  (", keys[i].path);
        if (strstr(out.p, sbuf_text(&wanted)) == NULL)
            test_fail(__FILE__, __LINE__, "%s is not told", keys[i].path);
        sbuf_free(&wanted);
        told++;
    }
    CHECK(told > 100);
    CHECK(strstr(out.p, "(null)") == NULL);
    sbuf_free(&out);
}

TEST(lines, "a key is told with type, default, variable and state")
{
    static const struct {
        const char *path;
        bool json;
        const char *wanted;
    } cases[] = {
        {"http.timeouts.idle", false,
         "http.timeouts.idle  (duration, default 2m; REGISTRY_HTTP_TIMEOUTS_IDLE)\n    between two requests on a "
         "connection\n"},
        {"version", false, "version  (text, default 0.1)\n    of this file's format\n"},
        {"redis", false, "redis  (anything; refused when set)\n    Berth needs no redis; remove the section\n"},
        {"storage.s3", false,
         "storage.s3  (anything; refused)\n    this storage is not served; use storage.filesystem with a "
         "rootdirectory\n"},
        {"http.secret", false,
         "http.secret  (text; accepted without effect)\n    uploads are tied to their owner without a shared secret\n"},
        {"log.fields.*", false,
         "log.fields.*  (text; REGISTRY_LOG_FIELDS_<name>)\n    the value of the field of this name\n"},
        {"storage.quotas[].limit", true,
         "{\"key\":\"storage.quotas[].limit\",\"type\":\"size\",\"default\":null,\"variable\":"
         "\"REGISTRY_STORAGE_QUOTAS_0_LIMIT\",\"state\":\"served\",\"help\":\"bytes; a blob counts once in each "
         "repository "
         "that holds it\"}\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf out = keys_below(cases[i].path, cases[i].json);

        CHECK_TEXT(out.p, cases[i].wanted);
        sbuf_free(&out);
    }
}

TEST(below, "a path means what is at and below it, and nothing else that begins like it")
{
    struct sbuf out = keys_below("log", false);

    CHECK(strstr(out.p, "log.level  (") != NULL && strstr(out.p, "loglevel") == NULL);
    sbuf_free(&out);
    out = keys_below("storage.quotas", false);
    CHECK(strstr(out.p, "storage.quotas[].limit  (") != NULL && strstr(out.p, "storage.delete") == NULL);
    sbuf_free(&out);
}

TEST(unknown, "a key that is not there is refused with the nearest")
{
    struct sbuf out = {0};
    struct err e;

    CHECK(config_keys_put(STR("http.adr"), false, &out, &e) != 0);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_TEXT(e.text, "there is no key \"http.adr\"; did you mean http.addr?");
    CHECK(config_keys_put(STR("qqqqqqqq"), false, &out, &e) != 0);
    CHECK_TEXT(e.text, "there is no key \"qqqqqqqq\"; without one all are listed");
    sbuf_free(&out);
}
