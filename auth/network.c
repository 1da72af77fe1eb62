#include "auth/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* base */
#include "registry/base/quote.h"

/* What stands in front of an IPv4 address (RFC 4291 §2.5.5.2), and how many bits that is. */
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
enum { MAPPED_BITS = 96, ADDRESS_BITS = 128 };

static void keep(struct network_address *out, const void *bytes, int family)
{
    out->known = true;
    if (family == AF_INET6) {
        memcpy(out->bytes, bytes, sizeof(out->bytes));
        return;
    }
    memcpy(out->bytes, mapped, sizeof(mapped));
    memcpy(out->bytes + sizeof(mapped), bytes, sizeof(struct in_addr));
}

/* Copied first: the bytes need not lie where a struct of their family may. */
void network_address_of(const struct sockaddr *from, struct network_address *out)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(out, 0, sizeof(*out));
    if (from->sa_family == AF_INET) {
        memcpy(&v4, from, sizeof(v4));
        keep(out, &v4.sin_addr, AF_INET);
    } else if (from->sa_family == AF_INET6) {
        memcpy(&v6, from, sizeof(v6));
        keep(out, &v6.sin6_addr, AF_INET6);
    }
}

/* The family of the address, AF_UNSPEC when it is none. inet_pton(3) refuses zones, short forms, and the leading zeros
 * of IPv4 that some readers take for octal. */
static int parse(struct str text, struct network_address *out)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    int family = str_find(text, ':') < text.n ? AF_INET6 : AF_INET;

    memset(out, 0, sizeof(*out));
    if (text.n == 0 || text.n >= sizeof(copy) || str_find(text, '\0') < text.n)
        return AF_UNSPEC;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(family, copy, bytes) != 1)
        return AF_UNSPEC;
    keep(out, bytes, family);
    return family;
}

bool network_address_parse(struct str text, struct network_address *out)
{
    return parse(text, out) != AF_UNSPEC;
}

bool network_address_is_ipv4(const struct network_address *address)
{
    return address->known && memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

bool network_address_equal(const struct network_address *a, const struct network_address *b)
{
    return a->known && b->known && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Decimal, no sign, no leading zero. */
static bool parse_bits(struct str text, unsigned most, unsigned *out)
{
    uint64_t value;

    if (!str_to_u64(text, &value) || value > most || (text.n > 1 && text.p[0] == '0'))
        return false;
    *out = (unsigned)value;
    return true;
}

static void clear_behind(uint8_t bytes[16], unsigned prefix)
{
    for (unsigned i = prefix; i < ADDRESS_BITS; i++)
        bytes[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
}

static int refuse_bits(const struct network *meant, int family, struct str text, struct err *e)
{
    bool v4 = family == AF_INET;
    char address[INET6_ADDRSTRLEN], quoted[QUOTE_MAX];

    inet_ntop(family, v4 ? meant->bytes + sizeof(mapped) : meant->bytes, address, sizeof(address));
    return err_set(e, ERR_INVALID, "network %s has bits behind its prefix; write %s/%u", quote(text, quoted), address,
                   v4 ? meant->prefix - MAPPED_BITS : meant->prefix);
}

int network_parse(struct str text, struct network *out, struct err *e)
{
    size_t slash = str_find(text, '/');
    struct network_address address;
    int family = parse((struct str){text.p, slash}, &address);
    unsigned most = family == AF_INET ? ADDRESS_BITS - MAPPED_BITS : ADDRESS_BITS, bits = most;
    char quoted[QUOTE_MAX];

    memset(out, 0, sizeof(*out));
    if (family == AF_UNSPEC)
        return err_set(
            e, ERR_INVALID,
            "%s is not a network; write an address such as 192.0.2.1 or 2001:db8::1 (no host name, brackets, "
            "port or zone), or a network such as 10.0.0.0/8 or 2001:db8::/32",
            quote(text, quoted));
    if (slash < text.n && !parse_bits(str_from(text, slash + 1), most, &bits))
        return err_set(e, ERR_INVALID, "network %s: behind the \"/\" goes a number of bits from 0 to %u, such as /%u",
                       quote(text, quoted), most, most / 4);
    out->prefix = bits + ADDRESS_BITS - most;
    memcpy(out->bytes, address.bytes, sizeof(out->bytes));
    clear_behind(out->bytes, out->prefix);
    if (memcmp(out->bytes, address.bytes, sizeof(out->bytes)) != 0)
        return refuse_bits(out, family, text, e);
    return 0;
}

bool network_contains(const struct network *network, const struct network_address *address)
{
    unsigned whole = network->prefix / 8, rest = network->prefix % 8;

    if (!address->known || memcmp(network->bytes, address->bytes, whole) != 0)
        return false;
    /* "::/0" is written for all of IPv6, not for IPv4 as well. */
    if (network->prefix < MAPPED_BITS && memcmp(address->bytes, mapped, sizeof(mapped)) == 0)
        return false;
    return rest == 0 || (network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}
