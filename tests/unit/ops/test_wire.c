/* What commands and servers say to each other, over a pair of sockets. */
#include "registry/ops/wire.h"
#include "registry/commands/program.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOON_MS = 50, LONG_MS = 60 * 1000 };

struct line {
    int near, far;
    struct err e;
};

static void line_open(struct line *l)
{
    int fds[2];

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *l = (struct line){.near = fds[0], .far = fds[1]};
}

static void line_close(struct line *l)
{
    close(l->near);
    if (l->far >= 0)
        close(l->far);
}

static void parse(int n, char **words, struct invocation *call)
{
    struct err e;

    if (program_parse(berth_program(), n, words, call, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

TEST(round_trip, "a command line arrives as it was checked, with its directory and whether there is a terminal")
{
    char program[] = "berth", option[] = "--grace", value[] = "5m", command[] = "gc", end[] = "--", name[] = "-my name";
    char *words[] = {program, option, value, command, end, name, NULL};
    struct request_words got;
    struct sbuf request = {0};
    struct invocation call, again;
    struct line l;

    line_open(&l);
    parse(6, words, &call);
    CHECK_INT(request_build(&call, "/here", true, &request, &l.e), 0);
    CHECK_INT(wire_send(l.near, -1, request.p, request.n, LONG_MS, &l.e), 0);
    CHECK_INT(secret_send(l.near, -1, STR("alice:a\0b"), LONG_MS, &l.e), 0);
    CHECK_INT(request_receive(l.far, -1, LONG_MS, &got, &l.e), 0);
    CHECK(str_eq((struct str){got.secret.p, got.secret.n}, STR("alice:a\0b")));
    CHECK(got.terminal);
    CHECK_TEXT(got.directory, "/here");
    parse(got.argc, got.argv, &again);
    CHECK_TEXT(again.command->name, "gc");
    CHECK_INT(again.argument_count, 1);
    CHECK_TEXT(again.arguments[0], "-my name");
    CHECK_INT(again.all_count, 1);
    CHECK_TEXT(again.all[0].value, "5m");
    invocation_free(&call);
    invocation_free(&again);
    request_words_free(&got);
    sbuf_free(&request);
    line_close(&l);
}

TEST(too_long, "a command line that is too long is refused before it is sent")
{
    static char argument[REQUEST_MAX + 1];
    char name[] = "berth", command[] = "gc";
    char *words[] = {name, command, argument, NULL};
    struct sbuf request = {0};
    struct invocation call;
    struct err e;

    memset(argument, 'a', REQUEST_MAX);
    parse(3, words, &call);
    CHECK_INT(request_build(&call, "/", false, &request, &e), -1);
    CHECK_INT(e.code, ERR_TOO_LARGE);
    CHECK_TEXT(e.text, "the command line is longer than 65536 bytes");
    invocation_free(&call);
    sbuf_free(&request);
}

TEST(garbage, "a request that is none is refused with a reason, and frees what it took")
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *wanted;
    } cases[] = {
        {"\0\0\0\0", 4, "a request takes 1 to 65536 bytes"},
        {"\0\1\0\1", 4, "a request takes 1 to 65536 bytes"},
        {"\0\0\0\3a\0b", 7, "a malformed request"},
        {"\0\0\0\4a\0b\0", 8, "a request of another version; use the berth that the server runs (" BERTH_VERSION ")"},
        {"\0\0\0\23berth-control-2\0\0/\0", 23,
         "a request of another version; use the berth that the server runs (" BERTH_VERSION ")"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct request_words words;
        struct line l;

        line_open(&l);
        CHECK_INT(wire_send(l.near, -1, cases[i].bytes, cases[i].n, LONG_MS, &l.e), 0);
        CHECK_INT(request_receive(l.far, -1, LONG_MS, &words, &l.e), -1);
        CHECK_TEXT(l.e.text, cases[i].wanted);
        request_words_free(&words);
        line_close(&l);
    }
}

TEST(long_secret, "a secret that is too long is refused before it is read")
{
    char program[] = "berth", command[] = "gc";
    char *argv[] = {program, command, NULL};
    struct request_words words;
    struct sbuf request = {0};
    struct invocation call;
    struct line l;

    line_open(&l);
    parse(2, argv, &call);
    CHECK_INT(request_build(&call, "/", false, &request, &l.e), 0);
    sbuf_put(&request, "\0\1\0\1", 4);
    CHECK_INT(wire_send(l.near, -1, request.p, request.n, LONG_MS, &l.e), 0);
    CHECK_INT(request_receive(l.far, -1, LONG_MS, &words, &l.e), -1);
    CHECK_INT(l.e.code, ERR_INVALID);
    CHECK_TEXT(l.e.text, "a secret takes 65536 bytes at most");
    request_words_free(&words);
    invocation_free(&call);
    sbuf_free(&request);
    line_close(&l);
}

TEST(silence, "who says nothing is left after the time given, and at once when the server stops")
{
    int stop = eventfd(0, EFD_CLOEXEC);
    struct request_words words;
    struct line l;

    line_open(&l);
    CHECK_INT(wire_send(l.near, -1, "\0\0", 2, LONG_MS, &l.e), 0);
    CHECK_INT(request_receive(l.far, stop, SOON_MS, &words, &l.e), -1);
    CHECK_INT(l.e.code, ERR_BUSY);
    CHECK_TEXT(l.e.text, "the other side does not take part");
    request_words_free(&words);
    CHECK_INT(eventfd_write(stop, 1), 0);
    CHECK_INT(request_receive(l.far, stop, LONG_MS, &words, &l.e), -1);
    CHECK_TEXT(l.e.text, "stopped");
    request_words_free(&words);
    close(stop);
    line_close(&l);
}

TEST(no_reader, "who does not read is left after the time given, and one who hung up at once")
{
    static char bytes[FRAME_MAX];
    struct line l;
    int rc = 0;

    line_open(&l);
    for (int i = 0; i < 1000 && rc == 0; i++)
        rc = frame_send(l.near, -1, FRAME_OUTPUT, (struct str){bytes, sizeof(bytes)}, SOON_MS, &l.e);
    CHECK_INT(rc, -1);
    CHECK_INT(l.e.code, ERR_BUSY);
    close(l.far);
    l.far = -1;
    CHECK_INT(frame_send(l.near, -1, FRAME_OUTPUT, STR("a"), LONG_MS, &l.e), -1);
    CHECK_INT(l.e.code, ERR_IO);
    CHECK_TEXT(l.e.text, "the other side is gone");
    line_close(&l);
}

TEST(address, "a directory whose name is longer than a socket's address has one all the same")
{
    struct sockaddr_un address;
    struct sbuf root = {0};
    int fd, directory;
    struct err e;

    sbuf_printf(&root, "%s", test_dir());
    for (int i = 0; i < 40; i++)
        sbuf_str(&root, STR("/."));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(root.n > sizeof(address.sun_path) - 20);
    CHECK_INT(control_address(sbuf_text(&root), &address, &directory, &e), 0);
    CHECK_INT(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(directory);
    sbuf_str(&root, STR("/control"));
    CHECK_INT(access(sbuf_text(&root), F_OK), 0);
    close(fd);
    CHECK_INT(control_address("/nowhere/at/all", &address, &directory, &e), -1);
    CHECK_TEXT(e.text, "data directory /nowhere/at/all: No such file or directory");
    sbuf_free(&root);
}
