#include "registry/net/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/str.h"
#include "registry/config/address.h"

enum { BACKLOG = 4096, SYSTEMD_FIRST_FD = 3 };

/* What every connection shall have it inherits from the socket that listened (tcp(7)), which saves two calls each. Both
 * fail harmlessly on Unix sockets. */
static void set_options(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static int add(struct sockets *s, int fd, struct err *e)
{
    if (s->count == SOCKETS_MAX) {
        close(fd);
        return err_set(e, ERR_INVALID, "more than %d addresses to listen on", SOCKETS_MAX);
    }
    set_options(fd);
    s->fds[s->count++] = fd;
    return 0;
}

static int bind_failed(const char *key, const char *text, struct err *e)
{
    const char *remedy = errno == EADDRINUSE ? "another program listens there: stop it or choose another "
                         : errno == EACCES   ? "ports below 1024 need root or CAP_NET_BIND_SERVICE, or choose another "
                         : errno == EADDRNOTAVAIL ? "this machine has no such address: choose another "
                                                  : NULL;
    struct err cause;

    err_errno(&cause, "listen on %s", text);
    if (remedy == NULL)
        return err_set(e, cause.code, "%s", cause.text);
    return err_set(e, cause.code, "%s; %s%s", cause.text, remedy, key);
}

/* `spare`: an address family that this kernel lacks is no error. */
static int bind_to(struct sockets *s, const struct addrinfo *a, bool spare, const char *key, const char *text,
                   struct err *e)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 && spare && errno == EAFNOSUPPORT)
        return 0;
    if (fd < 0)
        return err_errno(e, "listen on %s", text);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0) {
        bind_failed(key, text, e);
        close(fd);
        return -1;
    }
    return add(s, fd, e);
}

int sockets_listen(const struct sockets *s, const char *key, const char *text, struct err *e)
{
    for (size_t i = 0; i < s->count && !s->inherited; i++)
        if (listen(s->fds[i], BACKLOG) != 0)
            return bind_failed(key, text, e);
    return 0;
}

int sockets_open_tcp(struct sockets *s, const char *key, const char *addr, struct err *e)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct address address;
    char *host, *port;
    int rc;

    if (address_parse(str_of(addr), true, &address, e) != 0)
        return err_wrap(e, "%s", key);
    host = address.host.n == 0 ? NULL : str_dup(address.host);
    port = str_dup(address.port);
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        err_set(e, ERR_INVALID, "%s %s: %s", key, addr, gai_strerror(rc));
    for (const struct addrinfo *a = found; a != NULL && rc == 0; a = a->ai_next)
        rc = bind_to(s, a, host == NULL, key, addr, e);
    if (found != NULL)
        freeaddrinfo(found);
    free(host);
    free(port);
    if (rc == 0 && s->count == 0)
        return err_set(e, ERR_INVALID, "listen on %s: this machine has neither IPv4 nor IPv6", addr);
    return rc == 0 ? 0 : -1;
}

/* Does somebody answer on this socket file? If not it is left over from a server that was killed. */
static bool unix_socket_is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

    if (fd >= 0)
        close(fd);
    return alive;
}

int sockets_open_unix(struct sockets *s, const char *key, const char *path, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct addrinfo a = {.ai_family = AF_UNIX, .ai_addr = (struct sockaddr *)&address, .ai_addrlen = sizeof(address)};
    struct stat old;

    if (strlen(path) >= sizeof(address.sun_path))
        return err_set(e, ERR_INVALID, "%s: socket path is longer than %zu bytes", key, sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode) && !unix_socket_is_alive(&address))
        unlink(path);
    if (bind_to(s, &a, false, key, path, e) != 0)
        return -1;
    s->unix_path = str_dup(str_of(path));
    return 0;
}

/* $LISTEN_PID is we, $LISTEN_FDS of them from number 3 on. */
int sockets_inherit(struct sockets *s, struct err *e)
{
    const char *pid = getenv("LISTEN_PID");
    const char *number = getenv("LISTEN_FDS");
    uint64_t owner, count;

    if (pid == NULL || number == NULL || !str_to_u64(str_of(pid), &owner) || !str_to_u64(str_of(number), &count) ||
        owner != (uint64_t)getpid() || count == 0)
        return 0;
    for (uint64_t i = 0; i < count && i <= SOCKETS_MAX; i++) {
        int fd = SYSTEMD_FIRST_FD + (int)i;

        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
            return err_errno(e, "inherited socket %d", fd);
        if (add(s, fd, e) != 0)
            return -1;
    }
    s->inherited = s->count > 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return 0;
}

static bool is_local(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address;
    socklen_t n = sizeof(address);

    memset(&address, 0, sizeof(address));
    if (getsockname(fd, &address.any, &n) != 0)
        return false;
    if (address.any.sa_family == AF_INET)
        return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (address.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
    return address.any.sa_family == AF_UNIX;
}

int sockets_give(const struct sockets *s, uid_t uid, gid_t gid, struct err *e)
{
    if (s->unix_path != NULL && chown(s->unix_path, uid, gid) != 0)
        return err_errno(e, "give %s to user %u", s->unix_path, (unsigned)uid);
    return 0;
}

bool sockets_are_local(const struct sockets *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!is_local(s->fds[i]))
            return false;
    return true;
}

void sockets_close(struct sockets *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->fds[i] >= 0)
            close(s->fds[i]);
    s->count = 0;
    if (s->unix_path != NULL)
        unlink(s->unix_path);
    free(s->unix_path);
    s->unix_path = NULL;
}
