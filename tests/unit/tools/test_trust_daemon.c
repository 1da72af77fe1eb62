#include "tools/trust/trust_daemon.h"

#include <string.h>

#include "tests/unit/test.h"

struct edited {
    const char *before, *after; /* NULL: not changed */
};

static void check(int (*run)(struct str, const char *, bool *, struct sbuf *, struct err *), const struct edited *cases,
                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sbuf out = {0};
        struct err e = {.text = ""};
        bool changed;

        CHECK_INT(run(str_of(cases[i].before), "r.example:5000", &changed, &out, &e), 0);
        CHECK_INT(changed, cases[i].after != NULL);
        CHECK_TEXT(sbuf_text(&out), cases[i].after == NULL ? "" : cases[i].after);
        sbuf_free(&out);
    }
}

static const struct edited added[] = {
    {"", "{\n  \"insecure-registries\": [\"r.example:5000\"]\n}\n"},
    {" \n\t", "{\n  \"insecure-registries\": [\"r.example:5000\"]\n}\n"},
    {"{}", "{\n  \"insecure-registries\": [\"r.example:5000\"]\n}"},
    {"{\"a\": 1.50}", "{\"insecure-registries\": [\"r.example:5000\"], \"a\": 1.50}"},
    {"{\n\t\"a\": 1\n}", "{\n\t\"insecure-registries\": [\"r.example:5000\"],\n\t\"a\": 1\n}"},
    {"{\"insecure-registries\": []}", "{\"insecure-registries\": [\"r.example:5000\"]}"},
    {"{\"insecure-registries\": [ ]}", "{\"insecure-registries\": [\"r.example:5000\" ]}"},
    {"{\"insecure-registries\": [\"x\"] }", "{\"insecure-registries\": [\"x\", \"r.example:5000\"] }"},
    {"{\"insecure-registries\":[\n  \"x\",\n  \"y\"\n]}",
     "{\"insecure-registries\":[\n  \"x\",\n  \"y\", \"r.example:5000\"\n]}"},
    {"{\"insecure-registries\": [\"r.example:5000\"]}", NULL},
    {"{\"a\": {\"insecure-registries\": [\"r.example:5000\"]}}",
     "{\"insecure-registries\": [\"r.example:5000\"], \"a\": {\"insecure-registries\": [\"r.example:5000\"]}}"},
    {"{\"a\": \"\\\"insecure-registries\\\": [\", \"b\": [[\"]\"], {\"c\": \"}\"}], \"insecure-registries\": [\"x\"], "
     "\"d\": -0.0}",
     "{\"a\": \"\\\"insecure-registries\\\": [\", \"b\": [[\"]\"], {\"c\": \"}\"}], \"insecure-registries\": [\"x\", "
     "\"r.example:5000\"], \"d\": -0.0}"},
    {"{\"z\": true, \"y\": null, \"x\": 10000000000, \"insecure-registries\": [\"a]b\"]}",
     "{\"z\": true, \"y\": null, \"x\": 10000000000, \"insecure-registries\": [\"a]b\", \"r.example:5000\"]}"},
};

TEST(add, "a registry is put on the list, and no other byte changes")
{
    check(trust_daemon_add, added, sizeof(added) / sizeof(added[0]));
}

static const struct edited removed[] = {
    {"", NULL},
    {"{}", NULL},
    {"{\"insecure-registries\": [\"x\"]}", NULL},
    {"{\"insecure-registries\": [\"r.example:5000\"]}", "{}"},
    {"{\"a\": 1, \"insecure-registries\": [ \"r.example:5000\" ], \"b\": 2}", "{\"a\": 1, \"b\": 2}"},
    {"{\n  \"insecure-registries\": [\"r.example:5000\"],\n  \"b\": 2\n}", "{\n  \"b\": 2\n}"},
    {"{\"a\": 1,\n  \"insecure-registries\": [\"r.example:5000\"]\n}", "{\"a\": 1\n}"},
    {"{\"insecure-registries\": [\"x\", \"r.example:5000\", \"y\"]}", "{\"insecure-registries\": [\"x\", \"y\"]}"},
    {"{\"insecure-registries\": [\"r.example:5000\", \"y\"]}", "{\"insecure-registries\": [\"y\"]}"},
    {"{\"insecure-registries\": [\"x\", \"r.example:5000\"]}", "{\"insecure-registries\": [\"x\"]}"},
};

