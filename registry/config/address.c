#include "registry/config/address.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_port(struct str port)
{
    uint64_t number;

    return port.n <= 5 && str_to_u64(port, &number) && number <= 65535;
}

/* Letters, digits, '.', '-' and the '_' that container networks use: a DNS name or an IPv4 address. */
static bool is_name(struct str host)
{
    return host.n <= 253 && str_has_only(host, STR(".-_"));
}

static bool is_ipv6(struct str host)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    size_t n = str_find(host, '%');
    struct str zone = str_from(host, n + 1);

    if (n >= sizeof(text) || (n < host.n && (zone.n == 0 || !is_name(zone))))
        return false;
    memcpy(text, host.p, n);
    text[n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* "[v6]" or "[v6]:port": sets the host, leaves ":port" or nothing in *rest. */
static int take_brackets(struct str text, struct address *out, struct str *rest, struct err *e)
{
    size_t end = str_find(text, ']');

    out->host = (struct str){text.p + 1, end - 1};
    *rest = str_from(text, end + 1);
    if (end == text.n || !is_ipv6(out->host))
        return err_set(e, ERR_INVALID, "no IPv6 address between the brackets; write for example [2001:db8::5]:5000");
    if (rest->n > 0 && rest->p[0] != ':')
        return err_set(e, ERR_INVALID, "only :port may follow the bracket; write for example [2001:db8::5]:5000");
    return 0;
}

/* "name" or "name:port". */
static int take_name(struct str text, struct address *out, struct str *rest, struct err *e)
{
    size_t colon = str_find(text, ':');

    out->host = (struct str){text.p, colon};
    *rest = str_from(text, colon);
    if (rest->n > 0 && str_find(str_from(*rest, 1), ':') != rest->n - 1)
        return err_set(e, ERR_INVALID,
                       "more than one colon; an IPv6 address goes in brackets, as in [2001:db8::5]:5000");
    if (!is_name(out->host))
        return err_set(e, ERR_INVALID,
                       "the host is neither a name nor an address; write host:port, for example 127.0.0.1:5000");
    return 0;
}

int address_parse(struct str text, bool port_required, struct address *out, struct err *e)
{
    struct str rest = {0};
    bool brackets = text.n > 0 && text.p[0] == '[';

    if ((brackets ? take_brackets : take_name)(text, out, &rest, e) != 0)
        return -1;
    out->port = str_from(rest, 1);
    if (rest.n == 0 && port_required)
        return err_set(e, ERR_INVALID, "no port; write host:port, or :5000 for every address of this machine");
    if (rest.n > 0 && !is_port(out->port))
        return err_set(e, ERR_INVALID, "the port is not a number from 0 to 65535; write for example :5000");
    return 0;
}
