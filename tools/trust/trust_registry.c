#include "tools/trust/trust_registry.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/str.h"

enum { HTTPS_PORT = 443, PORT_MAX = 65535 };

/* The text in its parts. `port` is empty when there is none. */
struct parts {
    struct str host, port;
    bool bracketed;
};

static int split(const char *text, struct parts *out, struct err *e)
{
    struct str s = str_of(text), rest;
    size_t end;

    *out = (struct parts){.bracketed = s.n > 0 && s.p[0] == '['};
    end = str_find(s, out->bracketed ? ']' : ':');
    if (out->bracketed && end == s.n)
        return err_set(e, ERR_INVALID, "%s: the bracket is not closed", text);
    out->host = out->bracketed ? (struct str){s.p + 1, end - 1} : (struct str){s.p, end};
    rest = str_from(s, out->bracketed ? end + 1 : end);
    if (rest.n == 0)
        return 0;
    if (rest.p[0] != ':' || rest.n == 1)
        return err_set(e, ERR_INVALID, "%s: a registry is written HOST or HOST:PORT", text);
    out->port = str_from(rest, 1);
    if (!out->bracketed && str_find(out->port, ':') < out->port.n)
        return err_set(e, ERR_INVALID, "%s: an IPv6 address stands in brackets, as in [2001:db8::5]:5000", text);
    return 0;
}

static int read_port(const char *text, struct str port, unsigned *out, struct err *e)
{
    uint64_t number = HTTPS_PORT;

    if (port.n > 0 && (!str_to_u64(port, &number) || number == 0 || number > PORT_MAX || port.p[0] == '0'))
        return err_set(e, ERR_INVALID, "%s: a port is a number from 1 to %d", text, PORT_MAX);
    *out = (unsigned)number;
    return 0;
}

/* Do clients take it for a registry when no port follows? */
static bool stands_alone(const struct host *host)
{
    return strpbrk(host->text, ".:") != NULL || strcmp(host->text, "localhost") == 0;
}

static int read_host(const char *text, const struct parts *parts, struct host *out, struct err *e)
{
    char *host = str_dup(parts->host);
    int rc = host_parse(host, out, e);

    free(host);
    if (rc != 0)
        return -1;
    if (out->text[0] == '*')
        return err_set(e, ERR_INVALID, "%s: a registry has one name, not a wildcard", text);
    if (parts->bracketed != (strchr(out->text, ':') != NULL))
        return err_set(e, ERR_INVALID, "%s: brackets are for IPv6 addresses, and these need them", text);
    if (parts->port.n == 0 && !stands_alone(out))
        return err_set(e, ERR_INVALID,
                       "%s: clients take %s/app for a repository at Docker Hub; write %s:443 or the full name", text,
                       out->text, out->text);
    return 0;
}

static void name_it(struct trust_registry *registry, bool with_port)
{
    const char *open = strchr(registry->host.text, ':') == NULL ? "" : "[";
    const char *close = open[0] == '\0' ? "" : "]";
    size_t n = 0;

    snprintf(registry->connect, sizeof(registry->connect), "%s%s%s:%u", open, registry->host.text, close,
             registry->port);
    if (with_port)
        snprintf(registry->names[registry->name_count++], TRUST_NAME_ROOM, "%s", registry->connect);
    if (registry->port == HTTPS_PORT && stands_alone(&registry->host))
        snprintf(registry->names[registry->name_count++], TRUST_NAME_ROOM, "%s%s%s", open, registry->host.text, close);
    for (const char *p = registry->names[0]; *p != '\0'; p++)
        if (*p != '[' && *p != ']')
            registry->plain[n++] = (char)(*p == ':' ? '+' : *p); /* no host name has a plus sign */
    registry->plain[n] = '\0';
}

int trust_registry_parse(const char *text, struct trust_registry *out, struct err *e)
{
    struct parts parts;

    *out = (struct trust_registry){.name_count = 0};
    if (strpbrk(text, "/") != NULL)
        return err_set(e, ERR_INVALID, "%s: write the registry as it stands in image names, without https:// and path",
                       text);
    if (split(text, &parts, e) != 0 || read_port(text, parts.port, &out->port, e) != 0 ||
        read_host(text, &parts, &out->host, e) != 0)
        return -1;
    name_it(out, parts.port.n > 0);
    return 0;
}
