#include "registry/base/pattern.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "storage/reference.h"
#include "tests/unit/test.h"

static bool matches(const char *pattern, const char *user, const char *name)
{
    struct pattern parsed;
    struct err e = {0};
    bool hit;

    if (pattern_parse(str_of(pattern), &parsed, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s", pattern, e.text);
    hit = pattern_matches(&parsed, str_of(user), str_of(name));
    pattern_clear(&parsed);
    return hit;
}

static const struct {
    const char *pattern, *user, *name;
    bool hit;
} cases[] = {
    {"app", "", "app", true},
    {"app", "", "ap", false},
    {"app", "", "apps", false},
    {"app", "", "team/app", false},
    {"*", "", "app", true},
    {"*", "", "team/app", false},
    {"*/*", "", "team/app", true},
    {"*/*", "", "app", false},
    {"team/*", "", "team/app", true},
    {"team/*", "", "team", false},
    {"team/*", "", "team/a/b", false},
    {"team-*", "", "team-a", true},
    {"team-*", "", "team", false},
    {"team*", "", "team", true},
    {"team-*/app", "", "team-a/app", true},
    {"team-*/app", "", "team-a/b/app", false},
    {"*-ci", "", "a-b-ci", true},
    {"*-ci", "", "a-ci-b", false},
    {"a*b*c", "", "abxbc", true},
    {"a*b*c", "", "abxbd", false},
    {"*aab", "", "aaab", true},
    {"**", "", "a", true},
    {"**", "", "a/b/c/d", true},
    {"team/**", "", "team/a", true},
    {"team/**", "", "team/a/b/c", true},
    {"team/**", "", "team", false},
    {"team/**", "", "teams/a", false},
    {"team/**", "", "x/team/a", false},
    {"**/app", "", "app", true},
    {"**/app", "", "a/b/app", true},
    {"**/app", "", "a/b/apps", false},
    {"**/app", "", "app/b", false},
    {"a/**/z", "", "a/z", true},
    {"a/**/z", "", "a/b/c/z", true},
    {"a/**/z", "", "a/b/c", false},
    {"a/**/z", "", "az", false},
    {"a/**/b/**", "", "a/b", false},
    {"a/**/b/**", "", "a/b/c", true},
    {"a/**/b/**", "", "a/x/b/b/c", true},
    {"**/a/b", "", "a/b/a/a/b", true},
    {"**/*", "", "a", true},
    {"*/**", "", "a", false},
    {"*/**", "", "a/b", true},
    {"**/*-x/**/y", "", "p/q-x/r/y", true},
    {"people/${user}", "ann", "people/ann", true},
    {"people/${user}", "ann", "people/bob", false},
    {"people/${user}", "ann", "people/anna", false},
    {"people/${user}/**", "ann", "people/ann/app", true},
    {"people/${user}/**", "ann", "people/an/n/app", false},
    {"home-${user}-x/**", "ann", "home-ann-x/app", true},
    {"home-${user}-x/**", "ann", "home-bob-x/app", false},
    {"home-${user}-x/**", "ann", "home-ann/app", false},
    {"${user}/${user}", "ann", "ann/ann", true},
    {"**/${user}", "ann", "a/b/ann", true},
    {"people/${user}", "", "people", false},
    {"people/${user}", "", "people/ann", false},
    {"home${user}", "", "home", false},
    {"${user}", "", "", false},
    {"**", "", "", false},
};

TEST(meaning, "patterns match whole names, segment by segment")
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (matches(cases[i].pattern, cases[i].user, cases[i].name) != cases[i].hit)
            test_fail(__FILE__, __LINE__, "\"%s\" and \"%s\" as user \"%s\": not %d", cases[i].pattern, cases[i].name,
                      cases[i].user, cases[i].hit);
}

/* The reference: what the header says, by plain recursion. `pattern` and `name` stand at the begin of a segment, or are
 * NULL behind the last one. */
static bool part_matches(const char *pattern, const char *name)
{
    bool pattern_ends = *pattern == '\0' || *pattern == '/', name_ends = *name == '\0' || *name == '/';

    if (pattern_ends)
        return name_ends;
    if (*pattern == '*')
        return part_matches(pattern + 1, name) || (!name_ends && part_matches(pattern, name + 1));
    return !name_ends && *pattern == *name && part_matches(pattern + 1, name + 1);
}

static const char *next(const char *segment)
{
    const char *slash = strchr(segment, '/');

    return slash == NULL ? NULL : slash + 1;
}

static bool naive(const char *pattern, const char *name)
{
    if (pattern == NULL)
        return name == NULL;
    if (strcmp(pattern, "**") == 0)
        return name != NULL;
    if (strncmp(pattern, "**/", 3) == 0)
        return naive(pattern + 3, name) || (name != NULL && naive(pattern, next(name)));
    return name != NULL && part_matches(pattern, name) && naive(next(pattern), next(name));
}

/* The text numbered `number` of those over `letters`; false when it is longer than `most`. */
static bool spell(size_t number, const char *letters, size_t most, char *out)
{
    size_t base = strlen(letters), n = 0;

    for (; number > 0; number = (number - 1) / base) {
        if (n == most)
            return false;
        out[n++] = letters[(number - 1) % base];
    }
    out[n] = '\0';
    return true;
}

enum { NAME_BYTES = 6, NAMES_MAX = 400 };

TEST(model, "every pattern of up to seven bytes over a, *, / agrees with plain recursion on every name of up to six")
{
    static char names[NAMES_MAX][NAME_BYTES + 1];
    size_t name_count = 0, pattern_count = 0;
    char pattern[8], name[NAME_BYTES + 1];

    for (size_t i = 1; spell(i, "ab/", NAME_BYTES, name); i++)
        if (repository_name_valid(str_of(name)) && name_count < NAMES_MAX)
            memcpy(names[name_count++], name, sizeof(name));
    CHECK_INT(name_count, 378);
    for (size_t i = 1; spell(i, "a*/", 7, pattern); i++) {
        struct pattern parsed;

        if (pattern_parse(str_of(pattern), &parsed, NULL) != 0)
            continue;
        pattern_count++;
        for (size_t n = 0; n < name_count; n++)
            if (pattern_matches(&parsed, STR(""), str_of(names[n])) != naive(pattern, names[n]))
                test_fail(__FILE__, __LINE__, "\"%s\" and \"%s\"", pattern, names[n]);
        pattern_clear(&parsed);
    }
    CHECK(pattern_count > 400);
}

TEST(grammar, "patterns without stars are legal exactly when they are names of repositories")
{
    char text[7];
    size_t legal = 0;

    for (size_t i = 1; spell(i, "a0._-/A", 6, text); i++) {
        struct pattern parsed;
        bool valid = pattern_parse(str_of(text), &parsed, NULL) == 0;

        if (valid != repository_name_valid(str_of(text)))
            test_fail(__FILE__, __LINE__, "\"%s\" is %d as a pattern", text, valid);
        if (valid)
            pattern_clear(&parsed);
        if (pattern_component_valid(str_of(text)) != (valid && strchr(text, '/') == NULL))
            test_fail(__FILE__, __LINE__, "\"%s\" as a component", text);
        legal += valid;
    }
    CHECK(legal > 100);
}

TEST(length, "names and patterns of 255 bytes are matched, longer patterns refused")
{
    char text[257];
    struct pattern parsed;
    struct err e = {0};

    memset(text, 'a', sizeof(text));
    text[255] = '\0';
    CHECK(matches(text, "", text));
    CHECK(pattern_component_valid((struct str){text, 255}));
    text[255] = 'a';
    CHECK(!pattern_component_valid((struct str){text, 256}));
    CHECK_INT(pattern_parse((struct str){text, 256}, &parsed, &e), -1);
    CHECK_TEXT(e.text,
               "repository pattern \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…\": it has more "
               "than 255 bytes");
}

static void repeat(char *out, const char *unit, size_t total)
{
    for (size_t i = 0; i < total; i++)
        out[i] = unit[i % strlen(unit)];
    out[total] = '\0';
}

/* Many stars, each of which can match at nearly every place, and an end that never comes. */
TEST(hostile, "a hundred matches of hostile patterns with names of 255 bytes take less than a second")
{
    static const struct {
        const char *pattern, *name, *end;
    } units[] = {{"*a", "a", "*b"},
                 {"**/a/", "a/", "**/b"},
                 {"**/*/", "a/", "**/b"},
                 {"*a*a/", "a", "b"},
                 {"**/*a*a/", "aa/", "b"}};
    char pattern[256], name[256];
    clock_t start = clock();

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t unit = strlen(units[i].pattern);
        struct pattern parsed;

        repeat(pattern, units[i].pattern, (255 - strlen(units[i].end)) / unit * unit);
        strcat(pattern, units[i].end);
        repeat(name, units[i].name, 255);
        CHECK_INT(pattern_parse(str_of(pattern), &parsed, NULL), 0);
        for (size_t round = 0; round < 20; round++)
            CHECK(!pattern_matches(&parsed, STR(""), str_of(name)));
        pattern_clear(&parsed);
    }
    CHECK(clock() - start < CLOCKS_PER_SEC);
}

