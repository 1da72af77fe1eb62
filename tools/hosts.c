#include "tools/hosts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* base */
#include "registry/base/str.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 }; /* RFC 1035 §2.3.4, without the root's dot */

static bool parse_address(const char *text, struct host *out)
{
    struct in6_addr six;
    struct in_addr four;

    out->kind = HOST_ADDRESS;
    if (inet_pton(AF_INET, text, &four) == 1)
        return inet_ntop(AF_INET, &four, out->text, sizeof(out->text)) != NULL;
    if (inet_pton(AF_INET6, text, &six) == 1)
        return inet_ntop(AF_INET6, &six, out->text, sizeof(out->text)) != NULL;
    return false;
}

static bool is_label(struct str label)
{
    if (label.n == 0 || label.n > LABEL_MAX_BYTES || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        char c = label.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* Labels with dots between them, the last of them not a number: that would be a broken IPv4 address. Returns how many,
 * 0 when it is no name. */
static size_t count_labels(struct str name)
{
    struct str label = {0};
    uint64_t number;
    size_t n = 0;

    do {
        label = (struct str){name.p, str_find(name, '.')};
        if (!is_label(label))
            return 0;
        n++;
        if (label.n == name.n)
            break;
        name = str_from(name, label.n + 1);
    } while (true);
    return str_to_u64(label, &number) ? 0 : n;
}

static int parse_name(const char *text, struct host *out, struct err *e)
{
    struct str name = str_of(text);
    bool wildcard = str_starts(name, STR("*."));
    size_t labels;

    if (name.n > NAME_MAX_BYTES)
        return err_set(e, ERR_INVALID, "a host name of %zu bytes; %d are allowed", name.n, NAME_MAX_BYTES);
    out->kind = HOST_NAME;
    for (size_t i = 0; i <= name.n; i++)
        out->text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    labels = count_labels(str_of(out->text + (wildcard ? 2 : 0)));
    if (labels == 0 && strpbrk(text, "[]:/%") != NULL)
        return err_set(e, ERR_INVALID,
                       "%s: not a host name or address; write it without scheme, port, brackets or zone", text);
    if (labels == 0)
        return err_set(e, ERR_INVALID,
                       "%s: not a host name or address; names outside ASCII are written in their xn-- form", text);
    if (wildcard && labels < 2)
        return err_set(e, ERR_INVALID,
                       "%s: too wide; clients ignore a wildcard that is not below two labels, as in *.example.org",
                       text);
    return 0;
}

int host_parse(const char *text, struct host *out, struct err *e)
{
    return parse_address(text, out) ? 0 : parse_name(text, out, e);
}

static int add(struct hosts *hosts, const struct host *host, struct err *e)
{
    for (size_t i = 0; i < hosts->n; i++)
        if (hosts->items[i].kind == host->kind && strcmp(hosts->items[i].text, host->text) == 0)
            return 0;
    if (hosts->n == HOSTS_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d hosts", HOSTS_MAX);
    hosts->items[hosts->n++] = *host;
    return 0;
}

int hosts_add(struct hosts *hosts, const char *text, struct err *e)
{
    struct host host;

    return host_parse(text, &host, e) == 0 ? add(hosts, &host, e) : -1;
}

/* ASCII without blanks, short enough, and so many bytes that they can be something. */
static bool is_plain(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return n > 0 && n < HOST_ROOM;
}

int hosts_add_email(struct hosts *hosts, const char *text, struct err *e)
{
    struct host host = {.kind = HOST_EMAIL}, domain;
    const char *at = strrchr(text, '@');

    if (!is_plain(text) || at == NULL || at == text || parse_name(at + 1, &domain, NULL) != 0 || at[1] == '*')
        return err_set(e, ERR_INVALID, "%s: not an e-mail address in ASCII, as in alice@example.org", text);
    snprintf(host.text, sizeof(host.text), "%s", text);
    return add(hosts, &host, e);
}

int hosts_add_uri(struct hosts *hosts, const char *text, struct err *e)
{
    static const char scheme[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    struct host host = {.kind = HOST_URI};
    size_t n = strspn(text, scheme);

    if (!is_plain(text) || n == 0 || text[n] != ':' || text[n + 1] == '\0' || strchr("0123456789+-.", text[0]) != NULL)
        return err_set(e, ERR_INVALID, "%s: not a URI with its scheme, as in spiffe://example.org/builder", text);
    snprintf(host.text, sizeof(host.text), "%s", text);
    return add(hosts, &host, e);
}

int hosts_add_address(struct hosts *hosts, const char *text, struct err *e)
{
    struct host host;

    if (!parse_address(text, &host))
        return err_set(e, ERR_INVALID, "%s: not an address; a certificate holds single IPv4 and IPv6 addresses%s", text,
                       strchr(text, '/') == NULL ? "" : ", and networks are for the server's access rules");
    return add(hosts, &host, e);
}

static bool parse_port(const char *text, char port[PORT_ROOM])
{
    uint64_t number;

    if (!str_to_u64(str_of(text), &number) || number == 0 || number > UINT16_MAX)
        return false;
    snprintf(port, PORT_ROOM, "%u", (unsigned)(uint16_t)number);
    return true;
}

int host_port_parse(const char *text, struct host *host, char port[PORT_ROOM], struct err *e)
{
    char name[HOST_ROOM];
    bool bracket = text[0] == '[';
    const char *begin = text + bracket;
    const char *end = bracket ? strchr(text, ']') : strchr(text, ':');
    const char *rest;

    if (!bracket && end != NULL && strchr(end + 1, ':') != NULL) /* IPv6 without brackets, so without port */
        end = NULL;
    if (end == NULL)
        end = begin + strlen(begin);
    rest = end + (bracket && *end == ']');
    snprintf(port, PORT_ROOM, "443");
    if ((bracket && *end != ']') || (size_t)(end - begin) >= sizeof(name) ||
        (*rest != '\0' && (*rest != ':' || !parse_port(rest + 1, port))))
        return err_set(e, ERR_INVALID, "%s: write HOST:PORT, as in registry.example.org:5000 or [2001:db8::5]:5000",
                       text);
    snprintf(name, sizeof(name), "%.*s", (int)(end - begin), begin);
    if (host_parse(name, host, e) != 0)
        return -1;
    return bracket && strchr(host->text, ':') == NULL
               ? err_set(e, ERR_INVALID, "%s: only IPv6 addresses stand in brackets", text)
               : 0;
}

/* What the name service calls the machine; "" when it does not answer soon. */
static void find_full_name(const char *name, char *out, size_t room)
{
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    out[0] = '\0';
    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return;
    if (found->ai_canonname != NULL)
        snprintf(out, room, "%s", found->ai_canonname);
    freeaddrinfo(found);
}

static void add_names(struct hosts *hosts)
{
    char name[HOST_ROOM] = "", full[HOST_ROOM];

    if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
        return;
    if (getenv("RES_OPTIONS") ==
        NULL) /* see resolv.conf(5): a machine without a name service must not wait half a minute */
        setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    find_full_name(name, full, sizeof(full));
    /* A machine may have a name that no certificate can hold; its addresses remain. */
    if (full[0] != '\0')
        hosts_add(hosts, full, NULL);
    hosts_add(hosts, name, NULL);
}

/* Can others reach it? Link-local IPv6 addresses need a zone, which certificates cannot express. */
static bool is_useful(const struct ifaddrs *interface)
{
    const struct sockaddr *address = interface->ifa_addr;

    if (address == NULL || (interface->ifa_flags & IFF_UP) == 0 || (interface->ifa_flags & IFF_LOOPBACK) != 0)
        return false;
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;

        memcpy(&six, address, sizeof(six));
        return !IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr);
    }
    return address->sa_family == AF_INET;
}

static int add_addresses(struct hosts *hosts, int family, struct err *e)
{
    struct ifaddrs *interfaces;
    int rc = 0;

    if (getifaddrs(&interfaces) != 0)
        return err_errno(e, "list the network interfaces");
    for (struct ifaddrs *i = interfaces; i != NULL && rc == 0; i = i->ifa_next) {
        char text[HOST_ROOM];
        socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

        if (is_useful(i) && i->ifa_addr->sa_family == family &&
            getnameinfo(i->ifa_addr, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
            rc = hosts_add(hosts, text, e);
    }
    freeifaddrs(interfaces);
    return rc;
}

int hosts_of_machine(struct hosts *hosts, struct err *e)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};

    add_names(hosts);
    if (add_addresses(hosts, AF_INET, e) != 0 || add_addresses(hosts, AF_INET6, e) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (hosts_add(hosts, always[i], e) != 0)
            return -1;
    return 0;
}
