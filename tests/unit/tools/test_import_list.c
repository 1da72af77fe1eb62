#include "tools/user/import_list.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

#define BCRYPT "$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC"
#define ARGON2 "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"

/* What a text is read as: "line name|password|hash" for each user. */
static char users[1000], complaints[1000];

static void parse(const char *text)
{
    struct sbuf wrong = {0};
    struct import_list *list = import_list_parse("list", str_of(text), &wrong);
    const struct import_user *u;

    users[0] = '\0';
    for (size_t i = 0; (u = import_list_at(list, i)) != NULL; i++) {
        size_t n = strlen(users);

        snprintf(users + n, sizeof(users) - n, "%u %.*s|%.*s|%.*s\n", u->line, (int)u->name.n, u->name.p,
                 (int)u->password.n, u->password.n == 0 ? "" : u->password.p, (int)u->hash.n,
                 u->hash.n == 0 ? "" : u->hash.p);
    }
    snprintf(complaints, sizeof(complaints), "%s", sbuf_text(&wrong));
    sbuf_free(&wrong);
    import_list_free(&list);
    if (list != NULL)
        test_fail(__FILE__, __LINE__, "the pointer was kept");
}

static const struct {
    const char *text, *users;
} good[] = {
    {"alice", "1 alice||\n"},
    {"alice\nbob\n", "1 alice||\n2 bob||\n"},
    {"alice,secret\r\nbob,\r\n", "1 alice|secret|\n2 bob||\n"},
    {"\xef\xbb\xbfuser,password\nalice,secret\n", "2 alice|secret|\n"},
    {"Username,Password\nuser,password\n", "2 user|password|\n"},
    {"alice,secret\nuser,password\n", "1 alice|secret|\n2 user|password|\n"},
    {"# people\n\n  \n  # more\nalice\n", "5 alice||\n"},
    {"\"a,b\",\" x\"\"y, \"\n", "1 a,b| x\"y, |\n"},
    {"\"alice\",\"\"\n", "1 alice||\n"},
    {"alice,pass:word\n", "1 alice|pass:word|\n"},
    {"  alice  \n", "1 alice||\n"},
    {"alice:" BCRYPT "\n", "1 alice||" BCRYPT "\n"},
    {"alice:" ARGON2 "\r\n", "1 alice||" ARGON2 "\n"},
    {"user\npassword\n", "1 user||\n2 password||\n"},
    {"", ""},
};

TEST(reads, "names, CSV and lines of user files are read, headings and comments skipped")
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        parse(good[i].text);
        CHECK_TEXT(complaints, "");
        CHECK_TEXT(users, good[i].users);
    }
}

static const struct {
    const char *text, *complaint;
} bad[] = {
    {"a,b,c", "list:1: more than two fields; quote a password that has a comma in it\n"},
    {"ok\n\"a", "list:2: a quoted field has no end on its line\n"},
    {"\"a\n\",b", "list:1: a quoted field has no end on its line\nlist:2: a quoted field has no end on its line\n"},
    {"\"a\"b", "list:1: something follows the end of a quoted field\n"},
    {"a,b\"c", "list:1: a quote inside a field; quote the whole field and double the quote\n"},
    {"a, b", "list:1: a blank at an end of the password; quote it if it belongs there\n"},
    {"a,b ", "list:1: a blank at an end of the password; quote it if it belongs there\n"},
    {"a:", "list:1: nothing follows the colon\n"},
    {"a:secret", "list:1: plain text and unknown hashes are not accepted; a password goes after a comma\n"},
    {"a:$apr1$x$y", "list:1: MD5 (apr1) hashes are not accepted; a password goes after a comma\n"},
    {"a," BCRYPT, "list:1: the password is a hash; write NAME:HASH\n"},
    {"a,b:" BCRYPT, "list:1: the password is a hash; write NAME:HASH\n"},
    {",b", "list:1: the user name is empty\n"},
    {"\"a:b\",c", "list:1: the user name has a colon or a control character in it\n"},
    {"a\nb\na,x\n", "list:3: user a is on line 1 already\n"},
};

TEST(refuses, "each bad line is named with its reason, and never with its password")
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i].text);
        CHECK_TEXT(complaints, bad[i].complaint);
    }
}

TEST(nul, "a NUL in a password is refused")
{
    struct sbuf wrong = {0};
    struct import_list *list = import_list_parse("list", STR("a,b\0c\n"), &wrong);

    CHECK_TEXT(sbuf_text(&wrong), "list:1: the password has a NUL byte in it or is longer than 1024 bytes\n");
    sbuf_free(&wrong);
    import_list_free(&list);
}

TEST(finds, "users are found by name")
{
    struct sbuf wrong = {0};
    struct import_list *list = import_list_parse("list", STR("zoe\nadam\nmax\n"), &wrong);

    CHECK(import_list_find(list, STR("adam")) == import_list_at(list, 1));
    CHECK(import_list_find(list, STR("zoe")) == import_list_at(list, 0));
    CHECK(import_list_find(list, STR("zo")) == NULL);
    CHECK(import_list_at(list, 3) == NULL);
    sbuf_free(&wrong);
    import_list_free(&list);
}

TEST(quotes, "a field is written so that it is read as the same")
{
    struct sbuf out = {0};

    import_list_quote(&out, STR("plain"));
    sbuf_put(&out, ",", 1);
    import_list_quote(&out, STR("a,\"b\""));
    CHECK_TEXT(sbuf_text(&out), "plain,\"a,\"\"b\"\"\"");
    parse(sbuf_text(&out));
    CHECK_TEXT(users, "1 plain|a,\"b\"|\n");
    sbuf_free(&out);
}
