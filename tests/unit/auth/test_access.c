#include "tests/unit/auth/access_fixture.h"

#include <stdio.h>
#include <time.h>

/* Groups dev (ann, bob, user:@odd) and ops (bob). The rules are at access.yml:1, 2, … */
static struct access *build(const struct written_rule *rules, size_t n)
{
    struct access *access = access_new();
    struct err e = {0};
    char origin[32];

    CHECK_INT(access_add_member(access, STR("dev"), STR("bob"), &e), 0);
    CHECK_INT(access_add_member(access, STR("ops"), STR("bob"), &e), 0);
    CHECK_INT(access_add_member(access, STR("dev"), STR("ann"), &e), 0);
    CHECK_INT(access_add_member(access, STR("dev"), STR("user:@odd"), &e), 0);
    CHECK_INT(access_add_member(access, STR("dev"), STR("bob"), &e), 0);
    CHECK_INT(access_add_group(access, STR("empty"), &e), 0);
    for (size_t i = 0; i < n; i++) {
        snprintf(origin, sizeof(origin), "access.yml:%zu", i + 1);
        if (add_rule(access, &rules[i], origin, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s", e.text);
    }
    if (access_finish(access, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return access;
}

static const struct written_rule team_rules[] = {
    {"team/secret team/secret/**", "@dev", "", "", true},
    {"team/**", "@dev", "pull push", "", false},
    {"team/**", "@ops", "", "10.0.0.0/8 2001:db8::/32", false},
    {"people/${user}/**", "authenticated", "", "", false},
    {"mirror/*", "certificate:ci.example", "push overwrite", "", false},
    {"", "user:anonymous", "delete", "", false},
    {"public/**", "anonymous", "pull", "", false},
    {"public/**", "anonymous", "", "", true},
    {"", "eve", "", "", false},
};

enum { PULL = ACCESS_PULL, PUSH = ACCESS_PUSH, DELETE = ACCESS_DELETE, OVERWRITE = ACCESS_OVERWRITE };

static const struct {
    const char *user, *certificate, *address;
    int action;
    const char *repository;
    bool allowed;
    size_t rule;
} asked[] = {
    /* order, deny, groups */
    {"ann", "", "", PULL, "team/app", true, 2},
    {"ann", "", "", PUSH, "team/a/b", true, 2},
    {"ann", "", "", DELETE, "team/app", false, 0},
    {"ann", "", "", OVERWRITE, "team/app", false, 0},
    {"ann", "", "", PULL, "team", false, 0},
    {"ann", "", "", PULL, "team/secret", false, 1},
    {"ann", "", "", PULL, "team/secret/key", false, 1},
    {"ann", "", "", PULL, "team/secrets", true, 2},
    {"ann", "", "", PULL, "other", false, 0},
    {"@odd", "", "", PULL, "team/app", true, 2},
    {"odd", "", "", PULL, "team/app", false, 0},
    {"an", "", "", PULL, "team/app", false, 0},
    {"anna", "", "", PULL, "team/app", false, 0},
    {"Ann", "", "", PULL, "team/app", false, 0},
    {"@dev", "", "", PULL, "team/app", false, 0},
    {"", "", "", PULL, "team/app", false, 0},
    /* networks */
    {"bob", "", "10.1.2.3", DELETE, "team/app", true, 3},
    {"bob", "", "::ffff:10.1.2.3", DELETE, "team/app", true, 3},
    {"bob", "", "2001:db8::9", DELETE, "team/app", true, 3},
    {"bob", "", "2001:db9::9", DELETE, "team/app", false, 0},
    {"bob", "", "192.0.2.1", DELETE, "team/app", false, 0},
    {"bob", "", "", DELETE, "team/app", false, 0},
    {"ann", "", "10.1.2.3", DELETE, "team/app", false, 0},
    {"bob", "", "", PULL, "team/app", true, 2},
    /* ${user} */
    {"ann", "", "", OVERWRITE, "people/ann/app", true, 4},
    {"zoe", "", "", DELETE, "people/zoe/a/b", true, 4},
    {"zoe", "", "", PULL, "people/ann/app", false, 0},
    {"zoe", "", "", PULL, "people/zoe", false, 0},
    {"*", "", "", PULL, "people/ann/app", false, 0},
    {"**", "", "", PULL, "people/ann/app", false, 0},
    {"..", "", "", PULL, "people/ann/app", false, 0},
    {"ann/app", "", "", PULL, "people/ann/app/x", false, 0},
    {"ANN", "", "", PULL, "people/ann/app", false, 0},
    {"", "ann", "", PULL, "people/ann/app", false, 0},
    /* certificates, with and without a login */
    {"", "ci.example", "", PUSH, "mirror/debian", true, 5},
    {"zoe", "ci.example", "", OVERWRITE, "mirror/debian", true, 5},
    {"", "ci.example", "", PULL, "mirror/debian", false, 0},
    {"", "ci.example", "", PUSH, "mirror/a/b", false, 0},
    {"", "ci.example.org", "", PUSH, "mirror/debian", false, 0},
    {"ci.example", "", "", PUSH, "mirror/debian", false, 0},
    {"certificate:ci.example", "", "", PUSH, "mirror/debian", false, 0},
    /* anonymous and everybody */
    {"", "", "", PULL, "public/app", true, 7},
    {"ann", "", "192.0.2.1", PULL, "public/app", true, 7},
    {"", "", "", PUSH, "public/app", false, 8},
    {"ann", "", "", PUSH, "public/app", false, 8},
    {"anonymous", "", "", DELETE, "team/app", true, 6},
    {"", "", "", DELETE, "team/app", false, 0},
    {"authenticated", "", "", PULL, "team/app", false, 0},
    /* the last rule does not reach behind those before it */
    {"eve", "", "", OVERWRITE, "team/app", true, 9},
    {"eve", "", "", PUSH, "public/app", false, 8},
    {"eve", "", "", PULL, "", false, 0},
};

static size_t count_possible(const struct access *access)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct access_caller who = caller(asked[i].user, asked[i].certificate, asked[i].address);
        bool possible = access_possible(access, &who, (enum access_action)asked[i].action);

        if (asked[i].allowed && !possible)
            test_fail(__FILE__, __LINE__, "%s %s: allowed, but not possible", asked[i].user, asked[i].repository);
        n += possible;
    }
    return n;
}

TEST(decisions, "the first rule that matches in all its parts decides, and none means no")
{
    struct access *access = build(team_rules, sizeof(team_rules) / sizeof(team_rules[0]));

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct access_caller who = caller(asked[i].user, asked[i].certificate, asked[i].address);
        struct access_decision decision = access_decide(access, &who, (enum access_action)asked[i].action,
                                                        str_of(asked[i].repository));

        if (decision.allowed != asked[i].allowed || decision.rule != asked[i].rule)
            test_fail(__FILE__, __LINE__, "user \"%s\" certificate \"%s\" from \"%s\", %s %s: %d by rule %zu",
                      asked[i].user, asked[i].certificate, asked[i].address,
                      access_action_name((enum access_action)asked[i].action), asked[i].repository, decision.allowed,
                      decision.rule);
    }
    access_free(&access);
    CHECK(access == NULL);
}

TEST(views, "a view of many questions gives the answers that the questions get one by one")
{
    struct access *access = build(team_rules, sizeof(team_rules) / sizeof(team_rules[0]));

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct access_caller who = caller(asked[i].user, asked[i].certificate, asked[i].address);
        struct access_view view;

        access_view_make(access, &who, (enum access_action)asked[i].action, &view);
        for (size_t r = 0; r < sizeof(asked) / sizeof(asked[0]); r++) {
            struct str repository = str_of(asked[r].repository);
            bool allowed = access_decide(access, &who, (enum access_action)asked[i].action, repository).allowed;

            if (access_view_allows(&view, repository) != allowed)
                test_fail(__FILE__, __LINE__, "user \"%s\" %s %s: not %d", asked[i].user,
                          access_action_name((enum access_action)asked[i].action), asked[r].repository, allowed);
        }
    }
    access_free(&access);
}

