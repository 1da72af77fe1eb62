/*
 * HTTP/1.1 message framing (RFC 9112) by llhttp in its strict mode, with what llhttp leaves to its user: limits,
 * obs-fold, bare LF, Transfer-Encoding other than "chunked", Host, CONNECT.
 *
 * One parser serves one message: parser_init(), parser_head() until it is complete, then parser_body() until that is.
 * The head stays in the caller's buffer; the parser remembers offsets, so the buffer may move while it grows.
 *
 * Thread: none of its own.
 */
#ifndef BERTH_NET_HTTP1_PARSER_H
#define BERTH_NET_HTTP1_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <h2o.h>
#include <llhttp.h>

#include "registry/net/body.h"

enum {
    HEAD_BYTES_MAX = 64 * 1024,
    HEAD_HEADERS_MAX = 100,
    HEAD_URL_MAX = 8 * 1024,
    /* Chunk sizes, extensions and trailers: so much, and so much more for each byte of content, before it is an attack.
     */
    BODY_FRAMING_MAX = 16 * 1024,
    BODY_FRAMING_PER_BYTE = 16,
};

enum parse_result { PARSE_MORE, PARSE_DONE, PARSE_BAD };

/* Offset and length in the head's buffer. */
struct head_span {
    uint32_t at;
    uint32_t n;
};

struct http1_parser {
    llhttp_t llhttp;
    const char *base; /* of the bytes being parsed */

    /* head */
    struct head_span url;
    struct head_span names[HEAD_HEADERS_MAX];
    struct head_span values[HEAD_HEADERS_MAX];
    unsigned header_count; /* names begun */
    bool in_value;
    bool head_done;
    size_t head_length;

    /* body */
    struct body_piece *piece;
    uint64_t framing; /* bytes of it that were not content, and content */
    uint64_t content;
    const char *unchecked; /* the first byte of this part that was not yet looked at as framing */
    char before;           /* the byte in front of that; NUL when it is content */
    bool chunked;
    bool message_done;
    bool has_length;
    uint64_t length;
    bool keep_alive;
    bool expect_continue;

    /* PARSE_BAD */
    int status; /* to answer with */
    const char *reason;
};

void parser_init(struct http1_parser *p);
/* Parse `fresh` bytes more of a head that starts at `base`; `known` bytes were given before. PARSE_DONE: head_length
 * tells where it ends; bytes behind it were not looked at. */
enum parse_result parser_head(struct http1_parser *p, const char *base, size_t known, size_t fresh);
/* Fill method, path, authority, version and headers of `req`; its strings point into the buffer at `base`, except
 * names, which are lower-cased there. False sets status and reason. Framing headers are kept out of req->headers. */
bool parser_fill_request(struct http1_parser *p, char *base, h2o_req_t *req);
/* Is there a body to read? */
bool parser_has_body(const struct http1_parser *p);
/* Parse piece->data[from … piece->filled), adding content to the piece's spans. PARSE_DONE: *consumed bytes of them
 * belong to this message. */
enum parse_result parser_body(struct http1_parser *p, struct body_piece *piece, size_t from, size_t *consumed);

#endif
