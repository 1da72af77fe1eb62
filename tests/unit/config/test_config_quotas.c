#include "tests/unit/config/config_fixture.h"

#define STORAGE(quotas) "version: 0.1\nstorage:\n  filesystem: {rootdirectory: /data}\n  quotas: " quotas "\n"

TEST(none, "without the key there are no quotas")
{
    struct loaded l;

    LOAD("version: 0.1\nstorage:\n  filesystem: {rootdirectory: /data}\n", "", &l);
    CHECK_INT(l.config->quota_count, 0);
    unload(&l);
}

TEST(list, "quotas are paths, with or without a slash at their end, and sizes")
{
    struct loaded l;

    LOAD(STORAGE("[{prefix: team-a/, limit: 100GB}, {prefix: b/c, limit: 5}, {limit: 2TiB}, {prefix: z, limit: 0}]"),
         "", &l);
    CHECK_INT(l.config->quota_count, 4);
    CHECK_TEXT(l.config->quotas[0].path, "team-a");
    CHECK_INT(l.config->quotas[0].limit, 100000000000);
    CHECK_TEXT(l.config->quotas[1].path, "b/c");
    CHECK_INT(l.config->quotas[1].limit, 5);
    CHECK_TEXT(l.config->quotas[2].path, "");
    CHECK_INT(l.config->quotas[2].limit, 2LL << 40);
    CHECK_INT(l.config->quotas[3].limit, 0);
    unload(&l);
    LOAD(STORAGE("[{prefix: '', limit: 7}]"), "", &l);
    CHECK_TEXT(l.config->quotas[0].path, "");
    unload(&l);
}

TEST(environment, "quotas come from the environment, too, as YAML or one by one")
{
    struct loaded l;

    LOAD(STORAGE("[{prefix: old, limit: 1}]"), "REGISTRY_STORAGE_QUOTAS=[{prefix: team-a, limit: 1MiB}]", &l);
    CHECK_INT(l.config->quota_count, 1);
    CHECK_TEXT(l.config->quotas[0].path, "team-a");
    CHECK_INT(l.config->quotas[0].limit, 1 << 20);
    unload(&l);
    LOAD(STORAGE("[]"), "REGISTRY_STORAGE_QUOTAS_0_PREFIX=x\nREGISTRY_STORAGE_QUOTAS_0_LIMIT=9KB", &l);
    CHECK_INT(l.config->quota_count, 1);
    CHECK_INT(l.config->quotas[0].limit, 9000);
    unload(&l);
}

TEST(wrong, "a quota that says nothing, or something else, is refused")
{
    static const struct {
        const char *yaml, *wanted;
    } cases[] = {
        {STORAGE("[{prefix: a}]"), "config.yml:4: storage.quotas[0]: a quota needs a limit; write for example {prefix: "
                                   "team-a/, limit: 100GiB}"},
        {STORAGE("[{prefix: a, limit: }]"),
         "config.yml:4: storage.quotas[0].limit: no value; write a size, for example 100GiB"},
        {STORAGE("[{prefix: a, limit: lots}]"),
         "config.yml:4: storage.quotas[0].limit: \"lots\" is not a size; write for example limit: 64MiB"},
        {STORAGE("[{prefix: 'team-*', limit: 1}]"), "config.yml:4: storage.quotas[0].prefix: \"team-*\" is no "
                                                    "repository or path of repositories; write for example "
                                                    "team-a/, or \"\" for all"},
        {STORAGE("[{prefix: /, limit: 1}]"),
         "config.yml:4: storage.quotas[0].prefix: \"/\" is no repository or path of repositories; write for example "
         "team-a/, or \"\" for all"},
        {STORAGE("[{prefix: a, limit: 1}, {prefix: a/, limit: 2}]"),
         "config.yml:4: storage.quotas[1]: a second quota for \"a\"; keep one"},
        {STORAGE("[{prefx: a, limit: 1}]"),
         "config.yml:4: storage.quotas[0].prefx: unknown key; did you mean storage.quotas[].prefix?"},
        {STORAGE("{a: 1}"), "config.yml:4: storage.quotas: wants a list, not a map; write for example quotas: [{...}]"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        load(cases[i].yaml, "", &l);
        CHECK(l.config == NULL);
        CHECK_TEXT(l.err.text, cases[i].wanted);
        unload(&l);
    }
}
