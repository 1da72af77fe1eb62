/* Views: many questions of one caller, and walks that leap over what he may not see. */
#include "tests/unit/auth/team_fixture.h"

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
