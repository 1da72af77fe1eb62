#include "registry/net/loop.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/server.h"
#include "tests/unit/test.h"

/* ---- a server of one loop, which runs as a thread ---- */

struct world {
    struct store store;
    struct server server;
    struct loop loop;
};

static void open_world(struct world *w)
{
    struct err e = {0};

    memset(w, 0, sizeof(*w));
    w->store.meta = meta_open(test_dir(), &e);
    w->server.store = &w->store;
    h2o_config_init(&w->server.h2o);
    h2o_config_register_host(&w->server.h2o, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    if (w->store.meta == NULL || loop_start(&w->loop, &w->server, 0, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static void close_world(struct world *w)
{
    loop_stop(&w->loop);
    meta_close(&w->store.meta);
    h2o_config_dispose(&w->server.h2o);
}

/* ---- walkers: they yield again and again ---- */

struct walker {
    struct message message;
    struct loop *loop;
    char name;
    struct walk *walk;
    int steps; /* still to go */
};

struct walk {
    struct world world;
    struct walker walkers[3];
    h2o_sem_t arrived; /* once for each walker */
    char path[64];     /* who took a step, in order */
    size_t n;

    /* the byte that a socket brings meanwhile */
    h2o_socket_t *socket;
    int other_end;
    size_t heard_at; /* steps that were taken before; 0: not heard */
};

static void step(struct message *message)
{
    struct walker *walker = H2O_STRUCT_FROM_MEMBER(struct walker, message, message);
    struct walk *walk = walker->walk;

    if (walk->n + 1 < sizeof(walk->path))
        walk->path[walk->n++] = walker->name;
    if (--walker->steps > 0)
        loop_yield(walker->loop, message);
    else
        h2o_sem_post(&walk->arrived);
}

static void start(struct walk *walk, const char *names, int steps)
{
    for (size_t i = 0; i < strlen(names); i++) {
        walk->walkers[i] = (struct walker){.loop = &walk->world.loop, .name = names[i], .walk = walk, .steps = steps};
        walk->walkers[i].message.run = step;
        loop_yield(&walk->world.loop, &walk->walkers[i].message);
    }
}

struct order {
    struct message message;
    struct walk *walk;
};

static void wait_for(struct walk *walk, int walkers)
{
    for (int i = 0; i < walkers; i++)
        h2o_sem_wait(&walk->arrived);
}

static void start_three(struct message *message)
{
    start(H2O_STRUCT_FROM_MEMBER(struct order, message, message)->walk, "abc", 3);
}

TEST(turns, "those who yield take turns, and a loop that has nothing else to do does not sleep meanwhile")
{
    static struct walk walk;
    struct order order = {.message.run = start_three, .walk = &walk};

    open_world(&walk.world);
    h2o_sem_init(&walk.arrived, 0);
    loop_post(&walk.world.loop, &order.message);
    wait_for(&walk, 3);
    close_world(&walk.world);
    CHECK_TEXT(walk.path, "abcabcabc");
}

static void heard(h2o_socket_t *socket, const char *error)
{
    struct walk *walk = socket->data;

    (void)error;
    if (walk->heard_at == 0)
        walk->heard_at = walk->n;
    h2o_socket_read_stop(socket);
    h2o_socket_close(socket);
    walk->socket = NULL;
}

/* The byte is there before the first step. */
static void start_beside_a_socket(struct message *message)
{
    struct walk *walk = H2O_STRUCT_FROM_MEMBER(struct order, message, message)->walk;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0 || write(ends[1], "x", 1) != 1)
        return;
    walk->other_end = ends[1];
    walk->socket = h2o_evloop_socket_create(walk->world.loop.events, ends[0], 0);
    walk->socket->data = walk;
    h2o_socket_read_start(walk->socket, heard);
    start(walk, "a", 50);
}

TEST(sockets, "a socket is served between the pieces of long work, not behind them")
{
    static struct walk walk;
    struct order order = {.message.run = start_beside_a_socket, .walk = &walk};

    open_world(&walk.world);
    h2o_sem_init(&walk.arrived, 0);
    loop_post(&walk.world.loop, &order.message);
    wait_for(&walk, 1);
    close_world(&walk.world);
    close(walk.other_end);
    CHECK_INT(walk.n, 50);
    CHECK(walk.heard_at > 0 && walk.heard_at < 5);
}

static void start_and_stop(struct message *message)
{
    struct walk *walk = H2O_STRUCT_FROM_MEMBER(struct order, message, message)->walk;

    walk->world.loop.stopping = true;
    start(walk, "ab", 20);
}

TEST(stopping, "a loop that is stopped lets those who yielded come to their end")
{
    static struct walk walk;
    struct order order = {.message.run = start_and_stop, .walk = &walk};

    open_world(&walk.world);
    h2o_sem_init(&walk.arrived, 0);
    loop_post(&walk.world.loop, &order.message);
    wait_for(&walk, 2);
    CHECK_INT(walk.n, 40);
    pthread_join(walk.world.loop.thread, NULL);
    walk.world.loop.running = false;
    close_world(&walk.world);
}
