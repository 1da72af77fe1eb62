#include "registry/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/config/address.h"
#include "registry/base/log.h"
#include "registry/net/http1.h"
#include "registry/server.h"

enum { SOCKETS_MAX = 16, ACCEPTS_PER_EVENT = 64, BACKLOG = 4096, SYSTEMD_FIRST_FD = 3 };

struct listener {
    struct server *server;
    struct message start;
    int fds[SOCKETS_MAX]; /* -1: handed to libh2o */
    size_t count;
    char *unix_path; /* to remove at the end; NULL otherwise */
    char text[300];
    /* of the first loop */
    struct connection connection; /* in its list: ticks, drains and dies with it */
    h2o_socket_t *sockets[SOCKETS_MAX];
    size_t accepting; /* sockets in use */
    bool paused;
};

/* A connection on its way to its loop. */
struct arrival {
    struct message message;
    struct loop *loop;
    int fd;
};

/* ---- accepting ---- */

static void arrive(struct message *message)
{
    struct arrival *arrival = H2O_STRUCT_FROM_MEMBER(struct arrival, message, message);
    struct loop *loop = arrival->loop;
    SSL_CTX *tls = loop->server->tls == NULL ? NULL : tls_context(loop->server->tls);

    atomic_fetch_sub(&loop->connection_count, 1); /* it was counted on its way; http1_accept() counts it for good */
    if (loop->stopping || loop->draining)
        close(arrival->fd);
    else
        http1_accept(loop, arrival->fd, tls);
    SSL_CTX_free(tls);
    free(arrival);
}

static struct loop *idlest_loop(struct server *server)
{
    struct loop *best = &server->loops[0];

    for (unsigned i = 1; i < server->loop_count; i++)
        if (atomic_load(&server->loops[i].connection_count) < atomic_load(&best->connection_count))
            best = &server->loops[i];
    return best;
}

static void dispatch(struct server *server, int fd)
{
    struct arrival *arrival = xcalloc(1, sizeof(*arrival));
    int on = 1;

    /* Both fail harmlessly on Unix sockets. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    arrival->message.run = arrive;
    arrival->loop = idlest_loop(server);
    arrival->fd = fd;
    atomic_fetch_add(&arrival->loop->connection_count, 1);
    loop_post(arrival->loop, &arrival->message);
}

static void pause_accepting(struct listener *l)
{
    for (size_t i = 0; i < l->accepting; i++)
        h2o_socket_read_stop(l->sockets[i]);
    l->paused = true;
}

static void on_connection(h2o_socket_t *socket, const char *error)
{
    struct listener *l = socket->data;

    if (error != NULL)
        return;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        int fd = accept4(h2o_socket_get_fd(socket), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            dispatch(l->server, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("accepting paused for a second: %s", strerror(errno));
            pause_accepting(l);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void start_accepting(struct listener *l)
{
    for (size_t i = 0; i < l->accepting; i++)
        h2o_socket_read_start(l->sockets[i], on_connection);
    l->paused = false;
}

static void on_tick(struct connection *connection, uint64_t now_ms)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, connection, connection);

    (void)now_ms;
    if (l->paused)
        start_accepting(l);
}

static void stop_listening(struct connection *connection)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, connection, connection);

    for (size_t i = 0; i < l->accepting; i++)
        h2o_socket_close(l->sockets[i]);
    l->accepting = 0;
    loop_connection_remove(&l->server->loops[0], connection);
}

/* On the first loop: libh2o's sockets are made by the thread that uses them. */
static void begin(struct message *message)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, start, message);
    struct loop *loop = &l->server->loops[0];

    for (size_t i = 0; i < l->count; i++) {
        l->sockets[i] = h2o_evloop_socket_create(loop->events, l->fds[i], H2O_SOCKET_FLAG_DONT_READ);
        l->sockets[i]->data = l;
        l->fds[i] = -1;
    }
    l->accepting = l->count;
    l->connection.tick = on_tick;
    l->connection.drain = stop_listening;
    l->connection.kill = stop_listening;
    loop_connection_add(loop, &l->connection);
    start_accepting(l);
}

void listener_start(struct listener *listener)
{
    listener->start.run = begin;
    loop_post(&listener->server->loops[0], &listener->start);
}

