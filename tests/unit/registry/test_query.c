#include "registry/query.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The decoded text, or "(refused)". The input lies in memory of its exact size. */
static void check_decoded(struct str text, bool is_path, const char *wanted)
{
    char *in = xmalloc(text.n), *out = xmalloc(text.n), *got;
    size_t n = 0;
    bool ok;

    memcpy(in, text.p, text.n);
    ok = percent_decode((struct str){in, text.n}, is_path, out, &n);
    CHECK(n <= text.n);
    got = str_dup(ok ? (struct str){out, n} : STR("(refused)"));
    CHECK_TEXT(got, wanted);
    free(got);
    free(in);
    free(out);
}

TEST(decode, "escapes are decoded once, in either case")
{
    check_decoded(STR(""), true, "");
    check_decoded(STR("/v2/a%2db%2DC"), true, "/v2/a-b-C");
    check_decoded(STR("%c3%A4"), true, "\xc3\xa4");
    check_decoded(STR("%25%32%46"), true, "%2F");
    check_decoded(STR("%2e%2e"), true, "..");
    check_decoded(STR("a+b"), true, "a+b");
    check_decoded(STR("a+b%2B"), false, "a b+");
    check_decoded(STR("a%2Fb"), false, "a/b");
}

TEST(refuse, "broken escapes, an escaped NUL, and an escaped slash in a path are refused")
{
    static const struct str broken[] = {
        STR("%"),   STR("a%"),    STR("%1"),  STR("%zz"), STR("%1z"), STR("%z1"), STR("%%41"),
        STR("%00"), STR("a%00b"), STR("% 1"), STR("%+1"), STR("%0x"), STR("%G0"), STR("%\xb1\xb1"),
    };

    for (size_t i = 0; i < COUNT(broken); i++) {
        check_decoded(broken[i], true, "(refused)");
        check_decoded(broken[i], false, "(refused)");
    }
    check_decoded(STR("a%2fb"), true, "(refused)");
    check_decoded(STR("a%2Fb"), true, "(refused)");
}

static void check_value(struct str query, const char *key, size_t index, const char *wanted)
{
    struct sbuf value = {0};
    bool found = query_get(query, key, index, &value);

    CHECK_TEXT(found ? sbuf_text(&value) : "(none)", wanted);
    sbuf_free(&value);
}

TEST(get, "a parameter is found by its key and number")
{
    check_value(STR("n=10&last=a"), "n", 0, "10");
    check_value(STR("n=10&last=a"), "last", 0, "a");
    check_value(STR("tag=a&n=1&tag=b&tag=c"), "tag", 1, "b");
    check_value(STR("tag=a&n=1&tag=b&tag=c"), "tag", 2, "c");
    check_value(STR("tag=a"), "tag", 1, "(none)");
    check_value(STR("last=a%2Fb+c%26d=e"), "last", 0, "a/b c&d=e");
    check_value(STR("a=b=c"), "a", 0, "b=c");
}

TEST(empty, "a parameter may be empty, and one that is absent is told from it")
{
    check_value(STR("n="), "n", 0, "");
    check_value(STR("n"), "n", 0, "");
    check_value(STR("&&n&"), "n", 0, "");
    check_value(STR(""), "n", 0, "(none)");
    check_value((struct str){NULL, 0}, "n", 0, "(none)");
    check_value(STR("nn=1&N=2&xn=3"), "n", 0, "(none)");
}

TEST(malformed, "a value with a broken escape is none")
{
    check_value(STR("n=%zz"), "n", 0, "(none)");
    check_value(STR("n=%0"), "n", 0, "(none)");
    check_value(STR("n=%00"), "n", 0, "(none)");
}

TEST(reuse, "a buffer that held a longer value holds the new one only")
{
    struct sbuf value = {0};

    CHECK(query_get(STR("a=longer&b=x"), "a", 0, &value));
    CHECK(query_get(STR("a=longer&b=x"), "b", 0, &value));
    CHECK_TEXT(value.p, "x");
    CHECK_INT(value.n, 1);
    sbuf_free(&value);
}
