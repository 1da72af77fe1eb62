#include "registry/net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/base/pace.h"
#include "registry/observe/metrics.h"
#include "registry/net/crowd.h"
#include "registry/net/http1.h"
#include "registry/net/sockets.h"
#include "registry/server.h"

enum { ACCEPTS_PER_EVENT = 64 };

struct listener {
    struct server *server;
    struct message start;
    struct sockets sockets; /* until the first loop has them */
    const char *key;
    h2o_hostconf_t *hosts[2]; /* one and NULL, as libh2o wants it */
    bool tls;
    char text[300];
    /* of the first loop */
    struct connection connection; /* in its list: ticks, drains and dies with it */
    h2o_socket_t *accepting[SOCKETS_MAX];
    size_t accepting_count;
    size_t spare;
    bool paused;
    struct crowd_waiter waiter; /* for somebody to leave */
    struct message resume;
    struct pace full_pace, refused_pace, shortage_pace;
};

/* A connection on its way to its loop. */
struct arrival {
    struct message message;
    struct listener *listener;
    struct loop *loop;
    int fd;
    struct network_address from;
};

/* ---- accepting ---- */

/* On the loop that it stays on. */
static void settle(struct listener *l, struct loop *loop, int fd, const struct network_address *from)
{
    SSL_CTX *tls = l->tls && l->server->tls != NULL ? tls_context(l->server->tls) : NULL;

    http1_accept(loop, fd, from, tls, l->hosts);
    SSL_CTX_free(tls);
}

