/* Bodies: chunked and counted, in parts of any size; and the spans of a piece. */
#include "tests/unit/net/http1_fixture.h"

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct loop loop;
static struct driven source = {.loop = &loop};

#define CHUNKED "PATCH / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define COUNTED "PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"

/* ---- a body under parsing, as http1_body.c does it ---- */

struct body {
    struct head head;
    struct body_piece *piece;
    size_t parsed;
    size_t used; /* bytes that belong to the body */
    struct sbuf content;
    enum parse_result result;
};

static void body_begin(struct body *body, const char *head)
{
    memset(body, 0, sizeof(*body));
    head_begin(&body->head);
    head_feed(&body->head, str_of(head));
    CHECK(body->head.result == PARSE_DONE);
    body->piece = body_piece_new(&source, 0, 0);
    body->result = PARSE_MORE;
}

/* Hand the piece over and take an empty one. */
static void deliver(struct body *body)
{
    size_t before = body->content.n;

    for (int i = 0; i < body->piece->span_count; i++)
        sbuf_put(&body->content, body->piece->spans[i].iov_base, body->piece->spans[i].iov_len);
    CHECK_INT(body->content.n - before, body->piece->length);
    body_piece_free(body->piece);
    body->piece = body_piece_new(&source, 0, 0);
    body->parsed = 0;
}

static void body_feed(struct body *body, struct str part)
{
    size_t consumed = 0;

    if (body->result != PARSE_MORE || part.n == 0)
        return;
    if (body->piece->filled + part.n > BODY_PIECE_SMALL)
        deliver(body);
    memcpy(body->piece->data + body->piece->filled, part.p, part.n);
    body->piece->filled += part.n;
    body->result = parser_body(&body->head.parser, body->piece, body->parsed, &consumed);
    body->parsed += consumed;
    body->used += consumed;
}

/* "done 15 hello", "more …", or the status. */
static void body_describe(struct body *body, struct sbuf *out)
{
    out->n = 0;
    deliver(body);
    if (body->result == PARSE_BAD)
        sbuf_printf(out, "%d %s", body->head.parser.status, body->head.parser.reason);
    else
        sbuf_printf(out, "%s %zu %s", body->result == PARSE_DONE ? "done" : "more", body->used,
                    sbuf_text(&body->content));
}

static void body_end(struct body *body)
{
    body_piece_free(body->piece);
    head_end(&body->head);
    sbuf_free(&body->content);
    body_pieces_dispose(&loop);
}

/* `between`: also hand the piece over at the cut. */
static void body_cut(const char *head, struct str text, size_t at, bool between, struct sbuf *out)
{
    struct body body;

    body_begin(&body, head);
    body_feed(&body, (struct str){text.p, at});
    if (between)
        deliver(&body);
    body_feed(&body, str_from(text, at));
    body_describe(&body, out);
    body_end(&body);
}

static void check_body(const char *head, struct str text, const char *wanted)
{
    struct sbuf got = {0};

    body_cut(head, text, 0, false, &got);
    if (strncmp(sbuf_text(&got), wanted, strlen(wanted)) != 0)
        test_fail(__FILE__, __LINE__, "\"%s\" gives \"%s\", not \"%s\"", text.p, got.p, wanted);
    for (size_t at = 1; at < text.n; at++) {
        for (int between = 0; between < 2; between++) {
            body_cut(head, text, at, between, &got);
            if (strncmp(sbuf_text(&got), wanted, strlen(wanted)) != 0)
                test_fail(__FILE__, __LINE__, "\"%s\" cut at %zu gives \"%s\", not \"%s\"", text.p, at, got.p, wanted);
        }
    }
    sbuf_free(&got);
}

TEST(counted, "a body of known length ends where it ends, at whatever offset it is split")
{
    check_body(COUNTED, STR("hello"), "done 5 hello");
    check_body(COUNTED, STR("helloGET / HTTP/1.1\r\n"), "done 5 hello");
    check_body(COUNTED, STR("hell"), "more 4 hell");
    check_body(COUNTED, STR("\n \r\n\n"), "done 5 \n \r\n\n");
}

