#include "registry/ops/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/clock.h"

/* ---- bytes, until a deadline ---- */

/* Until `fd` is ready for `events`. */
static int wait_for(int fd, int stop, short events, uint64_t deadline_ms, struct err *e)
{
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = stop, .events = POLLIN}};
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t left_ms = now_ms < deadline_ms ? deadline_ms - now_ms : 0;
    int rc = left_ms == 0 ? 0 : poll(fds, 2, left_ms < INT_MAX ? (int)left_ms : INT_MAX);

    if (rc < 0 && errno != EINTR)
        return err_errno(e, "poll");
    if (rc == 0 && left_ms < INT_MAX)
        return err_set(e, ERR_BUSY, "the other side does not take part");
    if (rc > 0 && fds[1].revents != 0)
        return err_set(e, ERR_BUSY, "stopped");
    return 0;
}

static int is_over(ssize_t n, struct err *e)
{
    if (n == 0)
        return err_set(e, ERR_IO, "the other side is gone");
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return errno == EPIPE || errno == ECONNRESET ? err_set(e, ERR_IO, "the other side is gone")
                                                 : err_errno(e, "socket");
}

int wire_send(int fd, int stop, const void *bytes, size_t n, uint64_t ms, struct err *e)
{
    uint64_t deadline_ms = clock_monotonic_ms() + ms;
    const char *next = bytes;

    while (n > 0) {
        ssize_t sent = send(fd, next, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0) {
            next += sent;
            n -= (size_t)sent;
        } else if (is_over(sent, e) != 0 || wait_for(fd, stop, POLLOUT, deadline_ms, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int wire_receive(int fd, int stop, void *bytes, size_t n, uint64_t ms, struct err *e)
{
    uint64_t deadline_ms = clock_monotonic_ms() + ms;
    char *next = bytes;

    while (n > 0) {
        ssize_t got = recv(fd, next, n, MSG_DONTWAIT);

        if (got > 0) {
            next += got;
            n -= (size_t)got;
        } else if (is_over(got, e) != 0 || wait_for(fd, stop, POLLIN, deadline_ms, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int frame_send(int fd, int stop, enum frame_kind kind, struct str bytes, uint64_t ms, struct err *e)
{
    char frame[5 + FRAME_MAX];
    uint32_t length = htonl((uint32_t)bytes.n);

    frame[0] = (char)kind;
    memcpy(frame + 1, &length, sizeof(length));
    memcpy(frame + 5, bytes.p, bytes.n);
    return wire_send(fd, stop, frame, 5 + bytes.n, ms, e);
}

/* ---- requests ---- */

int secret_send(int fd, int stop, struct str secret, uint64_t ms, struct err *e)
{
    uint32_t length = htonl((uint32_t)secret.n);

    if (wire_send(fd, stop, &length, sizeof(length), ms, e) != 0)
        return -1;
    return wire_send(fd, stop, secret.p, secret.n, ms, e);
}

static int receive_secret(int fd, int stop, uint64_t ms, struct sbuf *out, struct err *e)
{
    uint32_t length;

    if (wire_receive(fd, stop, &length, sizeof(length), ms, e) != 0)
        return -1;
    length = ntohl(length);
    if (length > WIRE_SECRET_MAX)
        return err_set(e, ERR_INVALID, "a secret takes %d bytes at most", WIRE_SECRET_MAX);
    out->p = xmalloc((size_t)length + 1); /* so that what holds it is not outgrown */
    out->n = length;
    out->capacity = (size_t)length + 1;
    return wire_receive(fd, stop, out->p, length, ms, e);
}

static int take_apart(struct request_words *words, struct err *e)
{
    struct str left = {words->bytes.p, words->bytes.n};
    char *all[REQUEST_WORDS_MAX + 1];
    size_t count = 0;

    while (left.n > 0) {
        size_t n = str_find(left, '\0');

        if (n == left.n || count == REQUEST_WORDS_MAX)
            return err_set(e, ERR_INVALID, "a malformed request");
        all[count++] = words->bytes.p + (words->bytes.n - left.n);
        left = str_from(left, n + 1);
    }
    if (count < 4 || strcmp(all[0], REQUEST_MAGIC) != 0)
        return err_set(e, ERR_INVALID,
                       "a request of another version; use the berth that the server runs (" BERTH_VERSION ")");
    words->terminal = strcmp(all[1], "terminal") == 0;
    words->directory = all[2];
    words->argc = (int)count - 3;
    words->argv = xcalloc(count - 2, sizeof(*words->argv));
    memcpy(words->argv, all + 3, (count - 3) * sizeof(*words->argv));
    return 0;
}

int request_receive(int fd, int stop, uint64_t ms, struct request_words *words, struct err *e)
{
    uint32_t length;

    *words = (struct request_words){0};
    if (wire_receive(fd, stop, &length, sizeof(length), ms, e) != 0)
        return -1;
    length = ntohl(length);
    if (length == 0 || length > REQUEST_MAX)
        return err_set(e, ERR_INVALID, "a request takes 1 to %d bytes", REQUEST_MAX);
    words->bytes.p = xmalloc(length);
    words->bytes.n = words->bytes.capacity = length;
    if (wire_receive(fd, stop, words->bytes.p, length, ms, e) != 0 || take_apart(words, e) != 0)
        return -1;
    return receive_secret(fd, stop, ms, &words->secret, e);
}

void request_words_free(struct request_words *words)
{
    sbuf_free(&words->bytes);
    sbuf_wipe(&words->secret);
    free(words->argv);
    words->argv = NULL;
}

static void put_word(struct sbuf *out, const char *word)
{
    sbuf_put(out, word, strlen(word) + 1);
}

static void put_option(struct sbuf *out, const struct invocation *call, const struct given_option *given)
{
    sbuf_printf(out, "--%s%s%s", call->program->options[given->option].name, given->value == NULL ? "" : "=",
                given->value == NULL ? "" : given->value);
    sbuf_put(out, "", 1);
}

int request_build(const struct invocation *call, const char *directory, bool terminal, struct sbuf *out, struct err *e)
{
    size_t from = out->n;
    uint32_t length = 0;

    sbuf_put(out, &length, sizeof(length));
    put_word(out, REQUEST_MAGIC);
    put_word(out, terminal ? "terminal" : "");
    put_word(out, directory);
    put_word(out, call->program->name);
    put_word(out, call->command->name);
    for (size_t i = 0; i < call->all_count; i++)
        put_option(out, call, &call->all[i]);
    put_word(out, "--");
    for (int i = 0; i < call->argument_count; i++)
        put_word(out, call->arguments[i]);
    if (out->n - from - sizeof(length) > REQUEST_MAX)
        return err_set(e, ERR_TOO_LARGE, "the command line is longer than %d bytes", REQUEST_MAX);
    length = htonl((uint32_t)(out->n - from - sizeof(length)));
    memcpy(out->p + from, &length, sizeof(length));
    return 0;
}

int control_address(const char *root, struct sockaddr_un *out, int *directory, struct err *e)
{
    *directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0)
        return err_errno(e, "data directory %s", root);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/control", *directory);
    return 0;
}
