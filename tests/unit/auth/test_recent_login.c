#include "auth/recent_login.h"

#include <string.h>

#include "tests/unit/test.h"

#define HEADER STR("Basic YW5uOnNlY3JldA==")

enum { NOW = 5000, GENERATION = 7 };

static struct recent_login ann(void)
{
    struct recent_login login;

    recent_login_put(&login, HEADER, STR("ann"), GENERATION, NOW);
    return login;
}

TEST(none, "where nobody has logged in, no header is known")
{
    struct recent_login login = {0};

    CHECK(!recent_login_is(&login, HEADER, 0, 0));
    CHECK(!recent_login_is(&login, STR(""), 0, 0));
}

TEST(same, "the same header is its user again, for a second and no longer, however often it comes")
{
    struct recent_login login = ann();

    CHECK(recent_login_is(&login, HEADER, GENERATION, NOW));
    CHECK(recent_login_is(&login, HEADER, GENERATION, NOW + RECENT_LOGIN_MS - 1));
    CHECK_TEXT(login.name, "ann");
    CHECK(!recent_login_is(&login, HEADER, GENERATION, NOW + RECENT_LOGIN_MS));
}

TEST(other, "a header that differs in its scheme, in one byte or in its length is another one")
{
    static const struct str others[] = {
        STR(""),
        STR("basic YW5uOnNlY3JldA=="),
        STR("Basic YW5uOnNlY3JldB=="),
        STR("Basic YW5uOnNlY3JldA="),
        STR("Basic YW5uOnNlY3JldA==\0"),
    };
    struct recent_login login = ann();

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK(!recent_login_is(&login, others[i], GENERATION, NOW));
}

TEST(users, "when the users have changed, nobody is known any more")
{
    struct recent_login login = ann();

    CHECK(!recent_login_is(&login, HEADER, GENERATION + 1, NOW));
    CHECK(!recent_login_is(&login, HEADER, GENERATION - 1, NOW));
}

TEST(replaced, "a connection knows the last login only, and nothing of the header can be read from it")
{
    struct recent_login login = ann();

    CHECK(memmem(&login, sizeof(login), "YW5u", 4) == NULL);
    recent_login_put(&login, STR("Basic Ym9iOng="), STR("bob"), GENERATION, NOW);
    CHECK(!recent_login_is(&login, HEADER, GENERATION, NOW));
    CHECK(recent_login_is(&login, STR("Basic Ym9iOng="), GENERATION, NOW));
    CHECK_TEXT(login.name, "bob");
}

TEST(names, "the longest name fits, a longer one is not remembered")
{
    char long_name[HTPASSWD_NAME_MAX + 1];
    struct recent_login login;

    memset(long_name, 'n', sizeof(long_name));
    recent_login_put(&login, HEADER, (struct str){long_name, HTPASSWD_NAME_MAX}, GENERATION, NOW);
    CHECK(recent_login_is(&login, HEADER, GENERATION, NOW));
    CHECK_INT(strlen(login.name), HTPASSWD_NAME_MAX);
    recent_login_put(&login, HEADER, (struct str){long_name, HTPASSWD_NAME_MAX + 1}, GENERATION, NOW);
    CHECK(!recent_login_is(&login, HEADER, GENERATION, NOW));
}