static const struct written_rule few_rules[] = {
    {"secret/**", "ann", "", "", true}, {"x/app p*/b", "ann", "", "", false},
    {"team/**", "ann", "", "", false},  {"home/${user}/**", "authenticated", "", "", false},
    {"all/**", "bob", "", "", false},
};

static const struct {
    const char *user, *name, *first;
} leaps[] = {
    {"ann", "a", "home/ann/"},  {"ann", "home/ann/x", "home/ann/x"},
    {"ann", "home/bob/x", "p"}, {"ann", "p1", "p1"},
    {"ann", "q", "team/"},      {"ann", "secret/a", "team/"},
    {"ann", "team/", "team/"},  {"ann", "team0", "x/app"},
    {"ann", "x/app", "x/app"},  {"ann", "x/apple", "x/apple"},
    {"ann", "y", ""},           {"bob", "a", "all/"},
    {"bob", "all/a", "all/a"},  {"bob", "b", "home/bob/"},
    {"bob", "i", ""},           {"", "a", ""},
};

TEST(leap, "a walk leaps to the first name that some rule may allow")
{
    struct access *access = build(few_rules, sizeof(few_rules) / sizeof(few_rules[0]));
    char room[ACCESS_NAME_MAX];

    for (size_t i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++) {
        struct access_caller who = caller(leaps[i].user, "", "");
        struct access_view view;
        struct str first;

        access_view_make(access, &who, ACCESS_PULL, &view);
        first = access_view_from(&view, str_of(leaps[i].name), room);
        if (!str_eq(first, str_of(leaps[i].first)))
            test_fail(__FILE__, __LINE__, "\"%s\" from \"%s\": \"%.*s\", not \"%s\"", leaps[i].user, leaps[i].name,
                      (int)first.n, first.p, leaps[i].first);
    }
    access_free(&access);
}

