#include "auth/bearer.h"

#include <string.h>

#include "tests/unit/test.h"

enum { NOW = 1700000000, LIFETIME = 300 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str issue(const struct bearer *bearer, struct str name, struct str hash, struct sbuf *out)
{
    struct err e;

    out->n = 0;
    if (bearer_issue(bearer, name, hash, NOW, LIFETIME, out, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return (struct str){out->p, out->n};
}

static bool admitted(const struct bearer *bearer, struct str pass, struct str hash, uint64_t now_s)
{
    struct bearer_claim claim;

    return bearer_open(pass, &claim) && bearer_check(bearer, &claim, hash, now_s);
}

TEST(round_trip, "a pass says who and until when, in characters that fit a header, for names of every length")
{
    struct bearer *bearer = bearer_new();
    struct bearer_claim claim;
    struct sbuf text = {0};
    char name[BEARER_NAME_MAX + 1];

    memset(name, 'n', sizeof(name));
    for (size_t n = 0; n <= BEARER_NAME_MAX; n++) {
        struct str pass = issue(bearer, (struct str){name, n}, STR("$hash"), &text);

        CHECK(pass.n <= BEARER_TEXT_MAX);
        CHECK_INT(strspn(sbuf_text(&text), alphabet), pass.n);
        CHECK(bearer_open(pass, &claim));
        CHECK_INT(strlen(claim.name), n);
        CHECK(memcmp(claim.name, name, n) == 0);
        CHECK_INT(claim.expires_s, NOW + LIFETIME);
        CHECK(bearer_check(bearer, &claim, STR("$hash"), NOW));
    }
    sbuf_free(&text);
    bearer_free(&bearer);
    CHECK(bearer == NULL);
}

TEST(whose, "a pass is for one user with one password hash, from one server")
{
    struct bearer *bearer = bearer_new(), *other = bearer_new();
    struct sbuf text = {0}, anonymous = {0};
    struct str pass = issue(bearer, STR("alice"), STR("$hash"), &text);
    struct str nobody = issue(bearer, STR(""), STR(""), &anonymous);

    CHECK(admitted(bearer, pass, STR("$hash"), NOW));
    CHECK(!admitted(bearer, pass, STR("$hasi"), NOW));
    CHECK(!admitted(bearer, pass, STR("$has"), NOW));
    CHECK(!admitted(bearer, pass, STR(""), NOW));
    CHECK(!admitted(other, pass, STR("$hash"), NOW));
    CHECK(admitted(bearer, nobody, STR(""), NOW));
    CHECK(!admitted(bearer, nobody, STR("$hash"), NOW));
    CHECK(!admitted(other, nobody, STR(""), NOW));
    sbuf_free(&text);
    sbuf_free(&anonymous);
    bearer_free(&bearer);
    bearer_free(&other);
}

TEST(expiry, "a pass is good for its lifetime, and not when the clock says that it was made too far ahead")
{
    static const struct {
        int64_t after_s;
        bool good;
    } cases[] = {
        {0, true},
        {LIFETIME - 1, true},
        {LIFETIME, false},
        {LIFETIME + 1, false},
        {-1, true},
        {LIFETIME - BEARER_LIFETIME_MAX, true},
        {LIFETIME - BEARER_LIFETIME_MAX - 1, false},
        {-NOW, false},
    };
    struct bearer *bearer = bearer_new();
    struct sbuf text = {0};
    struct str pass = issue(bearer, STR("alice"), STR("$hash"), &text);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_INT(admitted(bearer, pass, STR("$hash"), (uint64_t)(NOW + cases[i].after_s)), cases[i].good);
    CHECK(!admitted(bearer, pass, STR("$hash"), UINT64_MAX));
    sbuf_free(&text);
    bearer_free(&bearer);
}

TEST(tampered, "a pass with any one character changed is worth nothing")
{
    struct bearer *bearer = bearer_new();
    struct sbuf text = {0};
    struct str pass = issue(bearer, STR("alice"), STR("$hash"), &text);

    for (size_t i = 0; i < pass.n; i++) {
        char was = text.p[i];

        for (int c = 0; c < 256; c++) {
            text.p[i] = (char)c;
            CHECK_INT(admitted(bearer, pass, STR("$hash"), NOW), (char)c == was);
        }
        text.p[i] = was;
    }
    CHECK(admitted(bearer, pass, STR("$hash"), NOW));
    sbuf_free(&text);
    bearer_free(&bearer);
}

TEST(cut, "a pass that is cut short, or has anything behind it, is worth nothing")
{
    static const char *const tails[] = {"A", "AA", "AAA", "AAAA", "=", "==", " ", "\n"};
    struct bearer *bearer = bearer_new();
    struct sbuf text = {0};
    struct str pass = issue(bearer, STR("alice"), STR("$hash"), &text);

    for (size_t n = 0; n < pass.n; n++)
        CHECK(!admitted(bearer, (struct str){pass.p, n}, STR("$hash"), NOW));
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        issue(bearer, STR("alice"), STR("$hash"), &text);
        sbuf_str(&text, str_of(tails[i]));
        CHECK(!admitted(bearer, (struct str){text.p, text.n}, STR("$hash"), NOW));
    }
    sbuf_free(&text);
    bearer_free(&bearer);
}

TEST(malformed, "texts that no server can have written are not taken apart")
{
    static const char *const texts[] = {
        "",
        "A",
        "AQ",
        "Basic YWxpY2U6c2VjcmV0",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
        /* version 2, all else zero */
        "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        /* version 1, a name of one byte: NUL */
        "AQAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    struct bearer_claim claim;
    char much[BEARER_TEXT_MAX + 4];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(!bearer_open(str_of(texts[i]), &claim));
    CHECK(bearer_open(STR("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &claim));
    memset(much, 'A', sizeof(much));
    CHECK(!bearer_open((struct str){much, sizeof(much)}, &claim));
    CHECK(!bearer_open((struct str){NULL, 0}, &claim));
}

TEST(refused, "names that are too long or hold control characters, and odd lifetimes, get no pass")
{
    static const char name_text[] = "a pass is for a name of at most 255 bytes without control characters";
    struct bearer *bearer = bearer_new();
    struct sbuf out = {0};
    char name[BEARER_NAME_MAX + 1];
    const struct {
        struct str name;
        uint32_t lifetime_s;
        const char *text;
    } cases[] = {
        {{name, sizeof(name)}, LIFETIME, name_text},
        {STR("al\nice"), LIFETIME, name_text},
        {STR("alice\0"), LIFETIME, name_text},
        {STR("alice\x7f"), LIFETIME, name_text},
        {STR("alice"), 0, "a pass lives for 1 to 3600 seconds, not 0"},
        {STR("alice"), 3601, "a pass lives for 1 to 3600 seconds, not 3601"},
    };

    memset(name, 'n', sizeof(name));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = {0};

        CHECK_INT(bearer_issue(bearer, cases[i].name, STR("$hash"), NOW, cases[i].lifetime_s, &out, &e), -1);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_TEXT(e.text, cases[i].text);
    }
    CHECK_INT(out.n, 0);
    CHECK_INT(bearer_issue(bearer, STR("J\xc3\xb6rg"), STR("$hash"), NOW, 3600, &out, NULL), 0);
    sbuf_free(&out);
    bearer_free(&bearer);
}
