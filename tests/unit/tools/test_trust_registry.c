#include "tools/trust/trust_registry.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static const struct {
    const char *text, *first, *second, *connect, *plain;
} accepted[] = {
    {"registry.example.com:5000", "registry.example.com:5000", NULL, "registry.example.com:5000",
     "registry.example.com+5000"},
    {"registry.example.com", "registry.example.com", NULL, "registry.example.com:443", "registry.example.com"},
    {"registry.example.com:443", "registry.example.com:443", "registry.example.com", "registry.example.com:443",
     "registry.example.com+443"},
    {"Registry.Example.COM:80", "registry.example.com:80", NULL, "registry.example.com:80", "registry.example.com+80"},
    {"192.0.2.1:5000", "192.0.2.1:5000", NULL, "192.0.2.1:5000", "192.0.2.1+5000"},
    {"[2001:DB8:0:0::5]:5000", "[2001:db8::5]:5000", NULL, "[2001:db8::5]:5000", "2001+db8++5+5000"},
    {"[2001:db8::5]", "[2001:db8::5]", NULL, "[2001:db8::5]:443", "2001+db8++5"},
    {"[2001:db8::5]:443", "[2001:db8::5]:443", "[2001:db8::5]", "[2001:db8::5]:443", "2001+db8++5+443"},
    {"localhost", "localhost", NULL, "localhost:443", "localhost"},
    {"localhost:443", "localhost:443", "localhost", "localhost:443", "localhost+443"},
    {"registry:443", "registry:443", NULL, "registry:443", "registry+443"},
    {"registry:65535", "registry:65535", NULL, "registry:65535", "registry+65535"},
};

TEST(good, "the folders are named as the registry stands in image names")
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        struct trust_registry registry;
        struct err e;

        CHECK_INT(trust_registry_parse(accepted[i].text, &registry, &e), 0);
        CHECK_TEXT(registry.names[0], accepted[i].first);
        CHECK_INT(registry.name_count, accepted[i].second == NULL ? 1 : 2);
        if (accepted[i].second != NULL)
            CHECK_TEXT(registry.names[1], accepted[i].second);
        CHECK_TEXT(registry.connect, accepted[i].connect);
        CHECK_TEXT(registry.plain, accepted[i].plain);
    }
}

TEST(lengths, "the longest name has room, and a longer one is refused")
{
    char name[300];
    struct trust_registry registry;
    struct err e;

    memset(name, 'a', sizeof(name));
    name[50] = name[100] = name[150] = name[200] = '.';
    snprintf(name + 253, sizeof(name) - 253, ":65535");
    CHECK_INT(trust_registry_parse(name, &registry, &e), 0);
    CHECK_TEXT(registry.names[0], name);
    snprintf(name + 253, sizeof(name) - 253, "a:65535");
    CHECK_INT(trust_registry_parse(name, &registry, &e), -1);
    CHECK_TEXT(e.text, "a host name of 254 bytes; 253 are allowed");
}

#define FORM  ": a registry is written HOST or HOST:PORT"
#define PORTS ": a port is a number from 1 to 65535"

static const char *const refused[][2] = {
    {"https://registry.example.com", ": write the registry as it stands in image names, without https:// and path"},
    {"registry.example.com/app", ": write the registry as it stands in image names, without https:// and path"},
    {"registry", ": clients take registry/app for a repository at Docker Hub; write registry:443 or the full name"},
    {"2001:db8::5", ": an IPv6 address stands in brackets, as in [2001:db8::5]:5000"},
    {"[2001:db8::5", ": the bracket is not closed"},
    {"[2001:db8::5]5000", FORM},
    {"a.example:", FORM},
    {"a.example:0", PORTS},
    {"a.example:080", PORTS},
    {"a.example:65536", PORTS},
    {"a.example:http", PORTS},
    {"a.example:-1", PORTS},
    {"*.example.com:5000", ": a registry has one name, not a wildcard"},
    {"[a.example]:5000", ": brackets are for IPv6 addresses, and these need them"},
};

TEST(bad, "what is no registry is refused with what to write instead")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct trust_registry registry;
        struct err e;
        char wanted[300];

        CHECK_INT(trust_registry_parse(refused[i][0], &registry, &e), -1);
        snprintf(wanted, sizeof(wanted), "%s%s", refused[i][0], refused[i][1]);
        CHECK_TEXT(e.text, wanted);
        CHECK_INT(e.code, ERR_INVALID);
    }
}

TEST(shell, "nothing that a shell would act on gets into a name")
{
    static const char *const bad[] = {"",        "a b.c", "$(id).c", "a.c;id", "`id`.c",   "a.c\n",
                                      "'a'.c",   "-o.c",  "a.c:5 0", "..",     ".:5000",   "[::1%eth0]:5000",
                                      "[]:5000", "a.c'",  "{a,b}.c", "~root.", "a.c:5000:"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct trust_registry registry;
        struct err e;

        CHECK_INT(trust_registry_parse(bad[i], &registry, &e), -1);
        CHECK_INT(e.code, ERR_INVALID);
    }
}