TEST(leaps_over_none, "no leap is over a name that is allowed")
{
    struct access *access = build(team_rules, sizeof(team_rules) / sizeof(team_rules[0]));
    size_t n = sizeof(asked) / sizeof(asked[0]);
    char room[ACCESS_NAME_MAX];

    for (size_t i = 0; i < n * n * n; i++) {
        struct access_caller who = caller(asked[i % n].user, asked[i % n].certificate, asked[i % n].address);
        struct str from = str_of(asked[i / n % n].repository), allowed = str_of(asked[i / n / n].repository), first;
        struct access_view view;

        access_view_make(access, &who, (enum access_action)asked[i % n].action, &view);
        if (from.n == 0 || str_cmp(allowed, from) < 0 || !access_view_allows(&view, allowed))
            continue;
        first = access_view_from(&view, from, room);
        if (first.n == 0 || str_cmp(first, allowed) > 0 || str_cmp(first, from) < 0)
            test_fail(__FILE__, __LINE__, "from \"%.*s\" it leaps to \"%.*s\" over \"%.*s\"", (int)from.n, from.p,
                      (int)first.n, first.p, (int)allowed.n, allowed.p);
    }
    access_free(&access);
}

/* Every third rule is about somebody else, every fifth one denies, and the last one is behind one for everything. */
TEST(view_full, "rules that find no room in a view are asked all the same, in their place")
{
    enum { RULES = 3 * ACCESS_VIEW_RULES };
    static char names[RULES][16];
    struct written_rule rules[RULES];
    struct access_caller ann = caller("ann", "", "");
    struct access_view view;
    struct access *access;

    for (size_t i = 0; i < RULES; i++) {
        snprintf(names[i], sizeof(names[i]), "r%zu", i);
        rules[i] = (struct written_rule){names[i], i % 3 == 0 ? "bob" : "ann", "", "", i % 5 == 0};
    }
    rules[RULES - 2] = (struct written_rule){"** r1", "ann", "pull", "", true};
    access = build(rules, RULES);
    access_view_make(access, &ann, ACCESS_PULL, &view);
    CHECK_INT(view.n, ACCESS_VIEW_RULES);
    for (size_t i = 0; i < RULES; i++)
        CHECK_INT(access_view_allows(&view, str_of(names[i])), i % 3 != 0 && i % 5 != 0 && i < RULES - 2);
    CHECK(!access_view_allows(&view, STR("other")));
    access_free(&access);
}

TEST(possible, "what is allowed in some repository is possible, and what no rule can allow is not")
{
    struct access *access = build(team_rules, sizeof(team_rules) / sizeof(team_rules[0]));
    struct access_caller nobody = caller("", "", ""), star = caller("*", "", ""), zoe = caller("zoe", "", "");
    struct access_caller bob = caller("bob", "", "10.0.0.1");

    CHECK(count_possible(access) > 0);
    CHECK(access_possible(access, &nobody, ACCESS_PULL));
    CHECK(!access_possible(access, &nobody, ACCESS_PUSH));
    CHECK(access_possible(access, &zoe, ACCESS_DELETE));
    CHECK(!access_possible(access, &star, ACCESS_DELETE));
    CHECK(access_possible(access, &bob, ACCESS_OVERWRITE));
    access_free(&access);
}

