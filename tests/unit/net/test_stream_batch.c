/* Streams: records that go to the kernel together, what happens when it takes a part of them, and whose turn it is. */
#include "tests/unit/net/stream_fixture.h"

#include <errno.h>

enum { PIECE = 256 * 1024, HEAD = 300, ROOMY = 4 * 1024 * 1024 };

/* ---- the kernel's side of send(), which the streams under test call instead of the C library's ---- */

static struct {
    size_t calls;
    size_t with_more; /* calls that announced more */
    size_t takes;     /* bytes of a call at the most, and nothing at every other call; 0: as the socket likes */
    size_t fails_at;  /* number of the call that fails; 0: none */
} kernel;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the names of the C library are reserved */
ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    kernel.calls++;
    kernel.with_more += (flags & MSG_MORE) != 0;
    if (kernel.calls == kernel.fails_at) {
        errno = ECONNRESET;
        return -1;
    }
    if (kernel.takes > 0 && kernel.calls % 2 == 0) {
        errno = EAGAIN;
        return -1;
    }
    return sendto(fd, bytes, kernel.takes > 0 && n > kernel.takes ? kernel.takes : n, flags, NULL, 0);
}

/* ---- helpers ---- */

/* A pair whose socket takes megabytes at once, when that is asked for. */
static void connect_roomy(struct pair *p, int version, int room)
{
    connect_pair(p, version);
    if (room > 0)
        CHECK_INT(setsockopt(h2o_socket_get_fd(stream_socket(p->stream)), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)),
                  0);
    memset(&kernel, 0, sizeof(kernel));
}

static void read_until_written(struct pair *p, size_t n)
{
    for (int i = 0; i < TURNS_MAX && (p->writes == 0 || p->got.n < n); i++) {
        turn(p);
        client_read(p, 4096);
    }
}

/* ---- batches ---- */

TEST(one_send, "the records of a head and a piece of a file go out in one send")
{
    char *bytes = make_bytes(HEAD + PIECE);
    struct iovec spans[] = {{bytes, HEAD}, {bytes + HEAD, PIECE}};

    for (size_t i = 1; i < 3; i++) {
        struct pair p;

        connect_roomy(&p, versions[i], ROOMY);
        stream_write(p.stream, spans, 2, on_written);
        CHECK_INT(kernel.calls, 1);
        CHECK_INT(kernel.with_more, 0);
        read_until_written(&p, HEAD + PIECE);
        CHECK(p.got.n == HEAD + PIECE && memcmp(p.got.p, bytes, p.got.n) == 0);
        CHECK_INT(kernel.calls, 1);
        close_pair(&p);
    }
    free(bytes);
}

TEST(several, "what is more than a batch goes out in several, and all but the last announce another")
{
    char *bytes = make_bytes(BIG);
    struct iovec span = {bytes, BIG};

    for (size_t i = 1; i < 3; i++) {
        struct pair p;

        connect_roomy(&p, versions[i], ROOMY);
        stream_write(p.stream, &span, 1, on_written);
        CHECK_INT(kernel.calls, (BIG + 17 * 16384 - 1) / (17 * 16384));
        CHECK_INT(kernel.with_more, kernel.calls - 1);
        read_until_written(&p, BIG);
        CHECK(p.ok && p.got.n == BIG && memcmp(p.got.p, bytes, BIG) == 0);
        close_pair(&p);
    }
    free(bytes);
}

TEST(partial, "a batch that the kernel takes in parts of any size arrives whole")
{
    static const size_t parts[] = {1000, 16384 + 22, 100000};
    char *bytes = make_bytes(BIG);
    struct iovec spans[] = {{bytes, HEAD}, {bytes + HEAD, BIG - HEAD}};

    for (size_t i = 0; i < 6; i++) {
        struct pair p;

        connect_roomy(&p, versions[1 + i % 2], ROOMY);
        kernel.takes = parts[i / 2];
        stream_write(p.stream, spans, 2, on_written);
        read_until_written(&p, BIG);
        CHECK(p.ok && p.writes == 1 && p.got.n == BIG && memcmp(p.got.p, bytes, BIG) == 0);
        close_pair(&p);
    }
    free(bytes);
}

