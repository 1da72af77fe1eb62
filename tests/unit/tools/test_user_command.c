#include "tools/user/user_command.h"

#include <stdio.h>
#include <string.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

#define BCRYPT "$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC"
#define ARGON2 "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"

static const struct option_spec options[] = {
    [USER_PASSWORD_STDIN] = {.name = "password-stdin"},
    [USER_GENERATE] = {.name = "generate"},
    [USER_ALGORITHM] = {.name = "algorithm"},
    [USER_COST] = {.name = "cost"},
    [USER_MEMORY] = {.name = "memory"},
    [USER_PARALLELISM] = {.name = "parallelism"},
};

static const struct program_spec program = {.name = "berth-user", .options = options, .option_count = 6};

static struct invocation call;

static void give(enum user_option option, const char *value)
{
    call.given[option] = value != NULL;
    call.values[option] = value;
}

static struct userfile *holding(const char *text)
{
    char path[400];
    struct err e;
    struct userfile *file;

    memset(&call, 0, sizeof(call));
    call.program = &program;
    snprintf(path, sizeof(path), "%s/htpasswd", test_dir());
    if (file_replace(path, text, strlen(text), 0600, &e) != 0 ||
        (file = userfile_open(path, USERFILE_READ, &e)) == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return file;
}

static const struct {
    const char *text;
    enum password_scheme scheme;
} defaults[] = {
    {"", PASSWORD_ARGON2ID},
    {"# nobody yet\n", PASSWORD_ARGON2ID},
    {"a:" ARGON2 "\nb:" ARGON2 "\n", PASSWORD_ARGON2ID},
    {"a:" ARGON2 "\nb:" BCRYPT "\n", PASSWORD_BCRYPT},
    {"a:$apr1$x$y\n", PASSWORD_BCRYPT},
};

TEST(follows, "new entries are argon2id until one in the file is something else")
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        struct userfile *file = holding(defaults[i].text);
        struct password_recipe recipe;
        struct err e;

        CHECK_INT(user_recipe(&call, file, &recipe, &e), 0);
        CHECK_INT(recipe.scheme, defaults[i].scheme);
        CHECK(recipe.cost == 0 && recipe.kib == 0 && recipe.lanes == 0);
        userfile_close(&file);
    }
}

static const struct {
    const char *algorithm, *cost, *memory, *lanes;
    struct password_recipe recipe;
    const char *error;
} cases[] = {
    {"argon2id", NULL, NULL, NULL, {PASSWORD_ARGON2ID, 0, 0, 0}, NULL},
    {NULL, "4", NULL, NULL, {PASSWORD_BCRYPT, 4, 0, 0}, NULL},
    {NULL, NULL, "46", NULL, {PASSWORD_ARGON2ID, 0, 46 * 1024, 0}, NULL},
    {NULL, "3", "64", "4", {PASSWORD_ARGON2ID, 3, 64 * 1024, 4}, NULL},
    {NULL, "3", NULL, NULL, {0}, "the cost of bcrypt is 4 to 20"},
    {"bcrypt", NULL, "64", NULL, {0}, "bcrypt has no choice of memory or lanes; argon2id has"},
    {"md5", NULL, NULL, NULL, {0}, "--algorithm takes bcrypt or argon2id, not md5"},
    {NULL, "101", NULL, NULL, {0}, "--cost takes a number from 1 to 100"},
    {NULL, NULL, "1025", NULL, {0}, "--memory takes a number from 1 to 1024"},
    {NULL, NULL, NULL, "0", {0}, "--parallelism takes a number from 1 to 64"},
};

TEST(chosen, "the command line goes before the file, within what the server accepts")
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct userfile *file = holding("a:" BCRYPT "\n");
        struct password_recipe recipe = {0};
        struct err e = {.text = ""};

        give(USER_ALGORITHM, cases[i].algorithm);
        give(USER_COST, cases[i].cost);
        give(USER_MEMORY, cases[i].memory);
        give(USER_PARALLELISM, cases[i].lanes);
        CHECK_INT(user_recipe(&call, file, &recipe, &e), cases[i].error == NULL ? 0 : -1);
        CHECK_TEXT(e.text, cases[i].error == NULL ? "" : cases[i].error);
        CHECK(cases[i].error != NULL || memcmp(&recipe, &cases[i].recipe, sizeof(recipe)) == 0);
        userfile_close(&file);
    }
}

TEST(saved, "what is saved into a file that a server would refuse is told apart from what is in force")
{
    struct userfile *file = holding("alice:" BCRYPT "\n");

    CHECK_INT(user_saved(&call, file), EXIT_DONE);
    userfile_close(&file);
    file = holding("alice:" BCRYPT "\nweak:$apr1$x$y\n");
    CHECK_INT(user_saved(&call, file), EXIT_IDLE);
    userfile_close(&file);
}
