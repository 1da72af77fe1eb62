/* Streams: writing and reading, plain and with TLS. */
#include "tests/unit/net/stream_fixture.h"

/* ---- writing ---- */

static void write_whole(int version, size_t client_takes)
{
    char *bytes = make_bytes(BIG);
    struct iovec spans[] = {{bytes, 10},           {bytes + 10, 0},          {bytes + 10, 700000},
                            {bytes + 700010, 300}, {bytes + 700310, 200000}, {bytes + 900310, BIG - 900310}};
    struct pair p;

    connect_pair(&p, version);
    stream_write(p.stream, spans, 6, on_written);
    CHECK_INT(p.writes, 0); /* never from inside the call */
    CHECK(stream_is_writing(p.stream));
    for (int i = 0; i < TURNS_MAX && (p.writes == 0 || p.got.n < BIG); i++) {
        turn(&p);
        client_read(&p, client_takes);
    }
    CHECK_INT(p.writes, 1);
    CHECK(p.ok && !stream_is_writing(p.stream));
    CHECK_INT(p.got.n, BIG);
    CHECK(memcmp(p.got.p, bytes, BIG) == 0);
    CHECK(stream_bytes_out(p.stream) >= BIG);
    close_pair(&p);
    free(bytes);
}

TEST(writing, "what is written arrives whole, plain and with TLS 1.2 and 1.3, through small buffers")
{
    for (size_t i = 0; i < 3; i++) {
        write_whole(versions[i], 4096);
        write_whole(versions[i], 97);
    }
}

TEST(nothing, "a write of nothing is done from the loop")
{
    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        connect_pair(&p, versions[i]);
        stream_write(p.stream, NULL, 0, on_written);
        CHECK_INT(p.writes, 0);
        for (int j = 0; j < 10; j++)
            turn(&p);
        CHECK(p.writes == 1 && p.ok);
        close_pair(&p);
    }
}

TEST(client_gone, "a write to a client that is gone ends with false")
{
    char *bytes = make_bytes(BIG);
    struct iovec span = {bytes, BIG};

    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        connect_pair(&p, versions[i]);
        stream_write(p.stream, &span, 1, on_written);
        turn(&p);
        CHECK_INT(p.writes, 0);
        close(p.fd);
        p.fd = -1;
        for (int j = 0; j < TURNS_MAX && p.writes == 0; j++)
            turn(&p);
        CHECK(p.writes == 1 && !p.ok);
        close_pair(&p);
    }
    free(bytes);
}

TEST(closed_while_writing, "after the stream is closed no callback comes")
{
    char *bytes = make_bytes(BIG);
    struct iovec span = {bytes, BIG};

    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        connect_pair(&p, versions[i]);
        stream_await_readable(p.stream, on_readable);
        stream_write(p.stream, &span, 1, on_written);
        turn(&p);
        stream_close(&p.stream);
        CHECK(p.stream == NULL);
        client_write(&p, "x", 1);
        while (client_read(&p, 4096))
            turn(&p);
        turn(&p);
        CHECK_INT(p.writes + p.readables, 0);
        close_pair(&p);
    }
    free(bytes);
}

/* ---- reading ---- */

static void read_whole(int version, size_t read_size)
{
    char *bytes = make_bytes(BIG);
    size_t sent = 0;
    struct pair p;

    connect_pair(&p, version);
    p.read_size = read_size;
    CHECK_INT(stream_read(p.stream, &(char){0}, 1), STREAM_WOULD_BLOCK);
    stream_await_readable(p.stream, on_readable);
    for (int i = 0; i < TURNS_MAX && p.received.n < BIG; i++) {
        sent += client_write(&p, bytes + sent, BIG - sent < 20000 ? BIG - sent : 20000);
        turn(&p);
    }
    CHECK_INT(p.received.n, BIG);
    CHECK(memcmp(p.received.p, bytes, BIG) == 0);
    CHECK_INT(p.last_read, STREAM_WOULD_BLOCK);
    CHECK(stream_bytes_in(p.stream) >= BIG);
    CHECK(!stream_has_pending(p.stream));
    close_pair(&p);
    free(bytes);
}

TEST(reading, "what the client sends is read whole, in reads of any size")
{
    for (size_t i = 0; i < 3; i++) {
        read_whole(versions[i], 100000);
        read_whole(versions[i], 61);
    }
}

TEST(pending, "bytes of a record that was not read to its end are pending")
{
    struct pair p;
    char buf[10];

    connect_pair(&p, TLS1_3_VERSION);
    CHECK_INT(client_write(&p, "hello, world", 12), 12);
    CHECK_INT(stream_read(p.stream, buf, 5), 5);
    CHECK(stream_has_pending(p.stream));
    CHECK_INT(stream_read(p.stream, buf, sizeof(buf)), 7);
    CHECK(!stream_has_pending(p.stream));
    close_pair(&p);
}

TEST(ignoring, "a stream that is not read from says nothing, and loses nothing")
{
    struct pair p;

    connect_pair(&p, TLS1_3_VERSION);
    stream_await_readable(p.stream, on_readable);
    stream_ignore_reads(p.stream);
    CHECK_INT(client_write(&p, "hello", 5), 5);
    for (int i = 0; i < 10; i++)
        turn(&p);
    CHECK_INT(p.readables, 0);
    stream_await_readable(p.stream, on_readable);
    for (int i = 0; i < 10; i++)
        turn(&p);
    CHECK_TEXT(sbuf_text(&p.received), "hello");
    close_pair(&p);
}

TEST(key_update, "a client may change its keys and ask for new ones")
{
    struct iovec span = {(char[]){"reply"}, 5};
    struct pair p;

    connect_pair(&p, TLS1_3_VERSION);
    stream_await_readable(p.stream, on_readable);
    CHECK(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
    CHECK_INT(client_write(&p, "hello", 5), 5);
    for (int i = 0; i < 10; i++)
        turn(&p);
    CHECK_TEXT(sbuf_text(&p.received), "hello");
    stream_write(p.stream, &span, 1, on_written);
    for (int i = 0; i < 1000 && p.got.n < 5; i++) {
        turn(&p);
        client_read(&p, 100);
    }
    CHECK_TEXT(sbuf_text(&p.got), "reply");
    close_pair(&p);
}