#define GRAMMAR                                                                                                     \
    "names are lower-case letters and digits with single \".\", \"_\", \"__\" or dashes between them, in segments " \
    "separated by \"/\"; \"*\", \"**\" and \"${user}\" stand for parts"
#define NO_NAME "no repository can have such a name; write "

static const struct {
    struct str text;
    const char *error;
} refused[] = {
    {STR(""), "a repository pattern is empty; write \"**\" for every repository"},
    {STR("Team/App"), "repository pattern \"Team/App\": " NO_NAME "\"team/app\""},
    {STR("team/"), "repository pattern \"team/\": " NO_NAME "\"team/**\""},
    {STR("/team//app"), "repository pattern \"/team//app\": " NO_NAME "\"team/app\""},
    {STR("team/app:latest"), "repository pattern \"team/app:latest\": " NO_NAME "\"team/app\""},
    {STR("/"), "repository pattern \"/\": " NO_NAME "\"**\""},
    {STR("${USER}/x"), "repository pattern \"${USER}/x\": " NO_NAME "\"${user}/x\""},
    {STR("team**"),
     "repository pattern \"team**\": \"**\" is a segment of its own, with nothing else between the slashes; write "
     "\"team*\""},
    {STR("a/***"),
     "repository pattern \"a/***\": \"**\" is a segment of its own, with nothing else between the slashes; "
     "write \"a/**\""},
    {STR("a/**/**/b"), "repository pattern \"a/**/**/b\": \"**/**\" says no more than \"**\"; write \"a/**/b\""},
    {STR("a/**/**"), "repository pattern \"a/**/**\": \"**/**\" says no more than \"**\"; write \"a/**\""},
    {STR("${user}*"),
     "repository pattern \"${user}*\": \"*\" and \"${user}\" cannot stand in one segment, because user "
     "\"al\" would get what belongs to \"alice\""},
    {STR("${user}-${user}"), "repository pattern \"${user}-${user}\": \"${user}\" can stand in a segment only once"},
    {STR(".."), "repository pattern \"..\": " GRAMMAR},
    {STR("a/../b"), "repository pattern \"a/../b\": " GRAMMAR},
    {STR("a___*"), "repository pattern \"a___*\": " GRAMMAR},
    {STR("-*"), "repository pattern \"-*\": " GRAMMAR},
    {STR("[ab]"), "repository pattern \"[ab]\": " GRAMMAR},
    {STR("te?m"), "repository pattern \"te?m\": " GRAMMAR},
    {STR("$user"), "repository pattern \"$user\": " GRAMMAR},
    {STR("${team}"), "repository pattern \"${team}\": " GRAMMAR},
    {STR("a\0b"), "repository pattern \"a\\x00b\": " GRAMMAR},
    {STR("caf\xc3\xa9"), "repository pattern \"caf\\xc3\\xa9\": " GRAMMAR},
    {STR("registry.example:5000/app"), "repository pattern \"registry.example:5000/app\": " GRAMMAR},
};

