/* What needs no other user; becoming one is in the scenario of hardening. */
#include "registry/process/run_as.h"

#include <stdlib.h>
#include <unistd.h>

#include "registry/base/str.h"
#include "registry/process/image_user.h"
#include "tests/unit/test.h"

TEST(found, "names and numbers are users and groups")
{
    static const struct {
        const char *text;
        unsigned uid, gid;
    } cases[] = {
        {"daemon", 1, 1},   {"1", 1, 1}, {"daemon:bin", 1, 2}, {"1:2", 1, 2}, {"54321:54322", 54321, 54322},
        {"daemon:0", 1, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run_as user;
        struct err e;

        if (run_as_find(cases[i].text, &user, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].text, e.text);
        CHECK_INT(user.uid, cases[i].uid);
        CHECK_INT(user.gid, cases[i].gid);
    }
}

TEST(not_found, "what is no user says so, and what to do")
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "--user: \"\" is not NAME or NAME:GROUP"},
        {":daemon", "--user: \":daemon\" is not NAME or NAME:GROUP"},
        {"daemon:", "--user: \"daemon:\" is not NAME or NAME:GROUP"},
        {"no-such-user", "--user: there is no user no-such-user; make one with: useradd --system no-such-user"},
        {"daemon:no-such-group",
         "--user: there is no group no-such-group; make it with: groupadd --system no-such-group"},
        {"54321", "--user: user 54321 is in no database, so his group is not known; write 54321:GROUP"},
        {"root", "--user: root is root, whose rights are to be given up; name another user"},
        {"0:1", "--user: 0 is root, whose rights are to be given up; name another user"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run_as user;
        struct err e;

        CHECK_INT(run_as_find(cases[i].text, &user, &e), -1);
        CHECK_TEXT(e.text, cases[i].error);
    }
}

TEST(self, "to become who we are is nothing")
{
    struct run_as user = {.name = "me", .group = "us", .uid = geteuid(), .gid = getegid()};
    struct err e = {0};

    CHECK_INT(run_as_become(&user, &e), 0);
    CHECK_TEXT(e.text, "");
}

TEST(image, "BERTH_USER is for root, and empty it is nobody")
{
    const struct run_as *who = NULL;
    struct run_as user = {0};
    struct err e = {0};

    setenv("BERTH_USER", "", 1);
    CHECK_INT(image_user_find(&user, &who, &e), 0);
    CHECK(who == NULL);
    setenv("BERTH_USER", "daemon", 1);
    CHECK_INT(image_user_find(&user, &who, &e), 0);
    CHECK((who == &user) == (geteuid() == 0));
    CHECK(user.of_image == (geteuid() == 0));
    unsetenv("BERTH_USER");
    CHECK_INT(image_user_find(&user, &who, &e), 0);
    CHECK(who == NULL);
}

TEST(image_wrong, "a BERTH_USER who is not there is named")
{
    const struct run_as *who;
    struct run_as user;
    struct err e = {0};

    setenv("BERTH_USER", "no-such-user", 1);
    CHECK_INT(image_user_find(&user, &who, &e), geteuid() == 0 ? -1 : 0);
    if (geteuid() == 0)
        CHECK_TEXT(e.text, "BERTH_USER: --user: there is no user no-such-user; make one with: useradd --system "
                           "no-such-user");
    unsetenv("BERTH_USER");
}
