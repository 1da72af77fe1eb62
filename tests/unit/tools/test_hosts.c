#include "tools/hosts.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static const struct {
    const char *text;
    enum host_kind kind;
    const char *canonical;
} accepted[] = {
    {"registry.example.org", HOST_NAME, "registry.example.org"},
    {"Registry.EXAMPLE.org", HOST_NAME, "registry.example.org"},
    {"localhost", HOST_NAME, "localhost"},
    {"my_service-1", HOST_NAME, "my_service-1"},
    {"*.example.org", HOST_NAME, "*.example.org"},
    {"xn--bcher-kva.example", HOST_NAME, "xn--bcher-kva.example"},
    {"1.example", HOST_NAME, "1.example"},
    {"192.0.2.7", HOST_ADDRESS, "192.0.2.7"},
    {"2001:DB8:0:0::5", HOST_ADDRESS, "2001:db8::5"},
    {"::1", HOST_ADDRESS, "::1"},
};

TEST(good, "names, wildcards and addresses are accepted and written one way")
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        struct host host;
        struct err e;

        CHECK_INT(host_parse(accepted[i].text, &host, &e), 0);
        CHECK_INT(host.kind, accepted[i].kind);
        CHECK_TEXT(host.text, accepted[i].canonical);
    }
}

#define WITHOUT  ": not a host name or address; write it without scheme, port, brackets or zone"
#define PUNYCODE ": not a host name or address; names outside ASCII are written in their xn-- form"

static const char *const refused[][2] = {
    {"", PUNYCODE},
    {".", PUNYCODE},
    {"example.org.", PUNYCODE},
    {"a..b", PUNYCODE},
    {"-a.b", PUNYCODE},
    {"a-.b", PUNYCODE},
    {"b\303\274cher.example", PUNYCODE},
    {"a b", PUNYCODE},
    {"a,DNS:b", WITHOUT},
    {"192.0.2.256", PUNYCODE},
    {"192.0.2", PUNYCODE},
    {"*", PUNYCODE},
    {"a.*.org", PUNYCODE},
    {"host:5000", WITHOUT},
    {"https://host", WITHOUT},
    {"[::1]", WITHOUT},
    {"fe80::1%eth0", WITHOUT},
    {"10.0.0.0/8", WITHOUT},
    {"*.org", ": too wide; clients ignore a wildcard that is not below two labels, as in *.example.org"},
};

TEST(bad, "what cannot stand in a certificate is refused with what to write instead")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct host host;
        struct err e;
        char wanted[300];

        CHECK_INT(host_parse(refused[i][0], &host, &e), -1);
        snprintf(wanted, sizeof(wanted), "%s%s", refused[i][0], refused[i][1]);
        CHECK_TEXT(e.text, wanted);
        CHECK_INT(e.code, ERR_INVALID);
    }
}

TEST(lengths, "a label has up to 63 bytes and a name up to 253")
{
    char name[300];
    struct host host;
    struct err e;

    memset(name, 'a', sizeof(name));
    name[63] = '\0';
    CHECK_INT(host_parse(name, &host, &e), 0);
    name[63] = 'a';
    name[64] = '\0';
    CHECK_INT(host_parse(name, &host, &e), -1);
    memset(name, 'a', sizeof(name));
    name[50] = name[100] = name[150] = name[200] = '.';
    name[253] = '\0';
    CHECK_INT(host_parse(name, &host, &e), 0);
    name[253] = 'a';
    name[254] = '\0';
    CHECK_INT(host_parse(name, &host, &e), -1);
    CHECK_TEXT(e.text, "a host name of 254 bytes; 253 are allowed");
}

TEST(list, "a list holds each host once, however it is spelt, and a hundred of them")
{
    struct hosts hosts = {.n = 0};
    struct err e;

    CHECK_INT(hosts_add(&hosts, "A.example", &e), 0);
    CHECK_INT(hosts_add(&hosts, "a.EXAMPLE", &e), 0);
    CHECK_INT(hosts_add(&hosts, "::1", &e), 0);
    CHECK_INT(hosts_add(&hosts, "0:0::1", &e), 0);
    CHECK_INT(hosts.n, 2);
    for (int i = 0; i < HOSTS_MAX - 2; i++) {
        char name[16];

        snprintf(name, sizeof(name), "h%d", i);
        CHECK_INT(hosts_add(&hosts, name, &e), 0);
    }
    CHECK_INT(hosts_add(&hosts, "one-more", &e), -1);
    CHECK_TEXT(e.text, "more than 100 hosts");
}

