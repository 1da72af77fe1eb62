/* Where the server listens, who reaches it there, and what it is called. */
#include "tools/doctor/checks.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* base */
#include "registry/base/file.h"

/* config */
#include "registry/config/address.h"

/* tools */
#include "tools/doctor/advice.h"
#include "tools/doctor/ports.h"

enum { LOOKUP_MS = 3000, FIRST_FREE_PORT = 1024, ANSWER_KNOWN = 0, ANSWER_UNKNOWN = 1, ANSWER_NONE = 2 };

static bool is_tcp(const struct patient *p)
{
    return strcmp(p->config->http_net, "tcp") == 0;
}

/* Can others than this machine's own programs reach it? */
static bool is_public(const char *addr)
{
    struct address address;
    bool public;
    char *host;

    if (addr == NULL || address_parse(str_of(addr), true, &address, NULL) != 0)
        return false;
    host = str_dup(address.host);
    public = address.host.n == 0 || !advice_is_local(host);
    free(host);
    return public;
}

void check_exposure(struct patient *p)
{
    const struct config *config = p->config;
    bool public = is_tcp(p) && is_public(config->http_addr);
    bool identifies = config->auth == CONFIG_AUTH_HTPASSWD || config_verifies(config->client_auth);

    if (public && !identifies && config->access == NULL && config->access_file == NULL) {
        complain(p, SEVERITY_WARNING, "whoever reaches %s may push and delete: there is no auth and no access rule",
                 config->http_addr);
        advise(p, "berth-user add NAME --file /etc/berth/htpasswd, and set auth.htpasswd.path to that file");
    }
    if (public && config->tls_certificate == NULL) {
        complain(p, SEVERITY_WARNING, "%s speaks plain HTTP: passwords and images can be read and changed on the way",
                 config->http_addr);
        advise(p, "berth-ca init --dir /etc/berth/ca && berth-ca server --dir /etc/berth/ca HOST..., and set "
                  "http.tls.certificate and http.tls.key; behind a proxy with TLS listen on 127.0.0.1");
    }
    if (is_public(config->debug_addr)) {
        complain(p, SEVERITY_WARNING, "http.debug.addr %s tells metrics to whoever asks, without a password",
                 config->debug_addr);
        advise(p, "set http.debug.addr to 127.0.0.1:5001, or let a firewall keep others away");
    }
}

/* ---- addresses ---- */

/* The first port that needs no rights. */
static unsigned first_free_port(const struct patient *p)
{
    struct sbuf text = {0};
    char path[PATH_MAX];
    uint64_t port = FIRST_FREE_PORT;

    snprintf(path, sizeof(path), "%s/sys/net/ipv4/ip_unprivileged_port_start", p->world->proc);
    if (file_read(path, 64, &text, NULL) == 0)
        str_to_u64((struct str){text.p, str_find((struct str){text.p, text.n}, '\n')}, &port);
    sbuf_free(&text);
    return (unsigned)port;
}

static unsigned port_of(const struct addrinfo *a)
{
    struct sockaddr_in in;

    memcpy(&in, a->ai_addr, sizeof(in)); /* the port is where IPv6 has it, too */
    return ntohs(in.sin_port);
}

/* May a socket have this address? Asked with any port, so that nobody else is disturbed. */
static bool has_address(const struct addrinfo *a)
{
    struct sockaddr_storage any;
    struct sockaddr_in in;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has;
    int why;

    if (fd < 0)
        return false;
    memcpy(&any, a->ai_addr, a->ai_addrlen);
    memcpy(&in, &any, sizeof(in));
    in.sin_port = 0;
    memcpy(&any, &in, sizeof(in.sin_family) + sizeof(in.sin_port));
    has = bind(fd, (const struct sockaddr *)&any, a->ai_addrlen) == 0;
    why = errno;
    close(fd);
    errno = why;
    return has;
}

static void check_port(struct patient *p, const char *key, const char *addr, const struct addrinfo *a)
{
    struct port_holder holder;

    if (port_of(a) != 0 && port_of(a) < first_free_port(p) && geteuid() != 0 && p->user.uid != 0) {
        complain(p, SEVERITY_WARNING, "%s %s: ports below %u need root or CAP_NET_BIND_SERVICE", key, addr,
                 first_free_port(p));
        advise(p, "start it as root with berth serve --user %s, or by conf/berth.service, or choose port 5000",
               p->user.name);
    }
    if (!port_is_taken(p->world->proc, a->ai_addr, &holder))
        return;
    /* The server itself, or systemd, which listens for it. */
    if ((holder.pid != 0 && holder.pid == p->server) || strcmp(holder.name, "systemd") == 0)
        return;
    if (holder.pid != 0) {
        complain(p, SEVERITY_ERROR, "%s %s: process %d (%s) listens there", key, addr, (int)holder.pid, holder.name);
        advise(p, "stop process %d, or choose another port for %s", (int)holder.pid, key);
    } else if (p->server == 0) {
        complain(p, SEVERITY_ERROR, "%s %s: another program listens there", key, addr);
        advise(p, "ss -tlnp, as root, tells which; stop it, or choose another port for %s", key);
    }
}