TEST(errors, "a wrong pattern is refused with the nearest legal one, or with the rule that it breaks")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct pattern parsed;
        struct err e = {0};

        CHECK_INT(pattern_parse(refused[i].text, &parsed, &e), -1);
        CHECK_TEXT(e.text, refused[i].error);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK(parsed.text == NULL && parsed.n == 0);
    }
}

TEST(stars_in_names, "stars are legal wherever some name fits, and refused where none does")
{
    static const char *const legal[] = {
        "*",    "**",  "a*",       "*a",    "*.a",          "a.*",     "a_*",         "a__*",
        "a--*", "*-*", "*__*_*.*", "a*/b*", "**/a/**/b/**", "${user}", "x-${user}.y", "**/${user}/**"};
    struct pattern parsed;

    for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
        struct err e = {0};

        if (pattern_parse(str_of(legal[i]), &parsed, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s", e.text);
        pattern_clear(&parsed);
    }
}

TEST(globs, "a star of a glob stands for any bytes, slashes too, and everything else for itself")
{
    static const struct {
        const char *glob, *text;
        bool hit;
    } globs[] = {
        {"*", "", true},           {"*", "v1.0", true},        {"", "", true},
        {"", "v1", false},         {"latest", "latest", true}, {"latest", "late", false},
        {"v*", "v1.0", true},      {"v*", "1.0", false},       {"v*.*", "v1", false},
        {"*-rc*", "v1-rc2", true}, {"*-rc*", "v1.rc2", false}, {"a*c", "a/b/c", true},
        {"v?", "v1", false},       {"v?", "v?", true},         {"**", "x", true},
    };

    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++)
        if (pattern_glob_matches(str_of(globs[i].glob), str_of(globs[i].text)) != globs[i].hit)
            test_fail(__FILE__, __LINE__, "\"%s\" and \"%s\"", globs[i].glob, globs[i].text);
}

static const struct {
    const char *pattern, *user, *prefix;
} prefixes[] = {
    {"**", "ann", ""},
    {"*/app", "ann", ""},
    {"team/app", "ann", "team/app"},
    {"team/**", "ann", "team/"},
    {"team/**/app", "ann", "team/"},
    {"team/a*p/x", "ann", "team/a"},
    {"home/${user}/**", "ann", "home/ann/"},
    {"home/x-${user}-y", "ann", "home/x-ann-y"},
};

TEST(prefix, "what all names that match begin with is told from the pattern")
{
    char out[PATTERN_NAME_MAX] = "";
    struct pattern pattern;
    size_t n;

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        CHECK_INT(pattern_parse(str_of(prefixes[i].pattern), &pattern, NULL), 0);
        n = pattern_prefix(&pattern, str_of(prefixes[i].user), out);
        CHECK(str_eq((struct str){out, n}, str_of(prefixes[i].prefix)));
        pattern_clear(&pattern);
    }
}
