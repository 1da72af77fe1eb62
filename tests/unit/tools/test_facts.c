#include "tools/facts.h"

#include <string.h>

#include "tests/unit/test.h"

TEST(both, "one description is lines for people and an object for programs")
{
    struct facts facts = {0}, child = {0};
    struct sbuf text = {0}, json = {0};

    facts_text(&facts, "name", STR("a\"b"));
    facts_number(&facts, "days left", -3);
    facts_bool(&facts, "good", true);
    facts_item(&facts, "host", STR("one"));
    facts_item(&facts, "host", STR("two"));
    facts_item(&facts, "email", STR("x@y"));
    facts_text(&child, "serial", STR("0a"));
    facts_bool(&child, "revoked", false);
    facts_child(&facts, "chain", &child);
    facts_child(&facts, "chain", &child);
    facts_none(&facts, "problem");
    facts_time(&facts, "until", 1700000000);
    facts_put_text(&facts, &text);
    facts_put_json(&facts, &json);
    CHECK_TEXT(sbuf_text(&text), "name: a\"b\ndays left: -3\ngood: yes\nhost: one\nhost: two\nemail: x@y\n"
                                 "chain:\n  serial: 0a\n  revoked: no\nchain:\n  serial: 0a\n  revoked: no\n"
                                 "until: 2023-11-14T22:13:20Z\n");
    CHECK_TEXT(sbuf_text(&json), "{\"name\":\"a\\\"b\",\"days_left\":-3,\"good\":true,\"host\":[\"one\",\"two\"],"
                                 "\"email\":[\"x@y\"],\"chain\":[{\"serial\":\"0a\",\"revoked\":false},"
                                 "{\"serial\":\"0a\",\"revoked\":false}],\"problem\":[],"
                                 "\"until\":\"2023-11-14T22:13:20Z\"}");
    facts_free(&facts);
    facts_free(&child);
    sbuf_free(&text);
    sbuf_free(&json);
}

TEST(open_list, "an object that ends in a list is closed, and an empty one is an object")
{
    struct facts facts = {0};
    struct sbuf json = {0};

    facts_put_json(&facts, &json);
    CHECK_TEXT(sbuf_text(&json), "{}");
    facts_item(&facts, "host", STR("one"));
    json.n = 0;
    facts_put_json(&facts, &json);
    CHECK_TEXT(sbuf_text(&json), "{\"host\":[\"one\"]}");
    facts_free(&facts);
    sbuf_free(&json);
}

static const struct {
    const char *text, *shown;
} escapes[] = {
    {"gr\303\274n \342\202\254 \360\237\220\247", "gr\303\274n \342\202\254 \360\237\220\247"},
    {"a\tb\033", "a\\x09b\\x1b"},
    {"\302\233 31m", "\\xc2\\x9b 31m"},           /* CSI of the set C1 */
    {"\377", "\\xff"},                            /* never in UTF-8 */
    {"\303", "\\xc3"},                            /* cut off */
    {"\300\257", "\\xc0\\xaf"},                   /* over-long */
    {"\340\200\257", "\\xe0\\x80\\xaf"},          /* likewise */
    {"\355\240\200", "\\xed\\xa0\\x80"},          /* a surrogate */
    {"\364\220\200\200", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
};

TEST(escaped, "what a terminal would obey, and what is no UTF-8, is shown as bytes; the rest as it is")
{
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        struct sbuf out = {0};

        text_escape(&out, str_of(escapes[i].text));
        CHECK_TEXT(sbuf_text(&out), escapes[i].shown);
        CHECK(text_is_plain(str_of(escapes[i].text)) == (strcmp(escapes[i].text, escapes[i].shown) == 0));
        sbuf_free(&out);
    }
}

TEST(control, "control characters do not reach the terminal")
{
    struct facts facts = {0};
    struct sbuf text = {0};

    facts_text(&facts, "name", STR("\x1b[31m\n\x7f"));
    facts_put_text(&facts, &text);
    CHECK_TEXT(sbuf_text(&text), "name: \\x1b[31m\\x0a\\x7f\n");
    facts_free(&facts);
    sbuf_free(&text);
}
