/* The rules of a team, and questions to them with their answers. */
#ifndef BERTH_TEAM_FIXTURE_H
#define BERTH_TEAM_FIXTURE_H

#include <stdio.h>

#include "tests/unit/auth/access_fixture.h"

/* Groups dev (ann, bob, user:@odd) and ops (bob). The rules are at access.yml:1, 2, … */
static inline struct access *build(const struct written_rule *rules, size_t n)
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

#endif
