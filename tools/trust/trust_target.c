#include "tools/trust/trust_target.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/file.h"

enum { HOSTS_FILE_MAX = 1 << 20, WORD_MAX = 255, PORT_MAX = 65535 };

#define MACHINE "machine:"

/* Becomes root, then reads the script. No single quote may stand in it, see IN_SHELL. */
#define AS_ROOT                                                                \
    "LC_ALL=C; export LC_ALL; if test \"$(id -u)\" = 0; then exec sh -s; fi; " \
    "if command -v sudo >/dev/null 2>&1; then exec sudo -n sh -s; fi; "        \
    "echo \"not root on this host, and it has no sudo: connect as root, or install sudo\" >&2; exit 1"
/* The login shell at the other end may be any: it only has to pass on one quoted word. */
#define IN_SHELL "sh -c '" AS_ROOT "'"

static bool is_word(struct str s, const char *also)
{
    return s.n > 0 && s.n <= WORD_MAX && s.p[0] != '-' && str_has_only(s, str_of(also));
}

static bool is_ipv6(struct str s)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr address;

    if (s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_port(struct str s)
{
    uint64_t number;

    return str_to_u64(s, &number) && number >= 1 && number <= PORT_MAX;
}

/* host, host:port, IPv6 address, [IPv6 address], [IPv6 address]:port. */
static bool split_host(struct str s, struct str *host, struct str *port)
{
    size_t colon;

    *host = s;
    *port = (struct str){0};
    if (is_ipv6(s))
        return true;
    if (s.n > 0 && s.p[0] == '[') {
        size_t end = str_find(s, ']');

        if (end == s.n)
            return false;
        *host = (struct str){s.p + 1, end - 1};
        s = str_from(s, end + 1);
        *port = str_from(s, 1);
        return is_ipv6(*host) && (s.n == 0 || (s.p[0] == ':' && is_port(*port)));
    }
    colon = str_find(s, ':');
    host->n = colon;
    *port = str_from(s, colon + 1);
    return is_word(*host, ".-_") && (colon == s.n || is_port(*port));
}

static int parse_ssh(struct str text, struct trust_target *out, struct err *e)
{
    size_t at = str_find(text, '@');
    struct str user = {text.p, at == text.n ? 0 : at};
    struct str host, port;

    if (at < text.n && !is_word(user, ".-_+$\\"))
        return err_set(e, ERR_INVALID, "%.*s: not a user name in front of the @", (int)text.n, text.p);
    if (!split_host(at == text.n ? text : str_from(text, at + 1), &host, &port))
        return err_set(e, ERR_INVALID,
                       "%.*s: a target is local, [user@]host[:port] or machine:NAME; an IPv6 address with a port "
                       "stands in brackets, as in [2001:db8::7]:22",
                       (int)text.n, text.p);
    out->reach = REACH_SSH;
    out->user = user.n == 0 ? NULL : str_dup(user);
    out->host = str_dup(host);
    out->port = port.n == 0 ? NULL : str_dup(port);
    return 0;
}

static int parse(struct str text, struct trust_target *out, struct err *e)
{
    struct str machine = str_from(text, sizeof(MACHINE) - 1);

    *out = (struct trust_target){.reach = REACH_LOCAL};
    if (str_starts(text, STR(MACHINE))) {
        if (!is_word(machine, ".-_"))
            return err_set(e, ERR_INVALID, "%.*s: not the name of a machine", (int)text.n, text.p);
        out->reach = REACH_MACHINE;
        out->host = str_dup(machine);
    } else if (!str_eq(text, STR("local")) && parse_ssh(text, out, e) != 0) {
        return -1;
    }
    out->text = str_dup(text);
    return 0;
}

static int add(struct trust_targets *targets, struct str text, struct err *e)
{
    struct trust_target target;

    for (size_t i = 0; i < targets->n; i++)
        if (str_eq(str_of(targets->items[i].text), text))
            return 0;
    if (targets->n == TRUST_TARGETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d targets", TRUST_TARGETS_MAX);
    if (parse(text, &target, e) != 0)
        return -1;
    targets->items = xrealloc(targets->items, (targets->n + 1) * sizeof(*targets->items));
    targets->items[targets->n++] = target;
    return 0;
}

int trust_targets_add(struct trust_targets *targets, const char *text, struct err *e)
{
    return add(targets, str_of(text), e);
}

/* A line without its comment and the blanks around it, which may be a carriage return. */
static struct str content_of(struct str line)
{
    line.n = str_find(line, '#');
    line = str_trim(line);
    while (line.n > 0 && line.p[line.n - 1] == '\r')
        line = str_trim((struct str){line.p, line.n - 1});
    return line;
}

int trust_targets_read(struct trust_targets *targets, const char *path, struct err *e)
{
    struct sbuf text = {0};
    unsigned number = 0;
    int rc = file_read(path, HOSTS_FILE_MAX, &text, e);

    for (struct str rest = {text.p, rc == 0 ? text.n : 0}; rc == 0 && rest.n > 0;) {
        struct str line = {rest.p, str_find(rest, '\n')};
        struct str target = content_of(line);

        number++;
        if (target.n > 0 && add(targets, target, e) != 0)
            rc = err_wrap(e, "%s:%u", path, number);
        rest = str_from(rest, line.n + 1);
    }
    sbuf_free(&text);
    return rc;
}

void trust_targets_free(struct trust_targets *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        free(targets->items[i].text);
        free(targets->items[i].user);
        free(targets->items[i].host);
        free(targets->items[i].port);
    }
    free(targets->items);
    *targets = (struct trust_targets){0};
}

/* What a configuration of ssh may say that leaves no room for our command and its standard input. A client that does not
 * know one of them (OpenSSH before 8.7) has no such setting either; "*" so that the configuration's own IgnoreUnknown
 * holds on. */
static const char *const plain_session[] = {
    "IgnoreUnknown=*", "RemoteCommand=none", "SessionType=default", "StdinNull=no", "ForkAfterAuthentication=no",
};

static size_t put_ssh(const struct trust_target *target, const struct trust_ssh *ssh, const char **out)
{
    size_t n = 0;

    out[n++] = "ssh";
    out[n++] = "-T";
    /* ssh takes the first value it sees: the caller's options go before ours. */
    for (size_t i = 0; i < ssh->option_count; i++) {
        out[n++] = "-o";
        out[n++] = ssh->options[i];
    }
    for (size_t i = 0; i < sizeof(plain_session) / sizeof(plain_session[0]); i++) {
        out[n++] = "-o";
        out[n++] = plain_session[i];
    }
    if (!ssh->may_ask) {
        out[n++] = "-o";
        out[n++] = "BatchMode=yes";
        out[n++] = "-o";
        out[n++] = "ConnectTimeout=10";
    }
    if (ssh->identity != NULL) {
        out[n++] = "-i";
        out[n++] = ssh->identity;
    }
    if (target->port != NULL) {
        out[n++] = "-p";
        out[n++] = target->port;
    }
    if (target->user != NULL) {
        out[n++] = "-l";
        out[n++] = target->user;
    }
    out[n++] = "--";
    out[n++] = target->host;
    out[n++] = IN_SHELL;
    return n;
}

void trust_target_command(const struct trust_target *target, const struct trust_ssh *ssh, bool as_root,
                          const char *out[TRUST_ARGUMENTS_MAX])
{
    size_t n = 0;

    if (target->reach == REACH_SSH) {
        n = put_ssh(target, ssh, out);
    } else if (target->reach == REACH_MACHINE) {
        out[n++] = "docker-machine";
        out[n++] = "ssh";
        out[n++] = target->host;
        out[n++] = IN_SHELL;
    } else {
        out[n++] = "sh";
        out[n++] = as_root ? "-c" : "-s";
        if (as_root)
            out[n++] = AS_ROOT;
    }
    out[n] = NULL;
}
