#include "registry/api/etag.h"

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The digest of "hello", and another of the same length. */
#define OWN   "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9825"

static bool matches(const char *header)
{
    struct digest d;

    digest_of(DIGEST_SHA256, "hello", 5, &d);
    return etag_matches(str_of(header), &d);
}

TEST(named, "a header that names the digest matches, in any of its forms")
{
    static const char *const headers[] = {
        "\"" OWN "\"",
        "W/\"" OWN "\"",
        OWN,
        "*",
        " \t\"" OWN "\" ",
        "\"" OTHER "\", \"" OWN "\"",
        "\"a\",W/\"" OWN "\",\"b\"",
        "a, *",
    };

    for (size_t i = 0; i < COUNT(headers); i++)
        if (!matches(headers[i]))
            test_fail(__FILE__, __LINE__, "%s", headers[i]);
}

TEST(not_named, "anything else does not")
{
    static const char *const headers[] = {
        "",
        " ",
        ",",
        "\"\"",
        "\"",
        "\"" OTHER "\"",
        "\"" OWN,
        OWN "\"",
        "\"" OWN "x\"",
        "\"x" OWN "\"",
        "w/\"" OWN "\"",
        "\"*\"",
        "W/*",
        "**",
        "\"\"" OWN "\"\"",
        "sha256:2cf24dba",
        "\"sha256:2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824\"",
    };

    for (size_t i = 0; i < COUNT(headers); i++)
        if (matches(headers[i]))
            test_fail(__FILE__, __LINE__, "%s", headers[i]);
}

TEST(if_range, "a range is served when there is no condition or exactly our strong tag")
{
    static const char *const others[] = {
        "*",
        OWN,
        "W/\"" OWN "\"",
        "\"" OTHER "\"",
        "\"" OWN,
        "\"\"",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "\"" OWN "\", \"a\"",
    };
    struct digest d;

    digest_of(DIGEST_SHA256, "hello", 5, &d);
    CHECK(etag_allows_range(STR(""), &d));
    CHECK(etag_allows_range(STR("\"" OWN "\""), &d));
    for (size_t i = 0; i < COUNT(others); i++)
        if (etag_allows_range(str_of(others[i]), &d))
            test_fail(__FILE__, __LINE__, "%s", others[i]);
}
