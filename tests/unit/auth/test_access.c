#include "tests/unit/auth/team_fixture.h"

#include <time.h>

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