/* RFC 6066 §4: a client with little memory. Small records have more overhead in all than large ones. */
TEST(fragments, "a client that asks for small records gets all of a piece in them")
{
    static const uint8_t sizes[] = {TLSEXT_max_fragment_length_512, TLSEXT_max_fragment_length_1024,
                                    TLSEXT_max_fragment_length_2048, TLSEXT_max_fragment_length_4096};
    char *bytes = make_bytes(BIG);
    struct iovec spans[] = {{bytes, HEAD}, {bytes + HEAD, BIG - HEAD}};

    for (size_t i = 0; i < 2 * sizeof(sizes); i++) {
        struct pair p;

        open_pair(&p, versions[1 + i % 2], 0);
        CHECK(SSL_set_tlsext_max_fragment_length(p.ssl, sizes[i / 2]) == 1);
        stream_handshake(p.stream, on_handshake);
        CHECK(shake_as_client(&p));
        memset(&kernel, 0, sizeof(kernel));
        stream_write(p.stream, spans, 2, on_written);
        read_until_written(&p, BIG);
        CHECK(p.ok && p.writes == 1 && p.got.n == BIG && memcmp(p.got.p, bytes, BIG) == 0);
        close_pair(&p);
    }
    free(bytes);
}

TEST(shared, "two streams that wait in the middle of their batches do not mix their bytes")
{
    char *bytes = make_bytes(2 * BIG);
    struct iovec spans[] = {{bytes, BIG}, {bytes + BIG, BIG}};
    struct pair p[2];

    for (int i = 0; i < 2; i++)
        connect_roomy(&p[i], TLS1_3_VERSION, 0);
    for (int i = 0; i < 2; i++)
        stream_write(p[i].stream, &spans[i], 1, on_written);
    for (int n = 0; n < TURNS_MAX && (p[0].got.n < BIG || p[1].got.n < BIG); n++)
        for (int i = 0; i < 2; i++) {
            turn(&p[i]);
            client_read(&p[i], 4096);
        }
    for (int i = 0; i < 2; i++) {
        CHECK(p[i].got.n == BIG && memcmp(p[i].got.p, bytes + (size_t)i * BIG, BIG) == 0);
        close_pair(&p[i]);
    }
    free(bytes);
}

TEST(failing, "a send that fails in the middle ends the write, and nothing is sent after it")
{
    char *bytes = make_bytes(BIG);
    struct iovec span = {bytes, BIG};

    for (size_t i = 1; i < 3; i++)
        for (size_t call = 1; call < 5; call++) {
            struct pair p;

            connect_roomy(&p, versions[i], ROOMY);
            kernel.takes = 50000;
            kernel.fails_at = call;
            stream_write(p.stream, &span, 1, on_written);
            for (int j = 0; j < 1000 && p.writes == 0; j++)
                turn(&p);
            CHECK(p.writes == 1 && !p.ok);
            CHECK_INT(kernel.calls, call);
            stream_close(&p.stream);
            CHECK_INT(kernel.calls, call);
            close_pair(&p);
        }
    free(bytes);
}

/* ---- turns ---- */

/* A stream that is written to again and again, as a pull writes. */
struct puller {
    struct pair p;
    const char *bytes;
    uint64_t written;
};

static void write_again(void *owner, bool ok)
{
    struct puller *puller = owner;
    struct iovec span = {(void *)(uintptr_t)puller->bytes, PIECE};

    CHECK(ok);
    puller->written += PIECE;
    if (puller->written < ROOMY)
        stream_write(puller->p.stream, &span, 1, write_again);
}

TEST(turns, "a reader that keeps up leaves the loop to others after a quarter of a mebibyte")
{
    char *bytes = make_bytes(PIECE);

    for (size_t i = 0; i < 3; i++) {
        struct puller puller = {.bytes = bytes};
        uint64_t before = 0;

        connect_roomy(&puller.p, versions[i], ROOMY);
        write_again(&puller, true);
        for (int j = 0; j < 5; j++) {
            turn(&puller.p);
            CHECK(puller.written > before);
            CHECK(puller.written - before <= 2 * (uint64_t)PIECE);
            before = puller.written;
        }
        close_pair(&puller.p);
    }
    free(bytes);
}
