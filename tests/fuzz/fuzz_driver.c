/*
 * A connection's bytes through the driver itself (http1.c): sockets, libh2o's pipeline, a handler that reads bodies.
 *
 * Input: one byte n, n bytes that tell where to cut, the bytes of the connection. They are sent whole and in parts;
 * both must get the same answers, and the connection must end when the client's side does.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/net/body.h"
#include "registry/net/http1.h"
#include "registry/server.h"

enum { INPUT_MAX = 64 * 1024, TURNS = 4, TURNS_MAX = 20000 };

static struct config config = {.limits.rate = 1, .timeouts = {600000, 600000, 600000, 600000}};
static char folder[] = "/dev/shm/berth-fuzz.XXXXXX";
static struct store store;
static struct server server = {.config = &config, .store = &store};
static struct loop loop;
static h2o_hostconf_t *hosts[2];

/* ---- the handler: tells how long the body was, and what was in it ---- */

struct reader {
    struct body_sink sink;
    h2o_req_t *req;
    uint64_t n, sum;
};

static void take(struct body_sink *sink, struct body_piece *piece)
{
    struct reader *reader = H2O_STRUCT_FROM_MEMBER(struct reader, sink, sink);
    size_t n = 0;

    for (int i = 0; i < piece->span_count; i++) {
        for (size_t at = 0; at < piece->spans[i].iov_len; at++)
            reader->sum = (reader->sum ^ ((const uint8_t *)piece->spans[i].iov_base)[at]) * 1099511628211U; /* FNV-1a */
        n += piece->spans[i].iov_len;
    }
    HOLDS(n == piece->length);
    reader->n += n;
    body_return(piece);
}

static void answer(struct body_sink *sink)
{
    struct reader *reader = H2O_STRUCT_FROM_MEMBER(struct reader, sink, sink);
    char text[64];
    int n = snprintf(text, sizeof(text), "%llu %llx\n", (unsigned long long)reader->n, (unsigned long long)reader->sum);

    reader->req->res.status = 200;
    reader->req->res.reason = "OK";
    h2o_send_inline(reader->req, text, (size_t)n);
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    struct reader *reader = h2o_mem_alloc_pool(&req->pool, sizeof(*reader));

    (void)handler;
    *reader = (struct reader){.sink = {.piece = take, .end = answer}, .req = req, .sum = 14695981039346656037U};
    body_start(req, &reader->sink);
    return 0;
}

/* ---- the server: one loop, run by hand ---- */

static void remove_folder(void)
{
    char command[64];

    loop_dispose(&loop);
    meta_close(&store.meta);
    h2o_config_dispose(&server.h2o);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    HOLDS(system(command) == 0);
}

static void start(void)
{
    h2o_pathconf_t *all;
    h2o_handler_t *handler;

    if (mkdtemp(folder) == NULL || (store.meta = meta_open(folder, NULL)) == NULL)
        abort();
    h2o_config_init(&server.h2o);
    hosts[0] = h2o_config_register_host(&server.h2o, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    all = h2o_config_register_path(hosts[0], "/", 0);
    handler = h2o_create_handler(all, sizeof(*handler));
    handler->on_req = on_request;
    if (loop_init(&loop, &server, 0, NULL) != 0 || atexit(remove_folder) != 0)
        abort();
}

static void turn(int times)
{
    while (times-- > 0)
        h2o_evloop_run(loop.events, 0);
}

/* ---- the client ---- */

/* False at the end of the connection. */
static bool listen_to(int fd, struct sbuf *said)
{
    char bytes[16384];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        sbuf_put(said, bytes, (size_t)got);
    return got != 0 && errno != ECONNRESET;
}

/* A server that has refused and closed does not listen any more. */
static void say(int fd, struct str bytes, struct sbuf *said)
{
    while (bytes.n > 0) {
        ssize_t sent = send(fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN)
            return;
        bytes = str_from(bytes, sent < 0 ? 0 : (size_t)sent);
        turn(TURNS);
        listen_to(fd, said);
    }
}

static void converse(struct str bytes, struct str cuts, struct sbuf *said)
{
    static const struct network_address nobody;
    int fds[2], turns = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        abort();
    http1_accept(&loop, fds[1], &nobody, NULL, hosts);
    for (size_t i = 0; i < cuts.n && bytes.n > 0; i++) {
        size_t n = (unsigned char)cuts.p[i] < bytes.n ? (unsigned char)cuts.p[i] : bytes.n;

        say(fds[0], (struct str){bytes.p, n}, said);
        bytes = str_from(bytes, n);
    }
    say(fds[0], bytes, said);
    shutdown(fds[0], SHUT_WR);
    while (listen_to(fds[0], said)) {
        HOLDS(turns++ < TURNS_MAX);
        turn(1);
    }
    close(fds[0]);
    turn(TURNS);
    HOLDS(h2o_linklist_is_empty(&loop.connections));
}

/* Of the answers: statuses, and what the handler said. Reasons are worded differently where a part ends. */
static void condense(struct sbuf *said, struct sbuf *out)
{
    struct str rest = {said->p, said->n};

    while (rest.n > 0) {
        struct str line = fuzz_field(&rest, '\n');

        if (str_starts(line, STR("HTTP/1.1 ")))
            sbuf_put(out, line.p, line.n < 12 ? line.n : 12);
        else if (line.n > 0 && line.p[0] >= '0' && line.p[0] <= '9')
            sbuf_str(out, line);
    }
    sbuf_free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_text(data, size), cuts;
    struct sbuf whole = {0}, parts = {0}, whole_said = {0}, parts_said = {0};

    if (hosts[0] == NULL)
        start();
    if (size == 0 || size > INPUT_MAX)
        return 0;
    cuts = str_from(input, 1);
    if (cuts.n > data[0])
        cuts.n = data[0];
    input = str_from(input, 1 + cuts.n);
    converse(input, (struct str){"", 0}, &whole);
    converse(input, cuts, &parts);
    condense(&whole, &whole_said);
    condense(&parts, &parts_said);
    HOLDS(str_eq((struct str){whole_said.p, whole_said.n}, (struct str){parts_said.p, parts_said.n}));
    sbuf_free(&whole_said);
    sbuf_free(&parts_said);
    body_pieces_dispose(&loop);
    return 0;
}