TEST(chunked, "a chunked body comes out whole, at whatever offset it is split")
{
    check_body(CHUNKED, STR("5\r\nhello\r\n0\r\n\r\n"), "done 15 hello");
    check_body(CHUNKED, STR("0\r\n\r\n"), "done 5 ");
    check_body(CHUNKED, STR("5\r\nhello\r\n00a\r\n, world!\r\n\r\n0\r\n\r\nGET /"), "done 32 hello, world!\r\n");
    check_body(CHUNKED, STR("1\r\n\n\r\n1\r\n \r\n0\r\n\r\n"), "done 17 \n ");
    check_body(CHUNKED, STR("A\r\n0123456789\r\n0\r\n\r\n"), "done 20 0123456789");
    check_body(CHUNKED, STR("5\r\nhel"), "more 6 hel");
}

TEST(extras, "chunk extensions and trailers are dropped")
{
    check_body(CHUNKED, STR("5;a=b\r\nhello\r\n0\r\n\r\n"), "done 19 hello");
    check_body(CHUNKED, STR("5;a\r\nhello\r\n0;b=c\r\n\r\n"), "done 21 hello");
    check_body(CHUNKED, STR("5\r\nhello\r\n0\r\nDigest: x\r\nExpires:\r\n\r\nGET"), "done 36 hello");
}

TEST(malformed, "chunks that are not exactly framed are refused")
{
    static const struct str bodies[] = {
        /* line ends */
        STR("5\nhello\r\n0\r\n\r\n"),
        STR("5\r\nhello\n0\r\n\r\n"),
        STR("5\r\nhello\r\n0\n\r\n"),
        STR("5\r\nhello\r\n0\r\n\n"),
        STR("5\rXhello\r\n0\r\n\r\n"),
        STR("0\r\n\rX"),
        STR("5;a=b\nhello\r\n0\r\n\r\n"),
        STR("5;a\nb\r\nhello\r\n0\r\n\r\n"),
        STR("5;a\rb\r\nhello\r\n0\r\n\r\n"),
        /* sizes */
        STR(" 5\r\nhello\r\n0\r\n\r\n"),
        STR("0x5\r\nhello\r\n0\r\n\r\n"),
        STR("-5\r\nhello\r\n0\r\n\r\n"),
        STR("+5\r\nhello\r\n0\r\n\r\n"),
        STR("5_\r\nhello\r\n0\r\n\r\n"),
        STR("\r\nhello\r\n0\r\n\r\n"),
        STR("10000000000000005\r\nhello\r\n0\r\n\r\n"),
        STR("5\0\r\nhello\r\n0\r\n\r\n"),
        STR("5;a\0\r\nhello\r\n0\r\n\r\n"),
        /* content longer or shorter than its size */
        STR("5\r\nhello!\r\n0\r\n\r\n"),
        STR("5\r\nhell\r\n0\r\n\r\n"),
        /* trailers */
        STR("0\r\nA: b\n\r\n"),
        STR("0\r\nA: b\n\nGET /"),
        STR("0\r\nA: b\rC: d\r\n\r\n"),
        STR("0\r\nA:\rB: c\r\n\r\n"),
        STR("0\r\nA : b\r\n\r\n"),
        STR("0\r\nA: b\r\n c\r\n\r\n"),
        STR("0\r\nA:\r\n c\r\n\r\n"),
        STR("0\r\nA: \0\r\n\r\n"),
    };

    for (size_t i = 0; i < COUNT(bodies); i++)
        check_body(CHUNKED, bodies[i], "400 ");
}

/* ---- limits ---- */

static void feed_repeated(struct body *body, char byte, size_t n, size_t part)
{
    char bytes[8192];

    memset(bytes, byte, sizeof(bytes));
    for (size_t done = 0; done < n && body->result == PARSE_MORE; done += part)
        body_feed(body, (struct str){bytes, part < n - done ? part : n - done});
}

static void check_framing_limit(const char *begin, size_t n, const char *end, const char *wanted)
{
    static const size_t parts[] = {1, 7, 4096, 8192};
    struct sbuf got = {0};

    for (size_t i = 0; i < COUNT(parts); i++) {
        struct body body;

        body_begin(&body, CHUNKED);
        body_feed(&body, str_of(begin));
        feed_repeated(&body, 'x', n, parts[i]);
        body_feed(&body, str_of(end));
        body_describe(&body, &got);
        body_end(&body);
        if (strcmp(sbuf_text(&got), wanted) != 0)
            test_fail(__FILE__, __LINE__, "parts of %zu: \"%s\", not \"%s\"", parts[i], got.p, wanted);
    }
    sbuf_free(&got);
}

