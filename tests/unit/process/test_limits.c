#include "registry/process/limits.h"

#include <sys/resource.h>

#include "tests/unit/test.h"

TEST(connections, "connections get half of the descriptors that are left, and never more than that")
{
    static const struct {
        uint64_t wanted; /* 0: not configured */
        size_t descriptors;
        unsigned workers;
        size_t connections;
    } cases[] = {
        {0, 256, 16, 80},  {0, 1024, 16, 464}, {0, 65536, 16, 10000},     {0, 1048576, 64, 10000},   {50, 256, 16, 50},
        {80, 256, 16, 80}, {81, 256, 16, 80},  {30000, 65536, 16, 30000}, {40000, 65536, 16, 32720}, {0, 64, 16, 16},
        {0, 0, 16, 1},     {50, 98, 16, 24},   {0, 256, 128, 64},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config config = {.limits.connections = cases[i].wanted};
        size_t got = limits_connections(&config, cases[i].descriptors, cases[i].workers);

        if (got != cases[i].connections)
            test_fail(__FILE__, __LINE__, "case %zu: %zu, not %zu", i, got, cases[i].connections);
    }
}

TEST(descriptors, "the limit on descriptors is raised at least to the hard one")
{
    struct rlimit before, after;
    size_t got;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    before.rlim_cur = 128;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    got = limits_raise_descriptors();
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &after), 0);
    CHECK_INT(got, after.rlim_cur);
    CHECK(got >= before.rlim_max);
}
