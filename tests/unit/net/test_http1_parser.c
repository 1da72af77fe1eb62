#include "tests/unit/net/http1_fixture.h"

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LINE         "GET /v2/ HTTP/1.1\r\n"
#define HEAD         LINE "Host: a\r\n"

static void check_head(struct str text, const char *wanted)
{
    struct sbuf got = {0};

    describe_cut(text, 0, &got);
    CHECK_TEXT(sbuf_text(&got), wanted);
    sbuf_free(&got);
}

/* Refused with `status`; llhttp's own words differ from release to release, so ours only are compared. */
static void check_refused(struct str text, const char *wanted)
{
    struct sbuf got = {0};

    describe_cut(text, 0, &got);
    if (strncmp(sbuf_text(&got), wanted, strlen(wanted)) != 0)
        test_fail(__FILE__, __LINE__, "\"%s\" gives \"%s\", not \"%s\"", text.p, got.p, wanted);
    sbuf_free(&got);
}

static void check_each_cut(struct str text)
{
    struct sbuf whole = {0}, got = {0};

    describe_cut(text, 0, &whole);
    for (size_t at = 1; at < text.n; at++) {
        describe_cut(text, at, &got);
        if (strcmp(sbuf_text(&got), sbuf_text(&whole)) != 0)
            test_fail(__FILE__, __LINE__, "cut at %zu: \"%s\", not \"%s\"", at, got.p, whole.p);
    }
    sbuf_free(&whole);
    sbuf_free(&got);
}

TEST(plain, "a head without a body is read")
{
    check_head(STR(HEAD "Accept: */*\r\nX-Empty:\r\nX-Blanks: \t a  b \t\r\n\r\n"),
               "GET /v2/ 1.1 host=a head=73 accept=[*/*] x-empty=[] x-blanks=[a  b]");
}