/* `spare`: an address family that this machine lacks is no error. */
static void check_found(struct patient *p, const char *key, const char *addr, const struct addrinfo *found, bool spare)
{
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (!has_address(a)) {
            if (spare)
                continue;
            complain(p, SEVERITY_ERROR, "%s %s: %s", key, addr,
                     a->ai_family == AF_INET6 && errno == EAFNOSUPPORT ? "this machine has no IPv6"
                                                                       : "this machine has no such address");
            advise(p, "ip address shows those it has; or write :%u for all of them", port_of(a));
            return;
        }
        check_port(p, key, addr, a);
    }
}

static void check_address(struct patient *p, const char *key, const char *addr)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct address address;
    char *host, *port;

    if (address_parse(str_of(addr), true, &address, NULL) != 0)
        return;
    host = address.host.n == 0 ? NULL : str_dup(address.host);
    port = str_dup(address.port);
    hints.ai_flags |= host != NULL && str_has_only(address.host, STR(".:")) &&
                              strpbrk(host, "ghijklmnopqrstuvwxyz") == NULL
                          ? AI_NUMERICHOST
                          : 0;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        complain(p, SEVERITY_ERROR, "%s %s: no address is known for that name", key, addr);
        advise(p, "write an address of this machine, or :%s for all of them", port);
    }
    check_found(p, key, addr, found, host == NULL);
    if (found != NULL)
        freeaddrinfo(found);
    free(host);
    free(port);
}

static void check_socket(struct patient *p)
{
    const char *directory = directory_of(p->config->http_addr);

    if (user_may(p, directory, W_OK | X_OK))
        return;
    complain(p, SEVERITY_ERROR, "http.addr %s: user %s may not make a socket in %s (%s)", p->config->http_addr,
             p->user.name, directory, strerrordesc_np(errno));
    advise(p, "install -d -m 0755 -o %u -g %u %s", (unsigned)p->user.uid, (unsigned)p->user.gid, word(directory));
}

static void check_twice(struct patient *p, const char *key, const char *addr)
{
    if (addr == NULL || !is_tcp(p) || strcmp(addr, p->config->http_addr) != 0)
        return;
    complain(p, SEVERITY_ERROR, "%s is http.addr once more: %s", key, addr);
    advise(p, "choose another port for %s", key);
}

void check_addresses(struct patient *p)
{
    const struct config *config = p->config;
    const char *acme = config->acme_webroot == NULL ? NULL : config->acme_addr;

    if (is_tcp(p))
        check_address(p, "http.addr", config->http_addr);
    else
        check_socket(p);
    if (acme != NULL)
        check_address(p, "http.acme.addr", acme);
    if (config->debug_addr != NULL)
        check_address(p, "http.debug.addr", config->debug_addr);
    check_twice(p, "http.acme.addr", acme);
    check_twice(p, "http.debug.addr", config->debug_addr);
}

/* ---- http.host ---- */

/* Name services may take minutes to give up: a child asks, and is given three seconds. */
static int look_up(const char *name)
{
    struct addrinfo *found = NULL;
    int ends[2], status = 0, answer = ANSWER_NONE, rc;
    struct pollfd end;
    pid_t child;

    if (pipe(ends) != 0)
        return ANSWER_NONE;
    child = fork();
    if (child == 0) {
        close(ends[0]);
        rc = getaddrinfo(name, NULL, NULL, &found);
        _exit(rc == 0 ? ANSWER_KNOWN : rc == EAI_NONAME ? ANSWER_UNKNOWN : ANSWER_NONE);
    }
    close(ends[1]);
    end = (struct pollfd){.fd = ends[0], .events = POLLIN};
    if (child > 0 && poll(&end, 1, LOOKUP_MS) == 0)
        kill(child, SIGKILL);
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
        answer = WEXITSTATUS(status);
    close(ends[0]);
    return answer;
}

void check_host(struct patient *p)
{
    const char *url = p->config->http_host;
    struct address address;
    const char *rest;
    char *host;

    if (url == NULL || (rest = strstr(url, "://")) == NULL ||
        address_parse(str_of(rest + 3), false, &address, NULL) != 0)
        return;
    if (strncasecmp(url, "http://", 7) == 0 && p->config->tls_certificate != NULL) {
        complain(p, SEVERITY_ERROR, "http.host says http, but TLS is spoken: uploads would be sent to %s and fail",
                 url);
        advise(p, "set http.host to https://%s, or remove it", rest + 3);
    }
    host = str_dup(address.host);
    if (look_up(host) == ANSWER_UNKNOWN) {
        complain(p, SEVERITY_WARNING, "http.host: no address is known for %s here, and uploads are sent there", host);
        advise(p, "enter %s into the DNS or /etc/hosts, or remove http.host", host);
    }
    free(host);
}

/* ---- ACME ---- */

void check_acme(struct patient *p)
{
    const char *root = p->config->acme_webroot;
    struct stat st;

    if (root == NULL)
        return;
    if (stat(root, &st) != 0 && errno == ENOENT) {
        complain(p, SEVERITY_ERROR, "http.acme.webroot %s is not there", root);
        advise(p, "install -d -m 0755 %s", word(root));
    } else if (stat(root, &st) == 0 && !S_ISDIR(st.st_mode)) {
        complain(p, SEVERITY_ERROR, "http.acme.webroot %s is not a directory", root);
        advise(p, "set it to the directory that your ACME client writes to (certbot --webroot -w)");
    } else if (!user_may(p, root, R_OK | X_OK)) {
        complain(p, SEVERITY_ERROR, "user %s, who serves, may not read %s", p->user.name, root);
        advise(p, "chmod a+rx %s: what is in it is for everybody", word(root));
    }
}
