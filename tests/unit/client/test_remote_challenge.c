#include "registry/client/remote_challenge.h"
#include "tests/unit/test.h"

#include <string.h>

TEST(challenges, "Basic and Bearer are found among other challenges, with realm and service of the latter")
{
    static const struct {
        const char *field;
        bool basic, bearer;
        const char *realm, *service;
    } cases[] = {
        {"Basic realm=\"here\"", true, false, "", ""},
        {"basic", true, false, "", ""},
        {"Bearer realm=\"https://auth/token\",service=\"reg\"", false, true, "https://auth/token", "reg"},
        {"BEARER Realm = https://auth/token , scope=\"a:b\"", false, true, "https://auth/token", ""},
        {"Negotiate dG9rZW4=, Basic realm=x, Bearer service=s, realm=\"r\"", true, true, "r", "s"},
        {"Bearer realm=\"a\\\"b\\\\c\"", false, true, "a\"b\\c", ""},
        {"Bearer realm=\"one\", Bearer realm=\"two\"", false, true, "one", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct remote_challenge c;

        remote_challenge_parse(str_of(cases[i].field), &c);
        CHECK_INT(c.basic, cases[i].basic);
        CHECK_INT(c.bearer, cases[i].bearer);
        CHECK_TEXT(c.realm, cases[i].realm);
        CHECK_TEXT(c.service, cases[i].service);
    }
}

TEST(malformed, "a challenge that is none, does not end, or is too long asks for nothing")
{
    static char endless[CHALLENGE_PARAMETER_MAX + 100] = "Bearer realm=\"";
    const char *const fields[] = {"",
                                  ",,,",
                                  "Bearer",
                                  "Bearer realm=\"",
                                  "Bearer realm=\"never closed",
                                  "Bearer realm=\"a\001b\"",
                                  "Bearer service=\"only\"",
                                  "B\xc3\xa4rer realm=x",
                                  endless};

    memset(endless + strlen(endless), 'a', CHALLENGE_PARAMETER_MAX);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct remote_challenge c;

        remote_challenge_parse(str_of(fields[i]), &c);
        CHECK(!c.basic);
        CHECK(!c.bearer);
    }
}