TEST(framing, "headers that frame the message are used and not passed on")
{
    check_head(STR(HEAD "Content-Length: 5\r\n\r\nhello"), "GET /v2/ 1.1 host=a length=5 head=49");
    check_head(STR(HEAD "Content-Length: 0\r\n\r\n"), "GET /v2/ 1.1 host=a length=0 head=49");
    check_head(STR(HEAD "Content-Length: 9223372036854775807\r\n\r\n"),
               "GET /v2/ 1.1 host=a length=9223372036854775807 head=67");
    check_head(STR(HEAD "Transfer-Encoding: chunked\r\n\r\n"), "GET /v2/ 1.1 host=a chunked head=58");
    check_head(STR(HEAD "transfer-encoding: CHUNKED\r\n\r\n"), "GET /v2/ 1.1 host=a chunked head=58");
    check_head(STR(HEAD "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
               "GET /v2/ 1.1 host=a length=1 continue head=71");
    check_head(STR(HEAD "Upgrade: h2c\r\n\r\n"), "GET /v2/ 1.1 host=a head=44");
}

TEST(persistence, "a connection stays open unless one side's version or wish ends it")
{
    check_head(STR("GET / HTTP/1.0\r\n\r\n"), "GET / 1.0 host= close head=18");
    check_head(STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
               "GET / 1.0 host= head=42 connection=[keep-alive]");
    check_head(STR(HEAD "Connection: close\r\n\r\n"), "GET /v2/ 1.1 host=a close head=49 connection=[close]");
}

TEST(methods, "methods that are not served are for the routes to refuse, CONNECT is refused here")
{
    check_head(STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS * 1.1 host=a head=31");
    check_head(STR("PATCH /x HTTP/1.1\r\nHost: a\r\n\r\n"), "PATCH /x 1.1 host=a head=30");
    check_refused(STR("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
                  "501 CONNECT is for proxies");
    check_refused(STR("get / HTTP/1.1\r\nHost: a\r\n\r\n"), "400 ");
    check_refused(STR("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), "400 ");
}

TEST(absolute, "a target with scheme and authority is read as its path")
{
    check_head(STR("GET http://b/v2/?n=1 HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /v2/?n=1 1.1 host=a head=42");
    check_head(STR("GET https://b HTTP/1.1\r\nHost: a\r\n\r\n"), "GET / 1.1 host=a head=35");
}

TEST(versions, "only HTTP/1.0 and 1.1 are spoken")
{
    static const struct str heads[] = {
        STR("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        STR("GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
        STR("GET /\r\n\r\n"),
    };

    for (size_t i = 0; i < COUNT(heads); i++)
        check_refused(heads[i], "505 ");
    check_refused(STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400 ");
    check_refused(STR("\x16\x03\x01\x02\x00\x01"), "400 ");
}

TEST(smuggling, "what request smuggling needs is refused")
{
    static const struct {
        struct str text;
        const char *wanted;
    } cases[] = {
        /* two lengths, or a length and a coding */
        {STR(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "400 "},
        {STR(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: 5, 5\r\n\r\n"), "400 "},
        /* codings that are not exactly chunked */
        {STR(HEAD "Transfer-Encoding: gzip\r\n\r\n"), "400 the only transfer coding taken is chunked"},
        {STR(HEAD "Transfer-Encoding: identity\r\n\r\n"), "400 the only transfer coding taken is chunked"},
        {STR(HEAD "Transfer-Encoding: xchunked\r\n\r\n"), "400 the only transfer coding taken is chunked"},
        {STR(HEAD "Transfer-Encoding:\r\n\r\n"), "400 the only transfer coding taken is chunked"},
        {STR(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), "400 the only transfer coding taken is chunked"},
        {STR(HEAD "Transfer-Encoding: chunked, identity\r\n\r\n"), "400 "},
        {STR(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), "400 "},
        {STR(HEAD "Transfer-Encoding: \x0b"
                  "chunked\r\n\r\n"),
         "400 "},
        {STR("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400 Transfer-Encoding in an HTTP/1.0 request"},
        /* lengths that are not one decimal number */
        {STR(HEAD "Content-Length: +5\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: -5\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: 0x5\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: 5 6\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length:\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length: 9223372036854775808\r\n\r\n"), "400 malformed Content-Length"},
        {STR(HEAD "Content-Length: 18446744073709551621\r\n\r\n"), "400 "},
        /* lines that go on in the next */
        {STR(HEAD "X: a\r\n b\r\n\r\n"), "400 "},
        {STR(HEAD "X: a\r\n\tb\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length:\r\n 5\r\n\r\n"), "400 "},
        {STR(HEAD "Transfer-Encoding:\r\n chunked\r\n\r\n"), "400 "},
        {STR(LINE " Host: a\r\n\r\n"), "400 "},
        /* line ends that are not CR LF */
        {STR("GET / HTTP/1.1\nHost: a\n\n"), "400 "},
        {STR("GET / HTTP/1.1\nHost: a\r\n\r\n"), "400 "},
        {STR(LINE "Host: a\n\r\n"), "400 "},
        {STR(HEAD "\n"), "400 "},
        {STR("\n" HEAD "\r\n"), "400 line that does not end in CR LF"},
        {STR(HEAD "X:\rContent-Length: 5\r\n\r\n"), "400 "},
        {STR(HEAD "X: a\rContent-Length: 5\r\n\r\n"), "400 "},
        {STR(HEAD "\rX: a\r\n\r\n"), "400 "},
        /* names that are not tokens */
        {STR(HEAD "X : a\r\n\r\n"), "400 "},
        {STR(HEAD "Content-Length : 5\r\n\r\n"), "400 "},
        {STR(HEAD ": a\r\n\r\n"), "400 "},
        {STR(HEAD "X(: a\r\n\r\n"), "400 "},
        {STR(HEAD "X\0: a\r\n\r\n"), "400 "},
        {STR(HEAD "abc\r\n\r\n"), "400 "},
        {STR(HEAD "X: a\0b\r\n\r\n"), "400 "},
        /* who is spoken to */
        {STR(LINE "\r\n"), "400 a request has exactly one Host"},
        {STR(LINE "Host:\r\n\r\n"), "400 a request has exactly one Host"},
        {STR(HEAD "Host: b\r\n\r\n"), "400 a request has exactly one Host"},
        {STR(HEAD "Expect: teapot\r\n\r\n"), "417 the only expectation served is 100-continue"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        check_refused(cases[i].text, cases[i].wanted);
        check_each_cut(cases[i].text);
    }
}

TEST(cuts, "a head split at every offset is the same as whole")
{
    static const struct str heads[] = {
        STR(HEAD "Accept: */*\r\nX-Empty:\r\nX-Blanks: \t a  b \t\r\nContent-Length: 5\r\n\r\nhello"),
        STR("\r\n\r\nPUT /v2/a/manifests/b?x=y HTTP/1.1\r\nHOST: a:5000\r\nTransfer-Encoding: chunked\r\n"
            "Expect: 100-continue\r\n\r\n5\r\nhello\r\n"),
        STR(HEAD "\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n"),
        STR("GET http://b/v2/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    };

    for (size_t i = 0; i < COUNT(heads); i++)
        check_each_cut(heads[i]);
}

TEST(bytes, "a head that comes byte by byte is the same as whole")
{
    static const struct str text = STR(HEAD "Accept: */*\r\nX-Empty:\r\nContent-Length: 5\r\n\r\n");
    struct sbuf got = {0};
    struct head head;

    head_begin(&head);
    for (size_t i = 0; i < text.n; i++) {
        CHECK(head.result == PARSE_MORE);
        head_feed(&head, (struct str){text.p + i, 1});
    }
    head_describe(&head, &got);
    CHECK_TEXT(sbuf_text(&got), "GET /v2/ 1.1 host=a length=5 head=72 accept=[*/*] x-empty=[]");
    head_end(&head);
    sbuf_free(&got);
}

TEST(behind, "bytes behind the head are left for the body or the next request")
{
    check_head(STR(HEAD "\r\nGARBAGE \x00\xff"), "GET /v2/ 1.1 host=a head=30");
}

/* ---- limits ---- */

static void describe_and_free(struct sbuf *text, const char *wanted)
{
    check_refused((struct str){text->p, text->n}, wanted);
    sbuf_free(text);
}

static void put_repeated(struct sbuf *text, char byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sbuf_put(text, &byte, 1);
}

TEST(header_count, "a hundred header fields are taken, one more is 431")
{
    for (int n = 100; n <= 101; n++) {
        struct sbuf text = {0};

        sbuf_printf(&text, HEAD);
        for (int i = 1; i < n; i++)
            sbuf_printf(&text, "X-%d: y\r\n", i);
        sbuf_printf(&text, "\r\n");
        describe_and_free(&text, n == 100 ? "GET /v2/ 1.1 host=a" : "431 more than 100 header fields");
    }
}

TEST(target_length, "a target of 8 KiB is taken, one byte more is 414, an endless one too")
{
    struct sbuf endless = {0};

    for (size_t n = HEAD_URL_MAX; n <= HEAD_URL_MAX + 1; n++) {
        struct sbuf text = {0};

        sbuf_printf(&text, "GET /");
        put_repeated(&text, 'a', n - 1);
        sbuf_printf(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
        describe_and_free(&text, n == HEAD_URL_MAX ? "GET /aaa" : "414 request target is too long");
    }
    sbuf_printf(&endless, "GET /");
    put_repeated(&endless, 'a', 100000);
    describe_and_free(&endless, "414 request target is too long");
}

TEST(head_length, "a head of 64 KiB is taken, one byte more is 431, also while its end is not in sight")
{
    struct sbuf endless = {0};

    for (size_t n = HEAD_BYTES_MAX; n <= HEAD_BYTES_MAX + 1; n++) {
        struct sbuf text = {0};

        sbuf_printf(&text, HEAD "X: ");
        put_repeated(&text, 'a', n - text.n - 4);
        sbuf_printf(&text, "\r\n\r\n");
        CHECK_INT(text.n, n);
        describe_and_free(&text,
                          n == HEAD_BYTES_MAX ? "GET /v2/ 1.1 host=a head=65536" : "431 request head is too large");
    }
    while (endless.n < HEAD_BYTES_MAX)
        sbuf_printf(&endless, "\r\n");
    describe_and_free(&endless, "431 request head is too large");
}

TEST(no_body, "a request without length and coding has no body")
{
    struct head head;

    head_begin(&head);
    head_feed(&head, STR(HEAD "\r\n"));
    CHECK(!parser_has_body(&head.parser));
    head_end(&head);
    head_begin(&head);
    head_feed(&head, STR(HEAD "Content-Length: 0\r\n\r\n"));
    CHECK(!parser_has_body(&head.parser));
    head_end(&head);
    head_begin(&head);
    head_feed(&head, STR(HEAD "Transfer-Encoding: chunked\r\n\r\n"));
    CHECK(parser_has_body(&head.parser));
    head_end(&head);
}
