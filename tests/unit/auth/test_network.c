#include "auth/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "tests/unit/test.h"

static struct network_address address(const char *text)
{
    struct network_address out;

    if (!network_address_parse(str_of(text), &out))
        test_fail(__FILE__, __LINE__, "%s is not an address", text);
    return out;
}

static const struct {
    const char *network, *address;
    bool inside;
} contained[] = {
    {"10.0.0.0/8", "10.0.0.0", true},
    {"10.0.0.0/8", "10.255.255.255", true},
    {"10.0.0.0/8", "11.0.0.0", false},
    {"10.0.0.0/8", "9.255.255.255", false},
    {"10.0.0.0/8", "::ffff:10.1.2.3", true},
    {"::ffff:10.0.0.0/104", "10.1.2.3", true},
    {"10.0.0.0/8", "2001:db8::1", false},
    {"10.0.0.0/8", "::10.1.2.3", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.6/31", "192.0.2.7", true},
    {"192.0.2.6/31", "192.0.2.8", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.1/32", "192.0.2.1", true},
    {"0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"0.0.0.0/0", "::1", false},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::1", false},
    {"2001:db8::/33", "2001:db8:7fff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"2001:DB8::1", "2001:0db8:0:0:0:0:0:1", true},
    {"::/0", "2001:db8::1", true},
    {"::/0", "::1", true},
    {"::/0", "10.1.2.3", false},
    {"::fffe:0:0/95", "10.1.2.3", false},
    {"::fffe:0:0/95", "::fffe:1:2", true},
    {"::ffff:0:0/96", "10.1.2.3", true},
    {"fe80::/10", "febf::1", true},
    {"fe80::/10", "fec0::1", false},
    {"::1/128", "::1", true},
    {"::1/128", "::2", false},
};

TEST(containment, "a network contains the addresses that share its prefix, and those of its own family only")
{
    for (size_t i = 0; i < sizeof(contained) / sizeof(contained[0]); i++) {
        struct network_address a = address(contained[i].address);
        struct network network;
        struct err e = {0};

        if (network_parse(str_of(contained[i].network), &network, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s", contained[i].network, e.text);
        if (network_contains(&network, &a) != contained[i].inside)
            test_fail(__FILE__, __LINE__, "%s in %s is %d", contained[i].address, contained[i].network,
                      !contained[i].inside);
    }
}

TEST(every_prefix, "with every prefix length, the last address inside is in and the first one outside is not")
{
    struct network_address base = address("2001:db8:1:2:3:4:5:6");

    for (unsigned bits = 1; bits <= 128; bits++) {
        struct network network = {.prefix = bits};
        struct network_address other = base;

        memcpy(network.bytes, base.bytes, sizeof(network.bytes));
        for (unsigned i = bits; i < 128; i++) {
            network.bytes[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
            other.bytes[i / 8] ^= (uint8_t)(0x80U >> i % 8);
        }
        CHECK(network_contains(&network, &base));
        CHECK(network_contains(&network, &other));
        other.bytes[(bits - 1) / 8] ^= (uint8_t)(0x80U >> (bits - 1) % 8);
        CHECK(!network_contains(&network, &other));
    }
}

#define NOT_A_NETWORK                                                                                                  \
    " is not a network; write an address such as 192.0.2.1 or 2001:db8::1 (no host name, brackets, port or zone), or " \
    "a network such as 10.0.0.0/8 or 2001:db8::/32"

static const struct {
    struct str text;
    const char *error;
} refused[] = {
    {STR("10.1.2.3/8"), "network \"10.1.2.3/8\" has bits behind its prefix; write 10.0.0.0/8"},
    {STR("192.0.2.1/0"), "network \"192.0.2.1/0\" has bits behind its prefix; write 0.0.0.0/0"},
    {STR("2001:db8::1/32"), "network \"2001:db8::1/32\" has bits behind its prefix; write 2001:db8::/32"},
    {STR("::ffff:10.1.0.0/104"),
     "network \"::ffff:10.1.0.0/104\" has bits behind its prefix; write ::ffff:10.0.0.0/104"},
    {STR("10.0.0.0/33"), "network \"10.0.0.0/33\": behind the \"/\" goes a number of bits from 0 to 32, such as /8"},
    {STR("10.0.0.0/"), "network \"10.0.0.0/\": behind the \"/\" goes a number of bits from 0 to 32, such as /8"},
    {STR("10.0.0.0/08"), "network \"10.0.0.0/08\": behind the \"/\" goes a number of bits from 0 to 32, such as /8"},
    {STR("10.0.0.0/+8"), "network \"10.0.0.0/+8\": behind the \"/\" goes a number of bits from 0 to 32, such as /8"},
    {STR("10.0.0.0/8/8"), "network \"10.0.0.0/8/8\": behind the \"/\" goes a number of bits from 0 to 32, such as /8"},
    {STR("10.0.0.0/255.0.0.0"),
     "network \"10.0.0.0/255.0.0.0\": behind the \"/\" goes a number of bits from 0 to 32, such as /8"},
    {STR("::/129"), "network \"::/129\": behind the \"/\" goes a number of bits from 0 to 128, such as /32"},
    {STR("::/4294967304"),
     "network \"::/4294967304\": behind the \"/\" goes a number of bits from 0 to 128, such as /32"},
    {STR(""), "\"\"" NOT_A_NETWORK},
    {STR("/8"), "\"/8\"" NOT_A_NETWORK},
    {STR("localhost"), "\"localhost\"" NOT_A_NETWORK},
    {STR("010.0.0.0/8"), "\"010.0.0.0/8\"" NOT_A_NETWORK},
    {STR("10.0.0"), "\"10.0.0\"" NOT_A_NETWORK},
    {STR("10.0.0.256"), "\"10.0.0.256\"" NOT_A_NETWORK},
    {STR(" 10.0.0.0/8"), "\" 10.0.0.0/8\"" NOT_A_NETWORK},
    {STR("[::1]"), "\"[::1]\"" NOT_A_NETWORK},
    {STR("fe80::1%eth0"), "\"fe80::1%eth0\"" NOT_A_NETWORK},
    {STR("1:2:3:4:5:6:7:8:9"), "\"1:2:3:4:5:6:7:8:9\"" NOT_A_NETWORK},
    {STR("::ffff:10.0.0.01"), "\"::ffff:10.0.0.01\"" NOT_A_NETWORK},
    {STR("10.0.0.1\0"), "\"10.0.0.1\\x00\"" NOT_A_NETWORK},
    {STR("a\"\\\xff"), "\"a\\\"\\\\\\xff\"" NOT_A_NETWORK},
    {STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyz"),
     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"" NOT_A_NETWORK},
};

TEST(errors, "a wrong network is refused with the text, short and printable, and what to write instead")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct network network;
        struct err e = {0};

        CHECK_INT(network_parse(refused[i].text, &network, &e), -1);
        CHECK_TEXT(e.text, refused[i].error);
        CHECK_INT(e.code, ERR_INVALID);
    }
}

TEST(no_address, "an address has no prefix, zone, port, brackets or leading zeros")
{
    static const char *const wrong[] = {"",      "10.0.0.0/8", "10.0.0.1:80", "[::1]",    "::1%lo",    "::1/128",
                                        "1.2.3", "1.2.3.4.5",  "01.2.3.4",    "1.2.3.4 ", "0x1.2.3.4", ":",
                                        ":::",   "1::2::3",    "12345::",     "g::",      "16909060"};
    struct network_address out;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        memset(&out, 0xff, sizeof(out));
        if (network_address_parse(str_of(wrong[i]), &out) || out.known)
            test_fail(__FILE__, __LINE__, "%s was taken for an address", wrong[i]);
    }
}

TEST(sockets, "addresses of IPv4 and IPv6 sockets are known, and a mapped one is the IPv4 address")
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct network_address from, wanted = address("192.0.2.7");

    CHECK_INT(inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr), 1);
    network_address_of((const struct sockaddr *)&v4, &from);
    CHECK(network_address_equal(&from, &wanted));
    CHECK_INT(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
    network_address_of((const struct sockaddr *)&v6, &from);
    CHECK(network_address_equal(&from, &wanted));
    CHECK_INT(inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr), 1);
    network_address_of((const struct sockaddr *)&v6, &from);
    CHECK(!network_address_equal(&from, &wanted));
    wanted = address("2001:db8::7");
    CHECK(network_address_equal(&from, &wanted));
}

TEST(unknown, "the address of a Unix socket is not known, equals nothing, and is in no network")
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct network_address from, zero = address("::");
    static const char *const all[] = {"::/0", "0.0.0.0/0", "::"};

    network_address_of((const struct sockaddr *)&local, &from);
    CHECK(!from.known);
    CHECK(!network_address_equal(&from, &from));
    CHECK(!network_address_equal(&from, &zero));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct network network;

        CHECK_INT(network_parse(str_of(all[i]), &network, NULL), 0);
        CHECK(!network_contains(&network, &from));
    }
}
