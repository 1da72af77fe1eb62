#include "registry/ops/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/log.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/op.h"
#include "registry/ops/output.h"
#include "registry/commands/program.h"

enum { REQUEST_MS = 10 * 1000, END_MS = 10 * 1000, PAUSE_MS = 100, BACKLOG = 16, NICE = 10 };

enum slot_state { SLOT_FREE, SLOT_RUNS, SLOT_DONE };

/* A command. The accepting thread's while it is free or done, its own thread's while it runs. */
struct slot {
    struct control *control;
    pthread_t thread;
    _Atomic enum slot_state state;
    int fd;
    struct ucred peer;
};

struct control {
    const struct config *config;
    const struct live *live;
    const struct store *store;
    struct server *server;
    int directory; /* of the socket */
    int listener;
    int stop; /* readable when all is to end */
    pthread_t thread;
    struct slot slots[CONTROL_MOST];
};

/* ---- one command ---- */

static void send_end(int fd, int stop, int status, const char *text)
{
    struct sbuf end = {0};
    char byte = (char)status;

    sbuf_put(&end, &byte, 1);
    sbuf_str(&end, str_of(text));
    frame_send(fd, stop, FRAME_END, (struct str){end.p, end.n}, END_MS, NULL);
    sbuf_free(&end);
}

/* What the tables of commands and operations, and this server, say to it. */
static int check(const struct control *control, const struct invocation *call, const struct op_spec **spec,
                 struct err *e)
{
    *spec = op_find(call->command->name, call->argument_count > 0 ? call->arguments[0] : NULL);
    if (*spec == NULL)
        return err_set(e, ERR_INVALID, "%s is nothing that a server does", call->command->name);
    if ((*spec)->when == OP_UNCHANGED)
        return err_set(e, ERR_BUSY, "%s needs the data directory for itself: stop the server first", (*spec)->name);
    if ((*spec)->changes && live_is_readonly(control->live) && !call->given[OPTION_DRY_RUN])
        return err_set(
            e, ERR_DENIED,
            "%s changes what is stored, and this server is read-only (storage.maintenance.readonly, or berth "
            "ctl read-only): stop it, or let it write",
            (*spec)->name);
    return 0;
}

static int run_op(const struct slot *slot, const struct op_spec *spec, const struct request_words *words,
                  const struct invocation *call, struct err *e)
{
    const struct control *control = slot->control;
    struct op_output output = {
        .fd = slot->fd, .stop = control->stop, .program = call->program->name, .terminal = words->terminal};
    struct op op = {.call = call,
                    .config = control->config,
                    .live = control->live,
                    .store = control->store,
                    .server = control->server,
                    .directory = words->directory,
                    .secret = {words->secret.p, words->secret.n},
                    .output = &output};
    uint64_t began_ms = clock_monotonic_ms();
    int status;

    log_info("%s: asked for by process %ld of user %lu", spec->name, (long)slot->peer.pid,
             (unsigned long)slot->peer.uid);
    status = op_run(spec, &op, e);
    output_finish(&output);
    log_info("%s: ended with status %d after %llu ms%s%s", spec->name, status,
             (unsigned long long)(clock_monotonic_ms() - began_ms), e->text[0] == '\0' ? "" : ": ", e->text);
    return status;
}

/* Returns the exit status; e->text is empty when there was no error. */
static int serve(const struct slot *slot, struct err *e)
{
    const struct op_spec *spec;
    struct request_words words;
    struct invocation call;
    int status = EXIT_USAGE;

    if (request_receive(slot->fd, slot->control->stop, REQUEST_MS, &words, e) == 0 &&
        program_parse(berth_program(), words.argc, words.argv, &call, e) == 0) {
        status = check(slot->control, &call, &spec, e) == 0 ? run_op(slot, spec, &words, &call, e) : EXIT_REFUSED;
        invocation_free(&call);
    }
    request_words_free(&words);
    return status;
}

static void *run_slot(void *arg)
{
    struct slot *slot = arg;
    struct err e = {0};
    int status;

    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    status = serve(slot, &e);
    send_end(slot->fd, slot->control->stop, status, e.text);
    close(slot->fd);
    atomic_store(&slot->state, SLOT_DONE);
    return NULL;
}

/* ---- accepting ---- */

static struct slot *free_slot(struct control *control)
{
    struct slot *found = NULL;

