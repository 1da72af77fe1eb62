/* Streams: how they begin and end. */
#include "tests/unit/net/stream_fixture.h"

/* ---- the ends ---- */

TEST(client_ends, "the client's end is read as the end of the stream")
{
    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        connect_pair(&p, versions[i]);
        CHECK_INT(client_write(&p, "bye", 3), 3);
        if (p.ssl != NULL)
            SSL_shutdown(p.ssl);
        else
            shutdown(p.fd, SHUT_WR);
        p.last_read = -9;
        stream_await_readable(p.stream, on_readable);
        for (int j = 0; j < 10; j++)
            turn(&p);
        CHECK_TEXT(sbuf_text(&p.received), "bye");
        CHECK_INT(p.last_read, 0);
        close_pair(&p);
    }
}

TEST(server_ends, "a closed stream ends in order, so that the client knows nothing is missing")
{
    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        connect_pair(&p, versions[i]);
        stream_close(&p.stream);
        for (int j = 0; j < 10 && !p.got_end; j++)
            client_read(&p, 100);
        CHECK(p.got_end);
        close_pair(&p);
    }
}

TEST(half_closed, "after the last write the client sees the end and may still be read from")
{
    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        connect_pair(&p, versions[i]);
        stream_finish_writing(p.stream);
        for (int j = 0; j < 10 && !p.got_end; j++)
            client_read(&p, 100);
        CHECK(p.got_end);
        CHECK_INT(client_write(&p, "late", 4), 4);
        stream_await_readable(p.stream, on_readable);
        for (int j = 0; j < 10; j++)
            turn(&p);
        CHECK_TEXT(sbuf_text(&p.received), "late");
        close_pair(&p);
    }
}

/* ---- handshakes ---- */

TEST(large_flight, "a handshake comes through when the certificate does not fit the socket's buffer")
{
    for (size_t i = 1; i < 3; i++) {
        struct pair p;

        open_pair(&p, versions[i], 100);
        stream_handshake(p.stream, on_handshake);
        CHECK_INT(p.handshakes, 0);
        CHECK(shake_as_client(&p));
        CHECK(stream_is_tls(p.stream));
        CHECK_INT(client_write(&p, "hello", 5), 5);
        stream_await_readable(p.stream, on_readable);
        for (int j = 0; j < 10; j++)
            turn(&p);
        CHECK_TEXT(sbuf_text(&p.received), "hello");
        close_pair(&p);
    }
}

/* What a client gets that sends `text` where a ClientHello belongs. */
static void send_instead_of_hello(struct pair *p, struct str text)
{
    open_pair(p, TLS1_3_VERSION, 0);
    SSL_free(p->ssl);
    p->ssl = NULL;
    stream_handshake(p->stream, on_handshake);
    CHECK_INT(client_write(p, text.p, text.n), text.n);
    for (int i = 0; i < 10; i++)
        turn(p);
    CHECK(p->handshakes == 1 && !p->ok);
    client_read(p, 4096);
}

/* What stands behind `mark`; nothing when that is not there. */
static const char *behind(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);

    return at == NULL ? "" : at + strlen(mark);
}

TEST(plain_http, "who speaks plain HTTP to a TLS port is told so")
{
    struct pair p;
    const char *body;

    send_instead_of_hello(&p, STR("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CHECK(strncmp(sbuf_text(&p.got), "HTTP/1.1 400 Bad Request\r\n", 26) == 0);
    CHECK(strstr(p.got.p, "\r\nConnection: close\r\n") != NULL);
    body = behind(p.got.p, "\r\n\r\n");
    CHECK_TEXT(body, "This port speaks TLS: use https:// instead of http:// here.\n");
    CHECK_INT(strtol(behind(p.got.p, "Content-Length: "), NULL, 10), strlen(body));
    close_pair(&p);
}

TEST(garbage, "a handshake of garbage fails with an alert")
{
    struct pair p;

    send_instead_of_hello(&p, STR("\x16\x03\x01\x00\x05garbage and more of it"));
    CHECK(p.got.n >= 7 && p.got.p[0] == 0x15); /* a record of type alert, RFC 8446 §5.1 */
    close_pair(&p);
}

TEST(vanishing, "a client that vanishes in the handshake fails it")
{
    struct pair p;

    open_pair(&p, TLS1_3_VERSION, 0);
    stream_handshake(p.stream, on_handshake);
    SSL_do_handshake(p.ssl);
    close(p.fd);
    p.fd = -1;
    for (int i = 0; i < TURNS_MAX && p.handshakes == 0; i++)
        turn(&p);
    CHECK(p.handshakes == 1 && !p.ok);
    close_pair(&p);
}