static void arrive(struct message *message)
{
    struct arrival *arrival = H2O_STRUCT_FROM_MEMBER(struct arrival, message, message);
    struct loop *loop = arrival->loop;

    atomic_fetch_sub(&loop->connection_count, 1); /* it was counted on its way; http1_accept() counts it for good */
    if (loop->stopping || loop->draining) {
        close(arrival->fd);
        crowd_leave(arrival->listener->server->crowd, &arrival->from);
    } else {
        settle(arrival->listener, loop, arrival->fd, &arrival->from);
    }
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

static void dispatch(struct listener *l, int fd, const struct network_address *from)
{
    struct loop *loop = idlest_loop(l->server);
    struct arrival *arrival;

    if (loop == &l->server->loops[0]) {
        settle(l, loop, fd, from);
        return;
    }
    arrival = xcalloc(1, sizeof(*arrival));
    arrival->message.run = arrive;
    arrival->listener = l;
    arrival->loop = loop;
    arrival->fd = fd;
    arrival->from = *from;
    atomic_fetch_add(&arrival->loop->connection_count, 1);
    loop_post(arrival->loop, &arrival->message);
}

static void pause_accepting(struct listener *l)
{
    for (size_t i = 0; i < l->accepting_count; i++)
        h2o_socket_read_stop(l->accepting[i]);
    l->paused = true;
}

/* Out of descriptors, here or in the whole system. The next tick tries again. */
static void pause_for_shortage(struct listener *l, int number)
{
    uint64_t before;

    metric_add(METRIC_ACCEPT_PAUSED_SHORTAGE, 1);
    if (pace_take(&l->shortage_pace, clock_monotonic_ms(), PACE_MINUTE_MS, &before))
        log_warn("%s: accepting pauses for a second: %s (%llu times more since the last such line)", l->text,
                 strerrordesc_np(number), (unsigned long long)before);
    pause_accepting(l);
}

/* As many connections as there may be: the next one is accepted when one has ended. */
static void pause_for_room(struct listener *l)
{
    uint64_t before;

    metric_add(METRIC_ACCEPT_PAUSED_FULL, 1);
    if (pace_take(&l->full_pace, clock_monotonic_ms(), PACE_MINUTE_MS, &before))
        log_warn("%s: %zu connections are open, as many as may be: others wait, idle ones are closed early "
                 "(http.limits.connections; %llu times more since the last such line)",
                 l->text, crowd_most(l->server->crowd), (unsigned long long)before);
    pause_accepting(l);
    crowd_wait(l->server->crowd, &l->waiter);
}

/* Close a connection of an address that has enough of them. */
static void turn_away(struct listener *l, int fd, const struct sockaddr *from, socklen_t n)
{
    char text[64];
    uint64_t before;

    close(fd);
    metric_add(METRIC_CONNECTIONS_REFUSED_ADDRESS, 1);
    if (!pace_take(&l->refused_pace, clock_monotonic_ms(), PACE_MINUTE_MS, &before))
        return;
    if (getnameinfo(from, n, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(text, "-");
    log_warn("%s: %s has %llu connections, as many as an address may have: more are closed "
             "(http.limits.connectionsperaddress; %llu more since the last such line)",
             l->text, text, (unsigned long long)l->server->config->limits.per_address, (unsigned long long)before);
}

static void take_in(struct listener *l, int fd, const struct sockaddr *from, socklen_t n)
{
    struct network_address address = {0};

    network_address_of(from, &address);
    if (crowd_enter(l->server->crowd, &address) == CROWD_WELCOME)
        dispatch(l, fd, &address);
    else
        turn_away(l, fd, from, n);
}

static bool is_shortage(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

static void on_connection(h2o_socket_t *socket, const char *error)
{
    struct listener *l = socket->data;

    for (int i = 0; i < ACCEPTS_PER_EVENT && error == NULL; i++) {
        struct sockaddr_storage from = {0};
        socklen_t n = sizeof(from);
        int fd;

        if (crowd_is_full(l->server->crowd, l->spare)) {
            pause_for_room(l);
            return;
        }
        fd = accept4(h2o_socket_get_fd(socket), (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_in(l, fd, (struct sockaddr *)&from, n);
        } else if (is_shortage(errno)) {
            pause_for_shortage(l, errno);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void start_accepting(struct listener *l)
{
    for (size_t i = 0; i < l->accepting_count; i++)
        h2o_socket_read_start(l->accepting[i], on_connection);
    l->paused = false;
}

/* Somebody has left. From whatever loop he was on. */
static void on_room(struct crowd_waiter *waiter)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, waiter, waiter);

    loop_post(&l->server->loops[0], &l->resume);
}

static void resume(struct message *message)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, resume, message);

    crowd_arrived(l->server->crowd, &l->waiter);
    if (l->paused)
        start_accepting(l);
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

    for (size_t i = 0; i < l->accepting_count; i++)
        h2o_socket_close(l->accepting[i]);
    l->accepting_count = 0;
    l->paused = false;
    crowd_give_up(l->server->crowd, &l->waiter);
    loop_connection_remove(&l->server->loops[0], connection);
}

/* A loop that only hurries goes on accepting. */
static void on_drain(struct connection *connection)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, connection, connection);

    if (l->server->loops[0].draining)
        stop_listening(connection);
}

/* On the first loop: libh2o's sockets are made by the thread that uses them. */
static void begin(struct message *message)
{
    struct listener *l = H2O_STRUCT_FROM_MEMBER(struct listener, start, message);
    struct loop *loop = &l->server->loops[0];

    for (size_t i = 0; i < l->sockets.count; i++) {
        l->accepting[i] = h2o_evloop_socket_create(loop->events, l->sockets.fds[i], H2O_SOCKET_FLAG_DONT_READ);
        l->accepting[i]->data = l;
        l->sockets.fds[i] = -1;
    }
    l->accepting_count = l->sockets.count;
    l->waiter.wake = on_room;
    l->resume.run = resume;
    l->connection.tick = on_tick;
    l->connection.drain = on_drain;
    l->connection.kill = stop_listening;
    loop_connection_add(loop, &l->connection);
    start_accepting(l);
}

void listener_start(struct listener *listener)
{
    listener->start.run = begin;
    loop_post(&listener->server->loops[0], &listener->start);
}

/* ---- opening and closing ---- */

static int open_sockets(struct listener *l, const struct listening *what, struct err *e)
{
    if (what->inherits && sockets_inherit(&l->sockets, e) != 0)
        return -1;
    if (l->sockets.count > 0) {
        snprintf(l->text, sizeof(l->text), "%zu inherited socket%s", l->sockets.count,
                 l->sockets.count == 1 ? "" : "s");
        return 0;
    }
    snprintf(l->text, sizeof(l->text), "%s", what->addr);
    return (what->is_path ? sockets_open_unix : sockets_open_tcp)(&l->sockets, what->key, what->addr, e);
}

struct listener *listener_open(struct server *server, const struct listening *what, struct err *e)
{
    struct listener *l = xcalloc(1, sizeof(*l));

    l->server = server;
    l->key = what->key;
    l->hosts[0] = what->host;
    l->tls = what->tls;
    l->spare = what->spare;
    if (open_sockets(l, what, e) != 0)
        listener_close(&l);
    return l;
}

int listener_give(const struct listener *listener, uid_t uid, gid_t gid, struct err *e)
{
    return sockets_give(&listener->sockets, uid, gid, e);
}

int listener_listen(const struct listener *listener, struct err *e)
{
    return sockets_listen(&listener->sockets, listener->key, listener->text, e);
}

const char *listener_text(const struct listener *listener)
{
    return listener->text;
}

bool listener_is_local(const struct listener *listener)
{
    return sockets_are_local(&listener->sockets);
}

void listener_close(struct listener **listener)
{
    if (*listener == NULL)
        return;
    sockets_close(&(*listener)->sockets);
    free(*listener);
    *listener = NULL;
}
