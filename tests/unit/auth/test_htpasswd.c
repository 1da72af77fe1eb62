#include "auth/htpasswd.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

#define APACHE   "$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC"
#define OPENWALL "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
#define ARGON2ID "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

static const uint8_t key[SIPHASH_KEY_SIZE] = {1, 2, 3}, other_key[SIPHASH_KEY_SIZE] = {3, 2, 1};

static bool has(const struct htpasswd *table, const char *name, const char *hash)
{
    const struct htpasswd_entry *entry = htpasswd_find(table, str_of(name));

    return hash == NULL ? entry == NULL : entry != NULL && str_eq(entry->hash, str_of(hash));
}

TEST(whole_file, "comments, blank lines, blanks, CR LF and a missing last newline are all read")
{
    struct err e;
    struct htpasswd *table = htpasswd_parse("f",
                                            STR("# people\n\nzoe:" APACHE "\r\n  bob:" OPENWALL " \n\t\n \r\n"
                                                "a b@c:" ARGON2ID),
                                            &e);

    CHECK(table != NULL);
    CHECK(has(table, "zoe", APACHE));
    CHECK(has(table, "bob", OPENWALL));
    CHECK(has(table, "a b@c", ARGON2ID));
    CHECK(has(table, "people", NULL));
    CHECK(has(table, "", NULL));
    CHECK(has(table, "Zoe", NULL));
    CHECK_INT(htpasswd_find(table, STR("bob"))->line, 4);
    htpasswd_free(&table);
    CHECK(table == NULL);
}

TEST(apache_output, "what \"htpasswd -nbB\" prints is a user file")
{
    struct err e;
    struct htpasswd *table = htpasswd_parse("f", STR("alice:" APACHE "\n\n"), &e);

    CHECK(table != NULL);
    CHECK(has(table, "alice", APACHE));
    htpasswd_free(&table);
}

TEST(empty_file, "an empty file is a table without users")
{
    struct err e;
    struct htpasswd *table = htpasswd_parse("f", STR(""), &e);

    CHECK(table != NULL);
    CHECK(has(table, "alice", NULL));
    CHECK(htpasswd_stand_in(table, key, STR("alice")) == NULL);
    htpasswd_free(&table);
}

static const struct {
    struct str text;
    const char *error;
} refused[] = {
    {{"alice\n", 6}, "f:1: no colon; a line reads NAME:HASH (remove it, or make it with berth-user or htpasswd -B)"},
    {{"# ok\n:x\n", 8}, "f:2: the user name is empty"},
    {{"al\001ice:x\n", 9}, "f:1: the user name has a colon or a control character in it"},
    {{"al\000ice:x\n", 9}, "f:1: the user name has a colon or a control character in it"},
    {{"al :x\n", 6}, "f:1: the user name starts with \"#\" or has a blank at an end"},
    {{"old:secret", 10},
     "f:1: user old: plain text and unknown hashes are not accepted; set the password again with \"berth-user passwd\" "
     "or "
     "\"htpasswd -B\""},
    {{"old:$apr1$2U.T5nXi$d9tvEziCn8djOMnGj.Vnj/\n", 42},
     "f:1: user old: MD5 (apr1) hashes are not accepted; set the password again with \"berth-user passwd\" or "
     "\"htpasswd -B\""},
};

TEST(errors, "errors name the file, the line, the user and the remedy, and never the secret")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct err e;

        CHECK(htpasswd_parse("f", refused[i].text, &e) == NULL);
        CHECK_TEXT(e.text, refused[i].error);
        CHECK(strstr(e.text, "secret") == NULL);
    }
}

TEST(duplicate, "a user on two lines is refused with both lines")
{
    struct err e;

    CHECK(htpasswd_parse("f", STR("bob:" APACHE "\nzoe:" APACHE "\nbob:" OPENWALL "\n"), &e) == NULL);
    CHECK_TEXT(e.text, "f:3: user bob is on line 1 already; remove one of the two lines");
    CHECK_INT(e.code, ERR_INVALID);
}

TEST(long_name, "a name may have 255 bytes and no more")
{
    char name[257];
    struct err e;

    memset(name, 'n', sizeof(name));
    CHECK_INT(htpasswd_check_name((struct str){name, 255}, &e), 0);
    CHECK_INT(htpasswd_check_name((struct str){name, 256}, &e), -1);
    CHECK_TEXT(e.text, "the user name has 256 bytes; 255 are allowed");
    CHECK_INT(htpasswd_check_name(STR("#x"), &e), -1);
}

TEST(stand_in,
     "every entry stands in for as many unknown names, the same for one name always, and nobody can tell which")
{
    enum { NAMES = 6000 };
    struct err e;
    struct htpasswd *table = htpasswd_parse("f", STR("a:" ARGON2ID "\nb:" APACHE "\nc:" OPENWALL "\n"), &e);
    int chosen[3] = {0}, otherwise = 0;

    CHECK(table != NULL);
    for (int i = 0; i < NAMES; i++) {
        const struct htpasswd_entry *entry;
        char name[16];

        snprintf(name, sizeof(name), "nobody%d", i);
        entry = htpasswd_stand_in(table, key, str_of(name));
        CHECK(htpasswd_stand_in(table, key, str_of(name)) == entry);
        chosen[entry->line - 1]++;
        otherwise += htpasswd_stand_in(table, other_key, str_of(name)) != entry;
    }
    for (int i = 0; i < 3; i++)
        CHECK(chosen[i] > NAMES / 4 && chosen[i] < NAMES / 2);
    CHECK(otherwise > NAMES / 2);
    htpasswd_free(&table);
}

TEST(many, "ten thousand users are each found")
{
    struct sbuf text = {0};
    struct htpasswd *table;
    struct err e;

    for (int i = 0; i < 10000; i++)
        sbuf_printf(&text, "user%d:%s\n", i * 7919 % 10000, APACHE);
    table = htpasswd_parse("f", (struct str){text.p, text.n}, &e);
    sbuf_free(&text);
    CHECK(table != NULL);
    for (int i = 0; i < 10000; i++) {
        char name[16];

        snprintf(name, sizeof(name), "user%d", i);
        CHECK(has(table, name, APACHE));
    }
    CHECK(has(table, "user10000", NULL));
    htpasswd_free(&table);
}
