#include "registry/config/address.h"
#include "tests/unit/test.h"

#define NO_PORT  "no port; write host:port, or :5000 for every address of this machine"
#define BAD_PORT "the port is not a number from 0 to 65535; write for example :5000"
#define BAD_HOST "the host is neither a name nor an address; write host:port, for example 127.0.0.1:5000"
#define COLONS   "more than one colon; an IPv6 address goes in brackets, as in [2001:db8::5]:5000"
#define BRACKETS "no IPv6 address between the brackets; write for example [2001:db8::5]:5000"

TEST(parts, "host and port of every form are found")
{
    static const struct {
        const char *text;
        const char *host;
        const char *port;
    } cases[] = {
        {":5000", "", "5000"},
        {"0.0.0.0:443", "0.0.0.0", "443"},
        {"localhost:65535", "localhost", "65535"},
        {"my_registry.example.com:0", "my_registry.example.com", "0"},
        {"[::]:5000", "::", "5000"},
        {"[2001:db8::5]:5000", "2001:db8::5", "5000"},
        {"[fe80::1%eth0]:5000", "fe80::1%eth0", "5000"},
        {"[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", "80"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address a;
        struct err e;

        if (address_parse(str_of(cases[i].text), true, &a, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].text, e.text);
        CHECK(str_eq(a.host, str_of(cases[i].host)));
        CHECK(str_eq(a.port, str_of(cases[i].port)));
    }
}

TEST(no_port, "a port may be left out only where none is required")
{
    static const char *const cases[] = {"example.com", "[::1]"};

    for (size_t i = 0; i < 2; i++) {
        struct address a;
        struct err e;

        CHECK_INT(address_parse(str_of(cases[i]), false, &a, &e), 0);
        CHECK_INT(a.port.n, 0);
        CHECK_INT(address_parse(str_of(cases[i]), true, &a, &e), -1);
        CHECK_TEXT(e.text, NO_PORT);
    }
}

TEST(malformed, "what is no address is refused with the right form")
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", NO_PORT},
        {"5000", NO_PORT},
        {":", BAD_PORT},
        {":http", BAD_PORT},
        {":65536", BAD_PORT},
        {":-1", BAD_PORT},
        {":00000080", BAD_PORT},
        {"localhost: 80", BAD_PORT},
        {"my host:80", BAD_HOST},
        {"http//x:80", BAD_HOST},
        {"::1:5000", COLONS},
        {"http://x:80", COLONS},
        {"[::1]5000", "only :port may follow the bracket; write for example [2001:db8::5]:5000"},
        {"[::1", BRACKETS},
        {"[]:5000", BRACKETS},
        {"[", BRACKETS},
        {"[1.2.3.4]:5000", BRACKETS},
        {"[fe80::1%]:5000", BRACKETS},
        {"[12345::]:5000", BRACKETS},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:5000", BRACKETS},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address a;
        struct err e = {0};

        if (address_parse(str_of(cases[i].text), true, &a, &e) == 0)
            test_fail(__FILE__, __LINE__, "\"%s\" is taken", cases[i].text);
        CHECK_TEXT(e.text, cases[i].error);
    }
}