TEST(endless_extension, "an endless chunk extension is refused, a long one is taken")
{
    check_framing_limit("5;", BODY_FRAMING_MAX - 4, "\r\nhello\r\n0\r\n\r\n", "done 16396 hello");
    check_framing_limit("5;", BODY_FRAMING_MAX - 3, "\r\nhello\r\n0\r\n\r\n", "400 too much chunk framing");
    check_framing_limit("5;", 1000000, "", "400 too much chunk framing");
}

TEST(endless_trailer, "endless trailers are refused, long ones are taken")
{
    check_framing_limit("0\r\nA: ", BODY_FRAMING_MAX - 10, "\r\n\r\n", "done 16384 ");
    check_framing_limit("0\r\nA: ", BODY_FRAMING_MAX - 9, "\r\n\r\n", "400 too much chunk framing");
    check_framing_limit("0\r\nA: ", 1000000, "", "400 too much chunk framing");
}

TEST(tiny_chunks, "a large body in tiny chunks is taken")
{
    struct sbuf got = {0};
    struct body body;

    body_begin(&body, CHUNKED);
    for (int i = 0; i < 100000; i++)
        body_feed(&body, STR("1\r\nx\r\n"));
    body_feed(&body, STR("0\r\n\r\n"));
    CHECK(body.result == PARSE_DONE);
    body_describe(&body, &got);
    CHECK_INT(body.used, 600005);
    CHECK_INT(body.content.n, 100000);
    CHECK_INT(strspn(body.content.p, "x"), 100000);
    body_end(&body);
    sbuf_free(&got);
}

TEST(padded_chunks, "chunks that are mostly extension are refused in the end")
{
    struct body body;

    body_begin(&body, CHUNKED);
    for (int i = 0; i < 100000 && body.result == PARSE_MORE; i++)
        body_feed(&body, STR("1;0123456789012345678901234567890123456789\r\nx\r\n"));
    CHECK(body.result == PARSE_BAD);
    CHECK_TEXT(body.head.parser.reason, "too much chunk framing");
    body_end(&body);
}

/* ---- pieces ---- */

TEST(merging, "bytes that touch become one span")
{
    struct body_piece *piece = body_piece_new(&source, 0, 0);

    body_piece_add(piece, piece->data, 10);
    body_piece_add(piece, piece->data + 10, 5);
    body_piece_add(piece, piece->data + 20, 1);
    CHECK_INT(piece->span_count, 2);
    CHECK_INT(piece->length, 16);
    CHECK_INT(piece->spans[0].iov_len, 15);
    CHECK(piece->spans[1].iov_base == piece->data + 20);
    CHECK_INT(piece->spans[1].iov_len, 1);
    body_piece_free(piece);
    body_pieces_dispose(&loop);
}

TEST(closing_gaps, "when the spans are used up, bytes move together and none is lost")
{
    struct body_piece *piece = body_piece_new(&source, 0, 0);
    struct sbuf got = {0}, wanted = {0};

    for (size_t i = 0; i < BODY_PIECE_SMALL; i++)
        piece->data[i] = (char)(i * 31 >> 3);
    for (size_t at = 0; at + 100 < BODY_PIECE_SMALL; at += 130) { /* gaps of 30 bytes */
        sbuf_put(&wanted, piece->data + at, 100);
        body_piece_add(piece, piece->data + at, 100);
    }
    CHECK_INT(piece->span_count, BODY_SPANS_MAX);
    CHECK_INT(piece->length, wanted.n);
    for (int i = 0; i < piece->span_count; i++)
        sbuf_put(&got, piece->spans[i].iov_base, piece->spans[i].iov_len);
    CHECK(str_eq((struct str){got.p, got.n}, (struct str){wanted.p, wanted.n}));
    sbuf_free(&got);
    sbuf_free(&wanted);
    body_piece_free(piece);
    body_pieces_dispose(&loop);
}