/* ---- binding ---- */

static int add_socket(struct listener *l, int fd, struct err *e)
{
    if (l->count == SOCKETS_MAX) {
        close(fd);
        return err_set(e, ERR_INVALID, "more than %d addresses to listen on", SOCKETS_MAX);
    }
    l->fds[l->count++] = fd;
    return 0;
}

static int bind_failed(int fd, const char *text, struct err *e)
{
    const char *remedy = errno == EADDRINUSE ? "; another program listens there: stop it or choose another http.addr"
                         : errno == EACCES   ? "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
                         : errno == EADDRNOTAVAIL ? "; this machine has no such address"
                                                  : "";
    err_errno(e, "listen on %s", text);
    strncat(e->text, remedy, sizeof(e->text) - strlen(e->text) - 1);
    close(fd);
    return -1;
}

/* `spare`: an address family that this kernel lacks is no error. */
static int listen_on(struct listener *l, const struct addrinfo *a, bool spare, const char *text, struct err *e)
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
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        return bind_failed(fd, text, e);
    return add_socket(l, fd, e);
}

/* Every address the host stands for. With no host at all, IPv4 and IPv6; a machine without one of the two serves the
 * other. */
static int open_tcp(struct listener *l, const char *text, struct err *e)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct address address;
    char *host, *port;
    int rc;

    if (address_parse(str_of(text), true, &address, e) != 0)
        return err_wrap(e, "http.addr");
    host = address.host.n == 0 ? NULL : str_dup(address.host);
    port = str_dup(address.port);
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        err_set(e, ERR_INVALID, "http.addr %s: %s", text, gai_strerror(rc));
    for (const struct addrinfo *a = found; a != NULL && rc == 0; a = a->ai_next)
        rc = listen_on(l, a, host == NULL, text, e);
    if (found != NULL)
        freeaddrinfo(found);
    free(host);
    free(port);
    if (rc == 0 && l->count == 0)
        return err_set(e, ERR_INVALID, "listen on %s: this machine has neither IPv4 nor IPv6", text);
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

static int open_unix(struct listener *l, const char *path, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct addrinfo a = {.ai_family = AF_UNIX, .ai_addr = (struct sockaddr *)&address, .ai_addrlen = sizeof(address)};
    struct stat old;

    if (strlen(path) >= sizeof(address.sun_path))
        return err_set(e, ERR_INVALID, "http.addr: socket path is longer than %zu bytes", sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode) && !unix_socket_is_alive(&address))
        unlink(path);
    if (listen_on(l, &a, false, path, e) != 0)
        return -1;
    l->unix_path = str_dup(str_of(path));
    return 0;
}

/* Descriptors that systemd opened for us: $LISTEN_PID is we, $LISTEN_FDS of them from number 3 on. */
static int inherit(struct listener *l, struct err *e)
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
        if (add_socket(l, fd, e) != 0)
            return -1;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return 0;
}

static int open_all(struct listener *l, struct err *e)
{
    const struct config *config = l->server->config;

    if (inherit(l, e) != 0)
        return -1;
    if (l->count > 0) {
        snprintf(l->text, sizeof(l->text), "%zu inherited socket%s", l->count, l->count == 1 ? "" : "s");
        return 0;
    }
    snprintf(l->text, sizeof(l->text), "%s", config->http_addr);
    return strcmp(config->http_net, "unix") == 0 ? open_unix(l, config->http_addr, e)
                                                 : open_tcp(l, config->http_addr, e);
}

struct listener *listener_open(struct server *server, struct err *e)
{
    struct listener *l = xcalloc(1, sizeof(*l));

    l->server = server;
    if (open_all(l, e) != 0)
        listener_close(&l);
    return l;
}

const char *listener_text(const struct listener *listener)
{
    return listener->text;
}

void listener_close(struct listener **listener)
{
    if (*listener == NULL)
        return;
    for (size_t i = 0; i < (*listener)->count; i++)
        if ((*listener)->fds[i] >= 0)
            close((*listener)->fds[i]);
    if ((*listener)->unix_path != NULL)
        unlink((*listener)->unix_path);
    free((*listener)->unix_path);
    free(*listener);
    *listener = NULL;
}
