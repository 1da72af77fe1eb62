#include "registry/redirect.h"

#include <string.h>

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

TEST(hosts, "a Host field loses its port and keeps nothing that could end a URL's host")
{
    static const struct {
        struct str field;
        const char *host; /* NULL: refused */
    } cases[] = {
        {STR("registry.example.com"), "registry.example.com"},
        {STR("registry.example.com:80"), "registry.example.com"},
        {STR("registry.example.com."), "registry.example.com."},
        {STR("REGISTRY"), "REGISTRY"},
        {STR("my_host"), "my_host"},
        {STR("192.0.2.1:80"), "192.0.2.1"},
        {STR("[2001:db8::5]"), "2001:db8::5"},
        {STR("[2001:db8::5]:80"), "2001:db8::5"},
        {STR("[::ffff:192.0.2.1]"), "::ffff:192.0.2.1"},
        {STR(""), NULL},
        {STR(":80"), NULL},
        {STR("."), NULL},
        {STR(".."), NULL},
        {STR("a..b"), NULL},
        {STR(".a"), NULL},
        {STR("-a"), NULL},
        {STR("a-.b"), NULL},
        {STR("a:"), NULL},
        {STR("a:x"), NULL},
        {STR("a:99999"), NULL},
        {STR("a:80:80"), NULL},
        {STR("2001:db8::5"), NULL},
        {STR("[2001:db8::5"), NULL},
        {STR("[fe80::1%eth0]"), NULL},
        {STR("[fe80::1%25eth0]"), NULL},
        {STR("[]"), NULL},
        {STR("[a]"), NULL},
        {STR("evil.com/x"), NULL},
        {STR("evil.com\\x"), NULL},
        {STR("user@evil.com"), NULL},
        {STR("evil.com#"), NULL},
        {STR("evil.com?x"), NULL},
        {STR("a b"), NULL},
        {STR("a,b"), NULL},
        {STR("a\tb"), NULL},
        {STR("a\r\nSet-Cookie: x"), NULL},
        {STR("a\0b"), NULL},
        {STR("%61.com"), NULL},
        {STR("\xc3\xa9.com"), NULL},
        {STR("<script>"), NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str host = STR("");
        bool good = redirect_host(cases[i].field, &host);

        if (good != (cases[i].host != NULL) || (good && !str_eq(host, str_of(cases[i].host))))
            test_fail(__FILE__, __LINE__, "%.*s: %d, %.*s", (int)cases[i].field.n, cases[i].field.p, good, (int)host.n,
                      host.p);
    }
}

TEST(labels, "a label of a host has at most 63 bytes")
{
    char name[70];
    struct str host;

    memset(name, 'a', sizeof(name));
    CHECK(redirect_host((struct str){name, 63}, &host));
    CHECK(!redirect_host((struct str){name, 64}, &host));
    name[63] = '.';
    CHECK(redirect_host((struct str){name, 70}, &host));
}

TEST(origins, "the origin names the port unless it is that of https, and brackets an IPv6 address")
{
    static const struct {
        const char *host, *port, *origin;
    } cases[] = {
        {"a.example", "443", "https://a.example"},       {"a.example", "", "https://a.example"},
        {"a.example", "5000", "https://a.example:5000"}, {"192.0.2.1", "80", "https://192.0.2.1:80"},
        {"2001:db8::5", "443", "https://[2001:db8::5]"}, {"2001:db8::5", "5000", "https://[2001:db8::5]:5000"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sbuf out = {0};

        redirect_put_origin(str_of(cases[i].host), str_of(cases[i].port), &out);
        CHECK_TEXT(sbuf_text(&out), cases[i].origin);
        sbuf_free(&out);
    }
}

TEST(targets, "a target goes into a Location only if it is a path and can break nothing")
{
    static const struct str good[] = {STR("/"), STR("/v2/"), STR("/a?b=c&d"), STR("//x"), STR("/%0d%0a"), STR("/\"<>")};
    static const struct str bad[] = {STR(""),          STR("*"),     STR("x/y"),        STR("?x"),   STR("@evil.com/"),
                                     STR(".evil.com"), STR("/a b"),  STR("/a\r\nX: y"), STR("/a\0"), STR("/\x7f"),
                                     STR("/\xc3\xa9"), STR("/a\tb"), STR(":443/")};

    for (size_t i = 0; i < COUNT(good); i++)
        if (!redirect_target_valid(good[i]))
            test_fail(__FILE__, __LINE__, "%s is refused", good[i].p);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (redirect_target_valid(bad[i]))
            test_fail(__FILE__, __LINE__, "bad target number %zu passes", i);
}
