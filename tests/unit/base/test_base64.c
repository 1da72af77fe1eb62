#include "registry/base/base64.h"
#include "tests/unit/test.h"

/* RFC 4648 §10, and bytes that need the last two letters. */
static const struct {
    const char *bytes;
    const char *text;
} pairs[] = {{"", ""},
             {"f", "Zg=="},
             {"fo", "Zm8="},
             {"foo", "Zm9v"},
             {"foob", "Zm9vYg=="},
             {"fooba", "Zm9vYmE="},
             {"foobar", "Zm9vYmFy"},
             {"\xfb\xff\xfe", "+//+"}};

TEST(both_ways, "bytes become the standard's text, and the text becomes the bytes again")
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct sbuf text = {0}, bytes = {0};

        base64_put(&text, str_of(pairs[i].bytes));
        CHECK_TEXT(sbuf_text(&text), pairs[i].text);
        CHECK(base64_take(str_of(pairs[i].text), &bytes));
        CHECK_TEXT(sbuf_text(&bytes), pairs[i].bytes);
        sbuf_free(&text);
        sbuf_free(&bytes);
    }
}

TEST(none, "what is no base64 is refused, and nothing of it is kept")
{
    static const char *const texts[] = {
        "Z", "Zg", "Zg=", "Zg==\n", "Zg==Zg==", "=g==", "Z===", "====", "Zm9-", "Zm9vZ\001==", "Zm9v Zg="};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sbuf bytes = {0};

        sbuf_str(&bytes, STR("before"));
        if (base64_take(str_of(texts[i]), &bytes))
            CHECK_TEXT(texts[i], "refused");
        CHECK_TEXT(sbuf_text(&bytes), "before");
        sbuf_free(&bytes);
    }
}
