#include "registry/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

TEST(of, "a slice of nothing is empty")
{
    CHECK_INT(str_of(NULL).n, 0);
    CHECK_INT(str_of("").n, 0);
    CHECK_INT(str_of("abc").n, 3);
    CHECK_INT(STR("a\0b").n, 3);
}

TEST(equal, "slices are equal byte by byte, also behind a NUL")
{
    CHECK(str_eq(STR("a\0b"), STR("a\0b")));
    CHECK(!str_eq(STR("a\0b"), STR("a\0c")));
    CHECK(!str_eq(STR("a"), STR("ab")));
    CHECK(str_eq((struct str){NULL, 0}, STR("")));
}

TEST(equal_nocase, "letters of ASCII are equal in either case, nothing else is")
{
    CHECK(str_eq_nocase(STR("Content-Length"), STR("content-lENGTH")));
    CHECK(!str_eq_nocase(STR("a"), STR("b")));
    CHECK(!str_eq_nocase(STR("a\0B"), STR("a\0c")));
    CHECK(str_eq_nocase(STR("a\0B"), STR("A\0b")));
    CHECK(!str_eq_nocase(STR("@"), STR("`")));
    CHECK(!str_eq_nocase(STR("["), STR("{")));
    CHECK(!str_eq_nocase(STR("\xc4"), STR("\xe4")));
    CHECK(str_eq_nocase((struct str){NULL, 0}, STR("")));
}

TEST(starts, "a slice starts with its prefix and with nothing")
{
    CHECK(str_starts(STR("bytes=1-"), STR("bytes=")));
    CHECK(str_starts(STR("a"), STR("")));
    CHECK(!str_starts(STR("byte"), STR("bytes")));
}

TEST(order, "slices order by bytes, then by length")
{
    CHECK(str_cmp(STR("a"), STR("b")) < 0);
    CHECK(str_cmp(STR("a"), STR("aa")) < 0);
    CHECK(str_cmp(STR("b"), STR("aa")) > 0);
    CHECK(str_cmp(STR("\xff"), STR("a")) > 0);
    CHECK_INT(str_cmp(STR("ab"), STR("ab")), 0);
    CHECK_INT(str_cmp((struct str){NULL, 0}, STR("")), 0);
}

TEST(find, "a byte that is not there is found at the end")
{
    CHECK_INT(str_find(STR("a/b/c"), '/'), 1);
    CHECK_INT(str_find(STR("abc"), '/'), 3);
    CHECK_INT(str_find((struct str){NULL, 0}, '/'), 0);
}

TEST(from, "the rest behind the end is empty")
{
    CHECK(str_eq(str_from(STR("abc"), 1), STR("bc")));
    CHECK(str_eq(str_from(STR("abc"), 3), STR("")));
    CHECK(str_eq(str_from(STR("abc"), SIZE_MAX), STR("")));
    CHECK_INT(str_from((struct str){NULL, 0}, 5).n, 0);
}