TEST(possible_deny, "a deny for everything ends what is possible, one for some repositories does not")
{
    static const struct written_rule rules[] = {
        {"a/** b", "ann", "", "", true},
        {"", "ann", "push", "", true},
        {"x ** y", "ann", "delete", "10.0.0.0/8", true},
        {"", "authenticated", "", "", false},
    };
    struct access *access = build(rules, 4);
    struct access_caller ann = caller("ann", "", "10.0.0.1"), away = caller("ann", "", "192.0.2.1");

    CHECK(access_possible(access, &ann, ACCESS_PULL));
    CHECK(!access_possible(access, &ann, ACCESS_PUSH));
    CHECK(!access_possible(access, &ann, ACCESS_DELETE));
    CHECK(access_possible(access, &away, ACCESS_DELETE));
    access_free(&access);
}

static const struct {
    struct written_rule rule;
    bool open;
} openings[] = {
    {{"public/**", "ann anonymous", "pull", "", false}, true},
    {{"public/**", "anonymous", "pull", "10.0.0.0/8", false}, true},
    {{"", "anonymous", "", "", true}, false},
    {{"", "authenticated certificate:x user:anonymous @dev", "", "", false}, false},
};

TEST(without_login, "rules open something without a login when one allows it to anonymous")
{
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        struct access *access = build(&openings[i].rule, 1);

        CHECK_INT(access_opens_without_login(access), openings[i].open);
        access_free(&access);
    }
}

TEST(no_rules, "without rules, and before the rules are finished, everything is denied")
{
    struct access *access = build(NULL, 0), *unfinished = access_new();
    struct access_caller ann = caller("ann", "", "");
    struct written_rule all = {"", "anonymous", "", "", false};

    CHECK_INT(access_rule_count(access), 0);
    CHECK(!access_decide(access, &ann, ACCESS_PULL, STR("a")).allowed);
    CHECK(!access_possible(access, &ann, ACCESS_PULL));
    CHECK(!access_opens_without_login(access));
    CHECK_INT(add_rule(unfinished, &all, "x", NULL), 0);
    CHECK(!access_decide(unfinished, &ann, ACCESS_PULL, STR("a")).allowed);
    CHECK(!access_possible(unfinished, &ann, ACCESS_PULL));
    CHECK(!access_opens_without_login(unfinished));
    CHECK_INT(access_finish(unfinished, NULL), 0);
    CHECK(access_decide(unfinished, &ann, ACCESS_PULL, STR("a")).allowed);
    access_free(&access);
    access_free(&unfinished);
    access_free(&unfinished);
}

TEST(long_names, "a name over 255 bytes is in no rule, not even in one for everything")
{
    struct written_rule all = {"", "anonymous", "", "", false};
    struct access *access = build(&all, 1);
    struct access_caller ann = caller("ann", "", "");
    char name[256];

    memset(name, 'a', sizeof(name));
    CHECK(access_decide(access, &ann, ACCESS_PULL, (struct str){name, 255}).allowed);
    CHECK(!access_decide(access, &ann, ACCESS_PULL, (struct str){name, 256}).allowed);
    CHECK(!access_decide(access, &ann, ACCESS_PULL, STR("")).allowed);
    access_free(&access);
}

static const struct {
    const char *preset, *user;
    int action;
    bool allowed;
} preset_cases[] = {
    {"authenticated", "ann", PULL, true},  {"authenticated", "ann", OVERWRITE, true},
    {"authenticated", "", PULL, false},    {"anonymous-pull", "ann", DELETE, true},
    {"anonymous-pull", "", PULL, true},    {"anonymous-pull", "", PUSH, false},
    {"anonymous-pull", "", DELETE, false},
};

TEST(presets, "presets are complete sets of rules")
{
    struct sbuf line = {0};

    for (size_t i = 0; i < sizeof(preset_cases) / sizeof(preset_cases[0]); i++) {
        struct access *access = access_preset(str_of(preset_cases[i].preset), NULL);
        struct access_caller who = caller(preset_cases[i].user, "", "");

        CHECK(access != NULL);
        CHECK_INT(access_decide(access, &who, (enum access_action)preset_cases[i].action, STR("a/b")).allowed,
                  preset_cases[i].allowed);
        CHECK_INT(access_opens_without_login(access), strcmp(preset_cases[i].preset, "anonymous-pull") == 0);
        line.n = 0;
        access_describe(access, 1, &line);
        CHECK_TEXT(sbuf_text(&line),
                   access_rule_count(access) == 2
                       ? "preset anonymous-pull: allow pull on every repository for anonymous"
                       : "preset authenticated: allow everything on every repository for authenticated");
        access_free(&access);
    }
    sbuf_free(&line);
}

