#include "registry/base/rnd.h"

#include <string.h>

#include "tests/unit/test.h"

/* Chance that a correct generator fails one of these: below 2^-60. */

TEST(bytes, "random bytes fill exactly what was asked for")
{
    unsigned char a[66], b[64];
    size_t zeros = 0;

    memset(a, 0xa5, sizeof(a));
    rnd_bytes(a + 1, 64);
    rnd_bytes(b, 64);
    CHECK_INT(a[0], 0xa5);
    CHECK_INT(a[65], 0xa5);
    CHECK(memcmp(a + 1, b, 64) != 0);
    for (size_t i = 0; i < sizeof(b); i++)
        zeros += b[i] == 0;
    CHECK(zeros < 32);
    rnd_bytes(a, 0);
    CHECK_INT(a[0], 0xa5);
}

/* Every character of the alphabet must turn up in so many draws, and no other. */
static void check_alphabet(void (*draw)(char *, size_t), const char *alphabet)
{
    static char text[8192];
    bool seen[256] = {0};

    text[sizeof(text) - 1] = 'x';
    draw(text, sizeof(text) - 1);
    CHECK_INT(strlen(text), sizeof(text) - 1);
    CHECK_INT(strspn(text, alphabet), sizeof(text) - 1);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        seen[(unsigned char)text[i]] = true;
    for (const char *c = alphabet; *c != '\0'; c++)
        CHECK(seen[(unsigned char)*c]);
}

TEST(hex, "random digits are lower-case hexadecimal, all of them")
{
    check_alphabet(rnd_hex, "0123456789abcdef");
}

TEST(password, "a random password has no characters that look alike")
{
    check_alphabet(rnd_password, "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz");
}

TEST(differ, "two passwords differ")
{
    char a[21], b[21];

    rnd_password(a, 20);
    rnd_password(b, 20);
    CHECK(strcmp(a, b) != 0);
}
