/* Asking a server whether it lives: what counts as an answer, and that nothing takes longer than it may. */
#include "registry/health/probe.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "tests/unit/test.h"

enum { PATIENT_MS = 20000, HASTY_MS = 60 };

/* A server for one caller on a port of this machine. */
struct server {
    int listener;
    const char *answer; /* NULL: it says nothing */
    char addr[32];
    pthread_t thread;
};

static void *serve(void *arg)
{
    const struct server *server = arg;
    int fd = accept(server->listener, NULL, NULL);
    char request[1024];

    if (server->answer != NULL && recv(fd, request, sizeof(request), 0) > 0)
        send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
    while (server->answer == NULL && recv(fd, request, sizeof(request), 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void open_port(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(server->listener, (const struct sockaddr *)&address, n) == 0);
    CHECK(getsockname(server->listener, (struct sockaddr *)&address, &n) == 0);
    snprintf(server->addr, sizeof(server->addr), "127.0.0.1:%d", ntohs(address.sin_port));
}

static int ask(const char *reply, bool tls, uint64_t ms, struct probe_answer *answer, struct err *e)
{
    struct server server = {.answer = reply};
    struct probe probe = {.addr = server.addr, .tls = tls, .target = "/v2/", .deadline_ms = clock_monotonic_ms() + ms};
    int rc;

    open_port(&server);
    CHECK(listen(server.listener, 1) == 0);
    CHECK(pthread_create(&server.thread, NULL, serve, &server) == 0);
    rc = probe_ask(&probe, answer, e);
    pthread_join(server.thread, NULL);
    close(server.listener);
    return rc;
}

TEST(answers, "a status is told, whether a registry gave it, and the beginning of the body in one line")
{
    static const struct {
        const char *reply;
        int status;
        bool registry;
        const char *body;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nDocker-Distribution-API-Version: registry/2.0\r\n\r\n{}", 200, true, "{}"},
        {"HTTP/1.1 401 Unauthorized\r\ndocker-distribution-api-version: registry/2.0\r\n\r\n", 401, true, ""},
        {"HTTP/1.1 503 Service Unavailable\r\n\r\n{\"disk\": \"full\"}\nmore", 503, false, "{\"disk\": \"full\"}"},
        {"HTTP/1.1 404 Not Found\r\n\r\n\x1b[2Jcleared", 404, false, "?[2Jcleared"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct probe_answer answer;
        struct err e;

        CHECK(ask(rows[i].reply, false, PATIENT_MS, &answer, &e) == 0);
        CHECK_INT(answer.status, rows[i].status);
        CHECK_INT(answer.is_registry, rows[i].registry);
        CHECK_TEXT(answer.body, rows[i].body);
    }
}

TEST(strangers, "what does not speak HTTP, or not TLS where it should, is no server of ours")
{
    struct probe_answer answer;
    struct err e;

    CHECK(ask("SSH-2.0-OpenSSH_9.2\r\n\r\n", false, PATIENT_MS, &answer, &e) != 0);
    CHECK(strstr(e.text, "what answers does not speak HTTP, or wants TLS; is the right port configured?") != NULL);
    CHECK(ask("HTTP/1.1 400 Bad Request\r\n\r\n", true, PATIENT_MS, &answer, &e) != 0);
    CHECK(strstr(e.text, ": TLS: ") != NULL);
}

TEST(silence, "who takes the connection and says nothing is given up in time, with TLS and without")
{
    for (int tls = 0; tls < 2; tls++) {
        uint64_t began_ms = clock_monotonic_ms();
        struct probe_answer answer;
        struct err e;

        CHECK(ask(NULL, tls == 1, HASTY_MS, &answer, &e) != 0);
        CHECK_INT(e.code, ERR_BUSY);
        CHECK(strstr(e.text, ": no answer in time") != NULL);
        CHECK(clock_monotonic_ms() - began_ms < PATIENT_MS);
    }
}

TEST(nobody, "where nobody listens the error names the address")
{
    struct server server = {.answer = NULL};
    struct probe probe = {.addr = server.addr, .target = "/v2/", .deadline_ms = clock_monotonic_ms() + PATIENT_MS};
    struct probe unix_probe = {.is_path = true, .addr = "/nowhere/berth.sock", .target = "/v2/"};
    struct probe_answer answer;
    struct err e;

    open_port(&server);
    CHECK(probe_ask(&probe, &answer, &e) != 0);
    CHECK(strstr(e.text, "127.0.0.1 port ") != NULL && strstr(e.text, "connect: Connection refused") != NULL);
    close(server.listener);
    CHECK(probe_ask(&unix_probe, &answer, &e) != 0);
    CHECK_TEXT(e.text, "/nowhere/berth.sock: connect: No such file or directory");
}