    for (int i = 0; i < CONTROL_MOST; i++) {
        struct slot *slot = &control->slots[i];

        if (atomic_load(&slot->state) == SLOT_DONE) {
            pthread_join(slot->thread, NULL);
            atomic_store(&slot->state, SLOT_FREE);
        }
        if (atomic_load(&slot->state) == SLOT_FREE)
            found = slot;
    }
    return found;
}

static int find_peer(int fd, struct ucred *peer, struct err *e)
{
    socklen_t n = sizeof(*peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &n) != 0)
        return err_errno(e, "who asks");
    if (peer->uid != 0 && peer->uid != geteuid())
        return err_set(e, ERR_DENIED, "only root and the user that the server runs as may ask it for this");
    return 0;
}

/* The connection is a thread's from here on, or the error is for whoever is at its other end. */
static int begin(struct control *control, int fd, struct err *e)
{
    struct slot *slot;
    struct ucred peer;
    int rc;

    if (find_peer(fd, &peer, e) != 0)
        return -1;
    slot = free_slot(control);
    if (slot == NULL)
        return err_set(e, ERR_BUSY, "the server runs %d commands already; try again when one is done", CONTROL_MOST);
    slot->control = control;
    slot->fd = fd;
    slot->peer = peer;
    atomic_store(&slot->state, SLOT_RUNS);
    rc = pthread_create(&slot->thread, NULL, run_slot, slot);
    if (rc == 0)
        return 0;
    atomic_store(&slot->state, SLOT_FREE);
    errno = rc;
    return err_errno(e, "start a thread");
}

/* Until the server stops; at most `ms`, -1: without limit. False: it stops. */
static bool wait_for_caller(const struct control *control, int fd, int ms)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = control->stop, .events = POLLIN}};

    return poll(fds, 2, ms) < 0 || fds[1].revents == 0;
}

static void *accept_all(void *arg)
{
    struct control *control = arg;
    struct err e;

    while (wait_for_caller(control, control->listener, -1)) {
        int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            wait_for_caller(control, -1, PAUSE_MS); /* out of descriptors, perhaps */
        } else if (begin(control, fd, &e) != 0) {
            send_end(fd, control->stop, EXIT_REFUSED, e.text);
            close(fd);
        }
    }
    return NULL;
}

/* ---- start and stop ---- */

static int remove_left_over(const struct control *control, struct err *e)
{
    struct stat st;

    if (fstatat(control->directory, "control", &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : err_errno(e, "stat");
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_EXISTS, "something else is there; move it away and start again");
    return unlinkat(control->directory, "control", 0) == 0 ? 0 : err_errno(e, "remove what is left over");
}

/* The mode is that of the socket at the time it gets its name. */
static int open_listener(struct control *control, struct err *e)
{
    struct sockaddr_un address;

    if (control_address(control->store->root, &address, &control->directory, e) != 0 ||
        remove_left_over(control, e) != 0)
        return -1;
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->listener < 0)
        return err_errno(e, "socket");
    if (fchmod(control->listener, 0600) != 0)
        return err_errno(e, "chmod");
    if (bind(control->listener, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return err_errno(e, "bind");
    if (listen(control->listener, BACKLOG) != 0)
        return err_errno(e, "listen");
    return 0;
}

static void close_all(struct control **control)
{
    const int fds[] = {(*control)->listener, (*control)->stop, (*control)->directory};

    if ((*control)->listener >= 0)
        unlinkat((*control)->directory, "control", 0);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(*control);
    *control = NULL;
}

struct control *control_start(const struct config *config, const struct live *live, const struct store *store,
                              struct server *server, struct err *e)
{
    struct control *control = xcalloc(1, sizeof(*control));
    int rc;

    control->config = config;
    control->live = live;
    control->store = store;
    control->server = server;
    control->directory = control->listener = -1;
    control->stop = eventfd(0, EFD_CLOEXEC);
    if (control->stop < 0) {
        err_errno(e, "eventfd");
        goto failed;
    }
    if (open_listener(control, e) != 0)
        goto failed;
    rc = pthread_create(&control->thread, NULL, accept_all, control);
    if (rc == 0)
        return control;
    errno = rc;
    err_errno(e, "start a thread");

failed:
    close_all(&control);
    err_wrap(e, "%s/control", store->root);
    return NULL;
}

void control_stop(struct control **control)
{
    if (*control == NULL)
        return;
    eventfd_write((*control)->stop, 1);
    pthread_join((*control)->thread, NULL);
    for (int i = 0; i < CONTROL_MOST; i++)
        if (atomic_load(&(*control)->slots[i].state) != SLOT_FREE)
            pthread_join((*control)->slots[i].thread, NULL);
    close_all(control);
}