TEST(trim, "blanks and tabs are trimmed, line ends are not")
{
    CHECK(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")));
    CHECK(str_eq(str_trim(STR(" \t ")), STR("")));
    CHECK(str_eq(str_trim(STR(" a\n")), STR("a\n")));
}

TEST(numbers, "only whole decimal numbers that fit are numbers")
{
    static const struct str bad[] = {
        STR(""),
        STR("+1"),
        STR("-1"),
        STR(" 1"),
        STR("1 "),
        STR("0x10"),
        STR("1e3"),
        STR("1.0"),
        STR("1\0"),
        STR("18446744073709551616"),
        STR("\xb2"),
        STR("1_0"),
        STR("99999999999999999999"),
    };
    uint64_t value = 7;

    for (size_t i = 0; i < COUNT(bad); i++)
        if (str_to_u64(bad[i], &value))
            test_fail(__FILE__, __LINE__, "\"%s\" is taken for a number", bad[i].p);
    CHECK_INT(value, 7);
    CHECK(str_to_u64(STR("0"), &value) && value == 0);
    CHECK(str_to_u64(STR("007"), &value) && value == 7);
    CHECK(str_to_u64(STR("18446744073709551615"), &value) && value == UINT64_MAX);
}

TEST(dup, "a copy is terminated")
{
    char *copy = str_dup((struct str){"abc", 2});
    char *empty = str_dup((struct str){NULL, 0});

    CHECK_TEXT(copy, "ab");
    CHECK_TEXT(empty, "");
    free(copy);
    free(empty);
}

TEST(hex, "hexadecimal goes there and back, in lower case only")
{
    static const uint8_t raw[] = {0x00, 0x7f, 0x80, 0xff};
    static const char *const bad[] = {"007F80ff", "007f80fg", "007f80f ", "0x7f80ff", "007f80f\0"};
    char text[9] = {0};
    uint8_t back[4];

    hex_encode(raw, sizeof(raw), text);
    CHECK_TEXT(text, "007f80ff");
    CHECK(hex_decode(text, sizeof(back), back) && memcmp(raw, back, sizeof(raw)) == 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!hex_decode(bad[i], sizeof(back), back));
}

TEST(decimal, "numbers are put in decimal, from nothing to the largest")
{
    struct sbuf b = {0};

    sbuf_u64(&b, 0);
    sbuf_str(&b, STR(" "));
    sbuf_u64(&b, 10);
    sbuf_str(&b, STR(" "));
    sbuf_u64(&b, UINT64_MAX);
    CHECK_TEXT(sbuf_text(&b), "0 10 18446744073709551615");
    sbuf_free(&b);
}

TEST(grows, "a buffer grows and keeps what it has")
{
    struct sbuf b = {0};
    char wanted[2001];

    for (int i = 0; i < 200; i++)
        sbuf_printf(&b, "%010d", i);
    for (int i = 0; i < 200; i++)
        snprintf(wanted + 10 * (size_t)i, 11, "%010d", i);
    CHECK_INT(b.n, 2000);
    CHECK_TEXT(sbuf_text(&b), wanted);
    sbuf_free(&b);
    CHECK(b.p == NULL && b.n == 0 && b.capacity == 0);
}

TEST(terminator, "the terminator is not counted")
{
    struct sbuf b = {0};

    CHECK_TEXT(sbuf_text(&b), "");
    sbuf_put(&b, "a\0b", 3);
    sbuf_str(&b, STR(""));
    CHECK_INT(b.n, 3);
    CHECK(memcmp(sbuf_text(&b), "a\0b", 4) == 0);
    sbuf_free(&b);
}

static void check_encoding(void (*encode)(struct sbuf *, struct str), struct str in, const char *wanted)
{
    struct sbuf b = {0};

    encode(&b, in);
    CHECK_TEXT(sbuf_text(&b), wanted);
    sbuf_free(&b);
}

TEST(json, "JSON text escapes control characters, quotes, and what is no UTF-8")
{
    static const struct {
        struct str in;
        const char *wanted;
    } cases[] = {
        {STR(""), "\"\""},
        {STR("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
        {STR("\n\x7f\0"), "\"\\u000a\\u007f\\u0000\""},
        {STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {STR("\xc3"), "\"\\ufffd\""},                                  /* cut */
        {STR("\xc0\x80"), "\"\\ufffd\\ufffd\""},                       /* overlong NUL */
        {STR("\xe0\x80\x80x"), "\"\\ufffd\\ufffd\\ufffdx\""},          /* overlong */
        {STR("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""},            /* surrogate */
        {STR("\xf0\x80\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* overlong */
        {STR("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* past U+10FFFF */
        {STR("\xf5\x80\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {STR("\xed\x9f\xbf\xf4\x8f\xbf\xbf"), "\"\xed\x9f\xbf\xf4\x8f\xbf\xbf\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_encoding(sbuf_json, cases[i].in, cases[i].wanted);
}

TEST(percent, "percent-encoding leaves only unreserved characters")
{
    check_encoding(sbuf_percent, STR("aZ09-._~"), "aZ09-._~");
    check_encoding(sbuf_percent, STR("a/b c+%&=?#\0\xff"), "a%2Fb%20c%2B%25%26%3D%3F%23%00%FF");
}

TEST(has_only, "letters, digits and the marks that are named pass, and nothing else")
{
    CHECK(str_has_only(STR("aZ09-_"), STR("-_")));
    CHECK(str_has_only(STR(""), STR("")));
    CHECK(!str_has_only(STR("a.b"), STR("-_")));
    CHECK(!str_has_only((struct str){"a\0b", 3}, STR("-_")));
    CHECK(!str_has_only(STR("\xc3\xa4"), STR("-_")));
}

TEST(token, "a token of HTTP has at least one byte and no separator")
{
    CHECK(str_is_token(STR("X-Header_1!#$%&'*+.^`|~")));
    CHECK(!str_is_token(STR("")));
    CHECK(!str_is_token(STR("Name ")) && !str_is_token(STR("a:b")) && !str_is_token(STR("a(b")));
}

TEST(wipe, "what is wiped is empty and may be used again")
{
    struct sbuf b = {0};

    sbuf_wipe(&b);
    sbuf_str(&b, STR("secret"));
    sbuf_wipe(&b);
    CHECK(b.p == NULL && b.n == 0 && b.capacity == 0);
}
