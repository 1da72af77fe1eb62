#include "tests/unit/test.h"

#include <string.h>

#include "storage/reference.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void check_each(bool (*valid)(struct str), const struct str *cases, size_t n, bool wanted)
{
    for (size_t i = 0; i < n; i++) {
        if (valid(cases[i]) != wanted)
            test_fail(__FILE__, __LINE__, "case %zu, \"%s\"", i, cases[i].p);
    }
}

TEST(names_good, "repository names of the grammar are accepted")
{
    static const struct str names[] = {
        STR("a"),         STR("0"),           STR("hello-world"), STR("library/app"),
        STR("a/b/c/d/e"), STR("a.b"),         STR("a_b"),         STR("a__b"),
        STR("a-b"),       STR("a--b"),        STR("a-----b"),     STR("a.b_c__d-e/f.g"),
        STR("127.0.0.1"), STR("xn--abc/0-0"), STR("v2/0_0/x"),    STR("blobs/uploads"),
    };

    check_each(repository_name_valid, names, COUNT(names), true);
}

TEST(names_bad, "what is outside the grammar of repository names is refused")
{
    static const struct str names[] = {
        STR(""),     STR("/"),      STR("/a"),    STR("a/"),       STR("a//b"),   STR("."),      STR(".."),
        STR("../a"), STR("a/../b"), STR("a/.."),  STR("a/./b"),    STR(".a"),     STR("a."),     STR("a..b"),
        STR("_a"),   STR("a_"),     STR("a___b"), STR("__"),       STR("-a"),     STR("a-"),     STR("-"),
        STR("a.-b"), STR("a-.b"),   STR("a_.b"),  STR("a-_b"),     STR("a/-b"),   STR("a-/b"),   STR("A"),
        STR("a/B"),  STR("a b"),    STR("a%2fb"), STR("a\0b"),     STR("a\0"),    STR("a\n"),    STR("a:b"),
        STR("a@b"),  STR("a\\b"),   STR("a+b"),   STR("\xc3\xa4"), STR("a/\xff"), STR("a/_b/c"), STR("a~b"),
    };

    check_each(repository_name_valid, names, COUNT(names), false);
}

TEST(names_long, "a repository name may have 255 bytes, not 256")
{
    char name[256];

    memset(name, 'a', sizeof(name));
    CHECK(repository_name_valid((struct str){name, 255}));
    CHECK(!repository_name_valid((struct str){name, 256}));
    memset(name + 1, '-', sizeof(name) - 1);
    CHECK(!repository_name_valid((struct str){name, 255}));
    name[254] = 'a';
    CHECK(repository_name_valid((struct str){name, 255}));
}

TEST(tags_good, "tags of the grammar are accepted")
{
    static const struct str tags[] = {
        STR("latest"), STR("1.0"), STR("_"),    STR("_x"),  STR("A"),           STR("v1.2.3-rc.1_amd64"),
        STR("0"),      STR("a."),  STR("a..b"), STR("a--"), STR("sha256-abcd"), STR("UPPER_lower"),
    };

    check_each(tag_valid, tags, COUNT(tags), true);
}

TEST(tags_bad, "what is outside the grammar of tags is refused")
{
    static const struct str tags[] = {
        STR(""),    STR("."),   STR("-"),   STR(".a"),  STR("-a"), STR("a/b"), STR("a:b"),       STR("a b"),
        STR("a\0"), STR("a\n"), STR("a@b"), STR("a+b"), STR(".."), STR("~"),   STR("a\xc3\xa4"), STR("a%41"),
    };

    check_each(tag_valid, tags, COUNT(tags), false);
}

TEST(tags_long, "a tag may have 128 bytes, not 129")
{
    char tag[129];

    memset(tag, '_', sizeof(tag));
    CHECK(tag_valid((struct str){tag, 128}));
    CHECK(!tag_valid((struct str){tag, 129}));
}