TEST(machine, "this machine has localhost and its addresses, and nothing that a certificate cannot hold")
{
    struct hosts hosts = {.n = 0};
    struct err e;
    size_t n;

    CHECK_INT(hosts_of_machine(&hosts, &e), 0);
    n = hosts.n;
    CHECK(n >= 3);
    CHECK_INT(hosts_add(&hosts, "localhost", &e), 0);
    CHECK_INT(hosts_add(&hosts, "127.0.0.1", &e), 0);
    CHECK_INT(hosts_add(&hosts, "::1", &e), 0);
    CHECK_INT(hosts.n, n);
    for (size_t i = 0; i < n; i++) {
        struct host again;

        CHECK_INT(host_parse(hosts.items[i].text, &again, &e), 0);
        CHECK(strncmp(again.text, "fe80:", 5) != 0);
    }
}

TEST(ports, "a host and its port are read in every form that people write, and refused in others")
{
    static const struct {
        const char *text, *host, *port;
    } cases[] = {
        {"registry.example.org:5000", "registry.example.org", "5000"},
        {"registry.example.org", "registry.example.org", "443"},
        {"192.0.2.1:0443", "192.0.2.1", "443"},
        {"[2001:db8::5]:5000", "2001:db8::5", "5000"},
        {"[2001:db8::5]", "2001:db8::5", "443"},
        {"2001:db8::5", "2001:db8::5", "443"},
    };
    static const char *const bad[] = {"",      "a:",          "a:0",    "a:65536",      "a:b",
                                      ":5000", "[::1",        "[::1]x", "[::1]:",       "[a.org]:1",
                                      "a b:1", "https://a:1", "a:+1",   "[192.0.2.1]:1"};
    struct host host;
    char port[PORT_ROOM];
    struct err e;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_INT(host_port_parse(cases[i].text, &host, port, &e), 0);
        CHECK_TEXT(host.text, cases[i].host);
        CHECK_TEXT(port, cases[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (host_port_parse(bad[i], &host, port, &e) != -1 || e.code != ERR_INVALID)
            test_fail(__FILE__, __LINE__, "%s is taken", bad[i]);
    CHECK_INT(host_port_parse("a:b", &host, port, &e), -1);
    CHECK_TEXT(e.text, "a:b: write HOST:PORT, as in registry.example.org:5000 or [2001:db8::5]:5000");
}

TEST(people, "e-mail addresses, URIs and addresses are told from what only looks like them")
{
    static const struct {
        int (*add)(struct hosts *hosts, const char *text, struct err *e);
        const char *good, *bad, *text;
    } cases[] = {
        {hosts_add_email, "a.b+c@example.org", "example.org",
         "not an e-mail address in ASCII, as in alice@example.org"},
        {hosts_add_email, "x@y", "a@*.example.org", "not an e-mail address in ASCII, as in alice@example.org"},
        {hosts_add_email, "\"q\"@y", "a b@example.org", "not an e-mail address in ASCII, as in alice@example.org"},
        {hosts_add_uri, "spiffe://a/b", "//a/b", "not a URI with its scheme, as in spiffe://example.org/builder"},
        {hosts_add_uri, "urn:x", "urn:", "not a URI with its scheme, as in spiffe://example.org/builder"},
        {hosts_add_uri, "a+b:c", "1a:c", "not a URI with its scheme, as in spiffe://example.org/builder"},
        {hosts_add_address, "10.0.0.1", "10.0.0.0/8",
         "not an address; a certificate holds single IPv4 and IPv6 addresses, and networks are for the server's access "
         "rules"},
        {hosts_add_address, "::1", "example.org", "not an address; a certificate holds single IPv4 and IPv6 addresses"},
    };
    struct hosts hosts = {.n = 0};
    char wanted[400];
    struct err e;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_INT(cases[i].add(&hosts, cases[i].good, &e), 0);
        CHECK_INT(hosts.n, i + 1);
        CHECK_INT(cases[i].add(&hosts, cases[i].bad, &e), -1);
        snprintf(wanted, sizeof(wanted), "%s: %s", cases[i].bad, cases[i].text);
        CHECK_TEXT(e.text, wanted);
    }
}
