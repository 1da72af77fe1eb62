#include "auth/password.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static bool matches(const char *hash, struct str password)
{
    struct err e;
    bool result;

    if (password_verify(str_of(hash), password, &result, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s", hash, e.text);
    return result;
}

/* Made by Apache 2.4's "htpasswd -nbB", by Openwall's crypt_blowfish tests, and by the argon2 reference
 * implementation's. */
static const struct {
    const char *hash;
    const char *password;
} vectors[] = {
    {"$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC", "correct horse"},
    {"$2y$05$FJ6qYRkpkT72n4hLjadxneDKvedr49nTaVVlxTSpoHBxIh/Q87eee", "p\303\244ss"},
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"},
    {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", ""},
    {"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\377\377\243"},
    {"$2a$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\377\377\243"},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
    {"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
};

TEST(known_vectors, "hashes made by other programs match their passwords and no others")
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char other[64];

        snprintf(other, sizeof(other), "%sx", vectors[i].password);
        CHECK(matches(vectors[i].hash, str_of(vectors[i].password)));
        CHECK(!matches(vectors[i].hash, str_of(other)));
    }
}

TEST(prefixes, "the three spellings of bcrypt mean one algorithm")
{
    char hash[] = "$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC";

    hash[2] = 'a';
    CHECK(matches(hash, STR("correct horse")));
    hash[2] = 'b';
    CHECK(matches(hash, STR("correct horse")));
}

TEST(empty_string, "an empty password without memory behind it is an empty password")
{
    CHECK(matches("$2y$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", (struct str){NULL, 0}));
}

TEST(nul, "a password with a NUL in it matches nothing, not even what is before the NUL")
{
    uint64_t before = password_hashes_computed();

    CHECK(!matches(vectors[0].hash, STR("correct horse\0x")));
    CHECK(!password_possible(STR("a\0b")));
    CHECK_INT(password_hashes_computed() - before, 0);
}

TEST(seventy_two, "bcrypt compares the first 72 bytes, as Apache does, and new hashes of longer passwords are refused")
{
    char hash[PASSWORD_HASH_MAX];
    char text[80];
    struct err e;

    memset(text, 'a', sizeof(text));
    CHECK_INT(password_hash(PASSWORD_BCRYPT, 4, (struct str){text, 72}, hash, &e), 0);
    CHECK(matches(hash, (struct str){text, 72}));
    CHECK(matches(hash, (struct str){text, 80}));
    CHECK(!matches(hash, (struct str){text, 71}));
    CHECK_INT(password_hash(PASSWORD_BCRYPT, 4, (struct str){text, 73}, hash, &e), -1);
    CHECK_TEXT(e.text, "bcrypt looks at 72 bytes only and this password has 73: shorten it or use argon2id");
}

TEST(too_long, "a password over the limit matches nothing and costs no hash")
{
    static char text[PASSWORD_MAX + 1];
    char hash[PASSWORD_HASH_MAX];
    uint64_t before;
    struct err e;

    memset(text, 'a', sizeof(text));
    CHECK_INT(password_hash(PASSWORD_ARGON2ID, 1, (struct str){text, PASSWORD_MAX}, hash, &e), 0);
    CHECK(matches(hash, (struct str){text, PASSWORD_MAX}));
    before = password_hashes_computed();
    CHECK(!matches(hash, (struct str){text, PASSWORD_MAX + 1}));
    CHECK_INT(password_hashes_computed() - before, 0);
}

TEST(round_trip, "what password_hash() makes is accepted, salted afresh, and matches")
{
    static const enum password_scheme schemes[] = {PASSWORD_BCRYPT, PASSWORD_ARGON2ID};

    for (size_t i = 0; i < 2; i++) {
        char first[PASSWORD_HASH_MAX], second[PASSWORD_HASH_MAX];
        struct err e;

        CHECK_INT(password_hash(schemes[i], i == 0 ? 4 : 1, STR("secret"), first, &e), 0);
        CHECK_INT(password_hash(schemes[i], i == 0 ? 4 : 1, STR("secret"), second, &e), 0);
        CHECK(strcmp(first, second) != 0);
        CHECK_INT(password_check(str_of(first), &e), 0);
        CHECK(matches(first, STR("secret")));
        CHECK(!matches(first, STR("Secret")));
    }
}

TEST(defaults, "without a cost bcrypt takes 10 and argon2id two passes over 19 MiB")
{
    char hash[PASSWORD_HASH_MAX];
    struct err e;

    CHECK_INT(password_hash(PASSWORD_BCRYPT, PASSWORD_COST_DEFAULT, STR("x"), hash, &e), 0);
    CHECK(strncmp(hash, "$2y$10$", 7) == 0);
    CHECK_INT(password_hash(PASSWORD_ARGON2ID, PASSWORD_COST_DEFAULT, STR("x"), hash, &e), 0);
    CHECK(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
}

TEST(bad_requests, "an empty password and a cost out of range are refused with the range")
{
    char hash[PASSWORD_HASH_MAX];
    struct err e;

    CHECK_INT(password_hash(PASSWORD_BCRYPT, 4, STR(""), hash, &e), -1);
    CHECK_TEXT(e.text, "the password is empty");
    CHECK_INT(password_hash(PASSWORD_BCRYPT, 3, STR("x"), hash, &e), -1);
    CHECK_TEXT(e.text, "the cost of bcrypt is 4 to 20");
    CHECK_INT(password_hash(PASSWORD_ARGON2ID, 101, STR("x"), hash, &e), -1);
    CHECK_TEXT(e.text, "the cost of argon2id is 1 to 100 passes");
    CHECK_INT(password_hash(PASSWORD_BCRYPT, 4, STR("a\0b"), hash, &e), -1);
    CHECK_TEXT(e.text, "the password has a NUL byte in it or is longer than 1024 bytes");
}

static const struct {
    struct password_recipe recipe;
    const char *error; /* NULL: accepted */
} recipes[] = {
    {{PASSWORD_BCRYPT, 20, 0, 0}, NULL},
    {{PASSWORD_BCRYPT, 21, 0, 0}, "the cost of bcrypt is 4 to 20"},
    {{PASSWORD_BCRYPT, 0, 8, 0}, "bcrypt has no choice of memory or lanes; argon2id has"},
    {{PASSWORD_BCRYPT, 0, 0, 1}, "bcrypt has no choice of memory or lanes; argon2id has"},
    {{PASSWORD_ARGON2ID, 0, 0, 64}, NULL},
    {{PASSWORD_ARGON2ID, 0, 0, 65}, "argon2id takes 1 to 64 lanes"},
    {{PASSWORD_ARGON2ID, 101, 0, 0}, "the cost of argon2id is 1 to 100 passes"},
    {{PASSWORD_ARGON2ID, 0, 31, 4}, "argon2id takes 8 KiB for each lane to 1024 MiB of memory"},
    {{PASSWORD_ARGON2ID, 0, 32, 4}, NULL},
    {{PASSWORD_ARGON2ID, 100, 1 << 20, 0}, NULL},
    {{PASSWORD_ARGON2ID, 0, (1 << 20) + 1, 0}, "argon2id takes 8 KiB for each lane to 1024 MiB of memory"},
};

TEST(recipe_bounds, "a recipe is accepted when the server would accept what it makes")
{
    for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
        struct err e = {.text = ""};

        CHECK_INT(password_recipe_check(&recipes[i].recipe, &e), recipes[i].error == NULL ? 0 : -1);
        CHECK_TEXT(e.text, recipes[i].error == NULL ? "" : recipes[i].error);
    }
}

TEST(recipe_round_trip, "memory, passes and lanes stand in the hash, and are read back from it")
{
    const struct password_recipe recipe = {PASSWORD_ARGON2ID, 3, 1024, 2};
    struct password_recipe found;
    char hash[PASSWORD_HASH_MAX];
    struct err e;

    CHECK_INT(password_make(&recipe, STR("secret"), hash, &e), 0);
    CHECK(strncmp(hash, "$argon2id$v=19$m=1024,t=3,p=2$", 30) == 0);
    CHECK(matches(hash, STR("secret")));
    CHECK_INT(password_recipe_of(str_of(hash), &found, &e), 0);
    CHECK(memcmp(&found, &recipe, sizeof(found)) == 0);
    CHECK_INT(password_hash(PASSWORD_BCRYPT, 4, STR("x"), hash, &e), 0);
    CHECK_INT(password_recipe_of(str_of(hash), &found, &e), 0);
    CHECK(found.scheme == PASSWORD_BCRYPT && found.cost == 4 && found.kib == 0 && found.lanes == 0);
    CHECK_INT(password_recipe_of(STR("$apr1$x"), &found, &e), -1);
    CHECK_TEXT(e.text, "MD5 (apr1) hashes are not accepted");
}

#define BCRYPT_RANGE  "bcrypt cost is not within 4 to 20"
#define ARGON2_RANGE  "argon2id parameters are not m=8*p..1048576,t=1..100,p=1..64"
#define ARGON2_BROKEN "malformed argon2id hash (salt of 8 to 48 bytes, digest of 16 to 64, in base64)"

static const struct {
    const char *hash;
    const char *text;
} refused[] = {
    /* the first five were made by Apache's htpasswd, options -m (default), -s, -d, -5, -2, for the password "secret" */
    {"$apr1$2U.T5nXi$d9tvEziCn8djOMnGj.Vnj/", "MD5 (apr1) hashes are not accepted"},
    {"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "SHA-1 hashes are not accepted"},
    {"udTRkYHkRPx8.", "DES crypt hashes are not accepted"},
    {"$6$L3.mdiYvgoiO9r/v$Ria.V5EI9GXShrYSdoAW5lW37PcsuUJ3KQgyXLhFkiwGeC2mkud/8QbIROJdBkB8wv55.zlrcnfb3E6SpG755.",
     "SHA-512 crypt hashes are not accepted"},
    {"$5$LNz5MTEFvjFMTztC$3rAGFo5wRiWi9pWdGHGInCaXu9nyx39Nzc4.fzJTbx2", "SHA-256 crypt hashes are not accepted"},
    {"$1$abcdefgh$G//4keteveJp0qb8z2DxG/", "MD5 crypt hashes are not accepted"},
    {"{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "salted SHA-1 hashes are not accepted"},
    {"$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
     "bcrypt with the 2011 sign extension bug hashes are not accepted"},
    {"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
     "argon2i hashes are not accepted"},
    {"$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
     "argon2d hashes are not accepted"},
    {"secret", "plain text and unknown hashes are not accepted"},
    {"", "plain text and unknown hashes are not accepted"},
    {"$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBib",
     "malformed bcrypt hash (an intact one has 60 characters, this one has 59)"},
    {"$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBib!",
     "malformed bcrypt hash (an intact one has 60 characters, this one has 60)"},
    {"$2y$03$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC", BCRYPT_RANGE},
    {"$2y$21$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC", BCRYPT_RANGE},
    {"$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
     "argon2id hash is not of version 19"},
    {"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "argon2id hash is not of version 19"},
    {"$argon2id$v=19$m=1048577,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_RANGE},
    {"$argon2id$v=19$m=256,t=101,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_RANGE},
    {"$argon2id$v=19$m=1024,t=2,p=65$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_RANGE},
    {"$argon2id$v=19$m=15,t=2,p=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_RANGE},
    {"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_RANGE},
    {"$argon2id$v=19$t=2,m=256,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_RANGE},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZQ$nf65EOgLrQMR/uIPnA4rEg", ARGON2_BROKEN},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR", ARGON2_BROKEN},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEh", ARGON2_BROKEN},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg==", ARGON2_BROKEN},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", ARGON2_BROKEN},
    {"$argon2id$", "argon2id hash is not of version 19"},
};

TEST(refusals, "weak schemes are refused by name, and malformed or extravagant hashes by what is wrong with them")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct err e;
        bool result = true;

        CHECK_INT(password_check(str_of(refused[i].hash), &e), -1);
        CHECK_TEXT(e.text, refused[i].text);
        CHECK_INT(password_verify(str_of(refused[i].hash), STR("secret"), &result, &e), -1);
        CHECK(!result);
    }
}

TEST(every_cut, "no prefix of an accepted bcrypt hash is accepted")
{
    for (size_t n = 0; n < strlen(vectors[0].hash); n++)
        CHECK_INT(password_check((struct str){vectors[0].hash, n}, NULL), -1);
}