TEST(take_off, "a registry is taken off the list, with the list when it was the only one")
{
    check(trust_daemon_remove, removed, sizeof(removed) / sizeof(removed[0]));
}

static const char *const kept[] = {
    "{ \"b\": [1.50], \"insecure-registries\": [\"x\"] ,\n\"a\":1e5 }\n",
    "{\n    \"a\": 1,\n    \"b\": 2\n}",
    "{\"a\":1}\n\n",
    "{ \"a\": 1 }",
    "{}\n",
};

TEST(back, "what was added is taken off to the same bytes")
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        struct sbuf with = {0}, without = {0};
        struct err e;
        bool changed;

        CHECK_INT(trust_daemon_add(str_of(kept[i]), "[2001:db8::5]:5000", &changed, &with, &e), 0);
        CHECK_INT(trust_daemon_remove((struct str){with.p, with.n}, "[2001:db8::5]:5000", &changed, &without, &e), 0);
        CHECK_TEXT(sbuf_text(&without), kept[i]);
        sbuf_free(&with);
        sbuf_free(&without);
    }
}

static const char *const refused[][2] = {
    {"{\"a\": 1,}", "no valid JSON, left as it is: line 1: string or '}' expected near '}'"},
    {"{\"a\": 1} x", "no valid JSON, left as it is: line 1: end of file expected near 'x'"},
    {"# comment\n{}", "no valid JSON, left as it is: line 1: '[' or '{' expected near '#'"},
    {"[]", "no JSON object, left as it is"},
    {"{\"insecure-registries\": \"x\"}", "\"insecure-registries\" is no array, left as it is"},
    {"{\"insecure-registries\": [1]}", "\"insecure-registries\" holds something else than strings, left as it is"},
};

TEST(bad, "what is not as Docker reads it is refused, and left as it is")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct sbuf out = {0};
        struct err e;
        bool changed = true;

        CHECK_INT(trust_daemon_add(str_of(refused[i][0]), "r.example:5000", &changed, &out, &e), -1);
        CHECK_TEXT(e.text, refused[i][1]);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_INT(out.n, 0);
        CHECK(!changed);
    }
}

TEST(twice, "a file that names a key twice is refused: which of them Docker takes is not ours to guess")
{
    struct sbuf out = {0};
    struct err e;
    bool changed;

    CHECK_INT(trust_daemon_add(STR("{\"a\": 1, \"a\": 2}"), "r.example:5000", &changed, &out, &e), -1);
    CHECK(strstr(e.text, "duplicate object key") != NULL);
}

TEST(spelling, "an entry in another spelling is left to a person")
{
    struct sbuf out = {0};
    struct err e;
    bool changed;

    CHECK_INT(trust_daemon_remove(STR("{\"insecure-registries\": [\"\\u0072.example:5000\"]}"), "r.example:5000",
                                  &changed, &out, &e),
              -1);
    CHECK_TEXT(e.text, "r.example:5000 stands in \"insecure-registries\" in another spelling: take it off by hand");
    CHECK_INT(out.n, 0);
    sbuf_free(&out);
}

TEST(key, "a list whose key is in another spelling is not given a second one")
{
    struct sbuf out = {0};
    struct err e;
    bool changed;

    CHECK_INT(trust_daemon_add(STR("{\"insecure-registrie\\u0073\": []}"), "r.example:5000", &changed, &out, &e), -1);
    CHECK_TEXT(e.text, "\"insecure-registries\" is written in an unusual way: change it by hand");
    CHECK_INT(out.n, 0);
    CHECK(!changed);
    sbuf_free(&out);
}

TEST(twice_listed, "an entry that is there twice is left to a person")
{
    struct sbuf out = {0};
    struct err e;
    bool changed;

    CHECK_INT(trust_daemon_remove(STR("{\"insecure-registries\": [\"r.example:5000\", \"r.example:5000\"]}"),
                                  "r.example:5000", &changed, &out, &e),
              -1);
    CHECK_INT(out.n, 0);
    sbuf_free(&out);
}