TEST(spares, "a loop keeps some pieces of each size and no more")
{
    static const struct {
        uint64_t length;
        size_t spares;
        struct piece_stock *stock;
    } cases[] = {
        {BODY_PIECE_SMALL, BODY_SPARE_SMALL, &loop.small_pieces},
        {BODY_LENGTH_UNKNOWN, BODY_SPARE_LARGE, &loop.large_pieces},
    };

    for (size_t c = 0; c < COUNT(cases); c++) {
        struct body_piece *pieces[BODY_SPARE_SMALL + BODY_SPARE_LARGE];
        size_t n = cases[c].spares + 1;

        for (size_t i = 0; i < n; i++)
            pieces[i] = body_piece_new(&source, cases[c].length, 0);
        CHECK_INT(cases[c].stock->in_use, n);
        for (size_t i = 0; i < n; i++)
            body_piece_free(pieces[i]);
        CHECK_INT(cases[c].stock->in_use, 0);
        CHECK_INT(cases[c].stock->spare_count, cases[c].spares);
        pieces[0] = body_piece_new(&source, cases[c].length, 0);
        CHECK_INT(cases[c].stock->spare_count, cases[c].spares - 1);
        CHECK(pieces[0]->span_count == 0 && pieces[0]->length == 0 && pieces[0]->filled == 0);
        CHECK(pieces[0]->loop == &loop && pieces[0]->source == &source);
        body_piece_free(pieces[0]);
        body_pieces_dispose(&loop);
        CHECK_INT(cases[c].stock->spare_count, 0);
        CHECK(cases[c].stock->spare == NULL);
    }
}

TEST(sizes, "pieces are large for long bodies, and small when many are in use")
{
    struct body_piece *pieces[BODY_LARGE_MOST + 2];

    pieces[0] = body_piece_new(&source, BODY_PIECE_SMALL, 0);
    CHECK_INT(pieces[0]->size, BODY_PIECE_SMALL);
    for (size_t i = 1; i < COUNT(pieces); i++) {
        pieces[i] = body_piece_new(&source, i % 2 == 0 ? BODY_LENGTH_UNKNOWN : BODY_PIECE_SMALL + 1, 0);
        CHECK_INT(pieces[i]->size, i <= BODY_LARGE_MOST ? BODY_PIECE_LARGE : BODY_PIECE_SMALL);
    }
    body_piece_free(pieces[1]);
    pieces[1] = body_piece_new(&source, BODY_LENGTH_UNKNOWN, 0);
    CHECK_INT(pieces[1]->size, BODY_PIECE_LARGE);
    for (size_t i = 0; i < COUNT(pieces); i++)
        body_piece_free(pieces[i]);
    body_pieces_dispose(&loop);
}

TEST(boundaries, "a piece is full where the next multiple of its size begins in what is kept")
{
    static const struct {
        uint64_t length, position;
        size_t wanted;
    } cases[] = {
        {1, 0, BODY_PIECE_SMALL},
        {1, 1, BODY_PIECE_SMALL - 1},
        {1, BODY_PIECE_SMALL - 1, 1},
        {1, 5 * (uint64_t)BODY_PIECE_SMALL, BODY_PIECE_SMALL},
        {BODY_LENGTH_UNKNOWN, 0, BODY_PIECE_LARGE},
        {BODY_LENGTH_UNKNOWN, (1ULL << 40) + 10, BODY_PIECE_LARGE - 10},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct body_piece *piece = body_piece_new(&source, cases[i].length, cases[i].position);
        size_t read = 0;

        for (size_t n; (n = body_piece_missing(piece)) > 0; read += n) {
            CHECK(n <= BODY_READ_MOST);
            body_piece_add(piece, piece->data + piece->filled, n);
            piece->filled += n;
        }
        CHECK_INT(read, cases[i].wanted);
        body_piece_free(piece);
    }
    body_pieces_dispose(&loop);
}

TEST(framing_room, "a piece is full, too, when chunk framing has used up its room")
{
    struct body_piece *piece = body_piece_new(&source, 1, 0);

    piece->filled = BODY_PIECE_SMALL + BODY_FRAMING_ROOM - 1;
    CHECK_INT(body_piece_missing(piece), 1);
    piece->filled++;
    CHECK_INT(body_piece_missing(piece), 0);
    piece->filled = 10;
    piece->length = piece->wanted + 1; /* came behind a head, more than up to the boundary */
    CHECK_INT(body_piece_missing(piece), 0);
    body_piece_free(piece);
    body_pieces_dispose(&loop);
}
