/* What operations call: output through a connection, whether whoever asked is gone, and who is alone. */
#include "registry/ops/op.h"
#include "registry/ops/output.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
    int far;
    struct op_output output;
    struct op op;
};

static void talk_open(struct talk *t, bool terminal)
{
    int fds[2];

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *t = (struct talk){
        .far = fds[1],
        .output = {.fd = fds[0], .stop = eventfd(0, EFD_CLOEXEC), .program = "berth", .terminal = terminal}};
    t->op.output = &t->output;
}

static void talk_close(struct talk *t)
{
    output_finish(&t->output);
    close(t->output.fd);
    close(t->output.stop);
    if (t->far >= 0)
        close(t->far);
}

/* The next frame's kind, its bytes terminated; 0 when there is none. */
static int next_frame(struct talk *t, char out[FRAME_MAX + 1])
{
    char head[5];
    uint32_t length;
    struct err e;

    if (recv(t->far, head, 1, MSG_DONTWAIT | MSG_PEEK) <= 0)
        return 0;
    CHECK_INT(wire_receive(t->far, -1, head, sizeof(head), 1000, &e), 0);
    memcpy(&length, head + 1, sizeof(length));
    length = ntohl(length);
    CHECK(length <= FRAME_MAX);
    CHECK_INT(wire_receive(t->far, -1, out, length, 1000, &e), 0);
    out[length] = '\0';
    return head[0];
}

TEST(lines, "lines arrive in order with remarks between them, at the latest at the next step")
{
    static char got[FRAME_MAX + 1];
    struct talk t;

    talk_open(&t, false);
    op_print(&t.op, "%d blobs", 7);
    op_print_str(&t.op, STR("and more"));
    CHECK_INT(next_frame(&t, got), 0);
    CHECK(!op_cancelled(&t.op));
    CHECK_INT(next_frame(&t, got), FRAME_OUTPUT);
    CHECK_TEXT(got, "7 blobs\nand more\n");
    op_print(&t.op, "before");
    op_note(&t.op, "by the %s", "way");
    op_print(&t.op, "after");
    output_finish(&t.output);
    CHECK_INT(next_frame(&t, got), FRAME_OUTPUT);
    CHECK_TEXT(got, "before\n");
    CHECK_INT(next_frame(&t, got), FRAME_NOTE);
    CHECK_TEXT(got, "by the way");
    CHECK_INT(next_frame(&t, got), FRAME_OUTPUT);
    CHECK_TEXT(got, "after\n");
    talk_close(&t);
}

TEST(long_line, "a line longer than a frame arrives whole")
{
    static char got[FRAME_MAX + 1];
    struct sbuf line = {0};
    struct talk t;
    size_t n = 0;

    talk_open(&t, false);
    for (size_t i = 0; i < 2 * FRAME_MAX + 100; i++)
        sbuf_put(&line, "x", 1);
    op_print_str(&t.op, (struct str){line.p, line.n});
    output_finish(&t.output);
    while (next_frame(&t, got) == FRAME_OUTPUT)
        n += strlen(got);
    CHECK_INT(n, 2 * FRAME_MAX + 101);
    CHECK_INT(got[strlen(got) - 1], '\n');
    sbuf_free(&line);
    talk_close(&t);
}

TEST(progress, "progress goes to a terminal only, and not oftener than people can read")
{
    static char got[FRAME_MAX + 1];
    struct talk t;

    talk_open(&t, false);
    op_progress(&t.op, "nobody sees this");
    CHECK_INT(next_frame(&t, got), 0);
    talk_close(&t);
    talk_open(&t, true);
    for (int i = 0; i < 1000; i++)
        op_progress(&t.op, "step %d", i);
    CHECK_INT(next_frame(&t, got), FRAME_PROGRESS);
    CHECK_TEXT(got, "step 0");
    for (int i = 0; next_frame(&t, got) != 0; i++)
        CHECK(i < 500);
    talk_close(&t);
}

TEST(gone, "an operation hears that whoever asked has hung up, and that the server stops; printing goes on in silence")
{
    struct talk t;

    talk_open(&t, true);
    CHECK(!op_cancelled(&t.op));
    close(t.far);
    t.far = -1;
    CHECK(op_cancelled(&t.op));
    for (int i = 0; i < 10000; i++)
        op_print(&t.op, "nobody reads this %d", i);
    op_note(&t.op, "nor this");
    CHECK(t.output.gone);
    CHECK(op_cancelled(&t.op));
    talk_close(&t);
    talk_open(&t, true);
    CHECK_INT(eventfd_write(t.output.stop, 1), 0);
    CHECK(op_cancelled(&t.op));
    talk_close(&t);
}

/* ---- running ---- */

static int run_inner(struct op *op, int *status, struct err *e);
static const struct op_spec inner = {.name = "inner", .when = OP_ALONE, .run = run_inner};
static const struct op_spec beside = {.name = "beside", .when = OP_ANYTIME, .run = run_inner};

static int run_inner(struct op *op, int *status, struct err *e)
{
    (void)op, (void)e;
    *status = EXIT_IDLE;
    return 0;
}

static int run_outer(struct op *op, int *status, struct err *e)
{
    *status = EXIT_DONE;
    CHECK_INT(op_run(&beside, op, e), EXIT_IDLE);
    CHECK_INT(op_run(&inner, op, e), EXIT_REFUSED);
    CHECK_INT(e->code, ERR_BUSY);
    CHECK_TEXT(e->text, "outer is under way, and inner has to wait for it; try again when it is done");
    return err_set(e, ERR_NOT_FOUND, "there is nothing");
}

static int run_misused(struct op *op, int *status, struct err *e)
{
    (void)op;
    *status = EXIT_USAGE;
    return err_set(e, ERR_INVALID, "that is no number");
}

TEST(alone, "of operations that are alone there is one at a time, and it is named to the other")
{
    const struct op_spec outer = {.name = "outer", .when = OP_ALONE, .run = run_outer};
    struct op op = {0};
    struct err e = {0};

    CHECK_INT(op_run(&outer, &op, &e), EXIT_NOT_FOUND);
    CHECK_TEXT(e.text, "there is nothing");
    CHECK_INT(op_run(&inner, &op, &e), EXIT_IDLE);
    CHECK_TEXT(e.text, "");
}

TEST(status, "an error has the status of its code, unless the operation says another")
{
    const struct op_spec misused = {.name = "misused", .when = OP_ANYTIME, .run = run_misused};
    struct op op = {0};
    struct err e = {0};

    CHECK_INT(op_run(&misused, &op, &e), EXIT_USAGE);
    CHECK_TEXT(e.text, "that is no number");
    CHECK(op_find("gc", NULL) != NULL && op_find("garbage-collect", "config.yml") != NULL);
    CHECK(op_find("serve", NULL) == NULL);
    CHECK(op_find("import", "docker://host") != NULL && op_find("import", "docker") != NULL);
    CHECK(op_find("import", "docker://host") != op_find("import", "docker"));
}