static void check_line(const struct access *access, size_t rule, const char *wanted)
{
    struct sbuf line = {0};

    access_describe(access, rule, &line);
    CHECK_TEXT(sbuf_text(&line), wanted);
    sbuf_free(&line);
}

TEST(descriptions, "a rule is described in one line, with its origin and all its parts")
{
    struct access *access = build(team_rules, sizeof(team_rules) / sizeof(team_rules[0]));

    CHECK_INT(access_rule_count(access), 9);
    check_line(access, 0, "no rule matches");
    check_line(access, 1, "access.yml:1: deny everything on team/secret, team/secret/** for @dev");
    check_line(access, 2, "access.yml:2: allow pull, push on team/** for @dev");
    check_line(access, 3, "access.yml:3: allow everything on team/** for @ops from 10.0.0.0/8, 2001:db8::/32");
    check_line(access, 5, "access.yml:5: allow push, overwrite on mirror/* for certificate:ci.example");
    check_line(access, 6, "access.yml:6: allow delete on every repository for user:anonymous");
    access_free(&access);
}

TEST(mismatches, "for a rule that does not match, each part of it that does not is named")
{
    struct access *access = build(team_rules, sizeof(team_rules) / sizeof(team_rules[0]));
    struct access_caller bob = caller("bob", "", "192.0.2.1"), zoe = caller("zoe", "", "10.0.0.1");
    struct sbuf line = {0};

    CHECK_INT(access_mismatch(access, 2, &bob, ACCESS_PULL, STR("team/app")), 0);
    CHECK_INT(access_mismatch(access, 3, &bob, ACCESS_DELETE, STR("team/app")), ACCESS_PART_NETWORK);
    CHECK_INT(access_mismatch(access, 3, &zoe, ACCESS_DELETE, STR("team/app")), ACCESS_PART_SUBJECT);
    CHECK_INT(access_mismatch(access, 4, &zoe, ACCESS_DELETE, STR("team/app")), ACCESS_PART_REPOSITORY);
    CHECK_INT(access_mismatch(access, 9, &zoe, ACCESS_DELETE, STR("team/app")), ACCESS_PART_SUBJECT);
    access_describe_parts(access_mismatch(access, 2, &zoe, ACCESS_DELETE, STR("other")), &line);
    CHECK_TEXT(sbuf_text(&line), "repository, subject, action");
    line.n = 0;
    access_describe_parts(ACCESS_PART_NETWORK, &line);
    CHECK_TEXT(sbuf_text(&line), "network");
    sbuf_free(&line);
    access_free(&access);
}

enum { BIG_GROUPS = 300, BIG_MEMBERS = 1000 };

/* Every rule names another group; the caller is a member of the last one only, user0 of all. */
TEST(scale, "three hundred rules for groups of a thousand decide a thousand times in less than a second")
{
    struct access *access = access_new();
    struct access_caller who = caller("user999", "", ""), everywhere = caller("user0", "", "");
    struct written_rule rule = {"**", NULL, "pull", "", false};
    char group[32], user[32], subject[32];
    clock_t start;

    for (int g = 0; g < BIG_GROUPS; g++) {
        snprintf(group, sizeof(group), "group%d", g);
        for (int m = 0; m < BIG_MEMBERS; m++) {
            snprintf(user, sizeof(user), "user%d", m == BIG_MEMBERS - 1 && g < BIG_GROUPS - 1 ? 0 : m);
            CHECK_INT(access_add_member(access, str_of(group), str_of(user), NULL), 0);
        }
        snprintf(subject, sizeof(subject), "@group%d", g);
        rule.subjects = subject;
        CHECK_INT(add_rule(access, &rule, "big", NULL), 0);
    }
    CHECK_INT(access_finish(access, NULL), 0);
    start = clock();
    for (int i = 0; i < 1000; i++)
        CHECK_INT(access_decide(access, &who, ACCESS_PULL, STR("team/app")).rule, BIG_GROUPS);
    CHECK(clock() - start < CLOCKS_PER_SEC);
    for (size_t i = 1; i <= BIG_GROUPS; i++) {
        CHECK_INT(access_mismatch(access, i, &everywhere, ACCESS_PULL, STR("a")), 0);
        CHECK_INT(access_mismatch(access, i, &who, ACCESS_PULL, STR("a")), i == BIG_GROUPS ? 0 : ACCESS_PART_SUBJECT);
    }
    access_free(&access);
}
