/*
 * A connection's bytes through the HTTP/1.1 parser, heads and bodies, one request after the other as http1.c does it.
 *
 * Input: one byte n, n bytes that tell where to cut, the bytes of the connection. They are given whole and in parts;
 * both must say the same of every request.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "registry/net/http1_parser.h"

struct side {
    struct http1_parser parser;
    h2o_req_t req;
    char *head; /* the head so far; moves, and ends where its bytes end */
    size_t head_n;
    struct body_piece *piece; /* NULL: a head is being read */
    size_t parsed;
    bool refused;
    struct sbuf said;
};

static struct loop loop;
static struct driven source = {.loop = &loop};

static void begin(struct side *side)
{
    memset(&side->req, 0, sizeof(side->req));
    h2o_mem_init_pool(&side->req.pool);
    parser_init(&side->parser);
    side->head = NULL;
    side->head_n = 0;
}

static void end(struct side *side)
{
    h2o_mem_clear_pool(&side->req.pool);
    free(side->head);
}

/* Only the status: llhttp words the same fault differently when it meets it at the end of a part. */
static void refuse(struct side *side)
{
    HOLDS(side->parser.status >= 400 && side->parser.status < 600);
    HOLDS(side->parser.reason != NULL && side->parser.reason[0] != '\0');
    sbuf_printf(&side->said, "refused %d\n", side->parser.status);
    side->refused = true;
}

static void say(struct sbuf *said, h2o_iovec_t text)
{
    sbuf_put(said, text.base, text.len);
    sbuf_put(said, " ", 1);
}

static void tell_head(struct side *side)
{
    const struct http1_parser *p = &side->parser;

    HOLDS(p->head_length <= HEAD_BYTES_MAX && p->header_count <= HEAD_HEADERS_MAX);
    HOLDS(!p->chunked || !p->has_length);
    say(&side->said, side->req.input.method);
    say(&side->said, side->req.input.path);
    say(&side->said, side->req.input.authority);
    sbuf_printf(&side->said, "%d %d%d%d %llu\n", side->req.version, p->chunked, p->keep_alive, p->expect_continue,
                (unsigned long long)p->length);
    for (size_t i = 0; i < side->req.headers.size; i++) {
        say(&side->said, *side->req.headers.entries[i].name);
        say(&side->said, side->req.headers.entries[i].value);
    }
}

/* Returns the bytes used. */
static size_t feed_head(struct side *side, struct str part)
{
    size_t known = side->head_n, used;
    char *grown = xmalloc(known + part.n);

    if (known > 0)
        memcpy(grown, side->head, known);
    memcpy(grown + known, part.p, part.n);
    free(side->head);
    side->head = grown;
    side->head_n = known + part.n;
    switch (parser_head(&side->parser, grown, known, part.n)) {
    case PARSE_MORE:
        return part.n;
    case PARSE_BAD:
        refuse(side);
        return part.n;
    default:
        break;
    }
    used = side->parser.head_length - known;
    if (!parser_fill_request(&side->parser, grown, &side->req)) {
        refuse(side);
        return part.n;
    }
    tell_head(side);
    if (parser_has_body(&side->parser)) {
        side->piece = body_piece_new(&source, 0, 0);
        side->parsed = 0;
    } else {
        end(side);
        begin(side);
    }
    return used;
}

static void take_content(struct side *side)
{
    struct body_piece *piece = side->piece;
    size_t n = 0;

    for (int i = 0; i < piece->span_count; i++) {
        sbuf_put(&side->said, piece->spans[i].iov_base, piece->spans[i].iov_len);
        n += piece->spans[i].iov_len;
    }
    HOLDS(n == piece->length);
    body_piece_free(piece);
    side->piece = NULL;
}

static size_t feed_body(struct side *side, struct str part)
{
    struct body_piece *piece = side->piece;
    size_t consumed = 0;

    memcpy(piece->data + piece->filled, part.p, part.n);
    piece->filled += part.n;
    switch (parser_body(&side->parser, piece, side->parsed, &consumed)) {
    case PARSE_MORE:
        HOLDS(consumed == part.n);
        side->parsed += consumed;
        return part.n;
    case PARSE_DONE:
        HOLDS(consumed <= part.n);
        take_content(side);
        end(side);
        begin(side);
        return consumed;
    default:
        take_content(side);
        refuse(side);
        return part.n;
    }
}

static void feed(struct side *side, struct str part)
{
    while (part.n > 0 && !side->refused)
        part = str_from(part, side->piece == NULL ? feed_head(side, part) : feed_body(side, part));
}

static void run(struct side *side, struct str bytes, struct str cuts)
{
    memset(side, 0, sizeof(*side));
    begin(side);
    for (size_t i = 0; i < cuts.n && bytes.n > 0; i++) {
        size_t n = (unsigned char)cuts.p[i] < bytes.n ? (unsigned char)cuts.p[i] : bytes.n;

        feed(side, (struct str){bytes.p, n});
        bytes = str_from(bytes, n);
    }
    feed(side, bytes);
    if (side->piece != NULL)
        take_content(side);
    end(side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_text(data, size), cuts;
    struct side whole, parts;

    if (size == 0 || size > BODY_PIECE_SMALL)
        return 0;
    cuts = str_from(input, 1);
    if (cuts.n > data[0])
        cuts.n = data[0];
    input = str_from(input, 1 + cuts.n);
    run(&whole, input, (struct str){"", 0});
    run(&parts, input, cuts);
    HOLDS(whole.refused == parts.refused);
    /* Content in front of a fault inside one read is not handed over. */
    HOLDS(whole.refused || str_eq((struct str){whole.said.p, whole.said.n}, (struct str){parts.said.p, parts.said.n}));
    sbuf_free(&whole.said);
    sbuf_free(&parts.said);
    body_pieces_dispose(&loop);
    return 0;
}
