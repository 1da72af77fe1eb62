#include "auth/siphash.h"

#include "tests/unit/test.h"

static const uint8_t key[SIPHASH_KEY_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

TEST(vectors, "the values are those of the paper's appendix and of its authors' table")
{
    /* Input: the bytes 0, 1, 2, …, n - 1. */
    static const struct {
        size_t n;
        uint64_t wanted;
    } cases[] = {
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
        {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
    };
    uint8_t input[16];

    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK(siphash(key, input, cases[i].n) == cases[i].wanted);
}

TEST(sensitive, "every byte of key and input matters, and so does the length")
{
    uint8_t input[20] = {0}, other[SIPHASH_KEY_SIZE] = {0};
    uint64_t plain = siphash(other, input, sizeof(input));

    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = 1;
        CHECK(siphash(other, input, sizeof(input)) != plain);
        input[i] = 0;
        CHECK(siphash(other, input, i) != plain);
    }
    for (size_t i = 0; i < sizeof(other); i++) {
        other[i] = 1;
        CHECK(siphash(other, input, sizeof(input)) != plain);
        other[i] = 0;
    }
    CHECK(siphash(other, input, sizeof(input)) == plain);
    CHECK(siphash(other, NULL, 0) == siphash(other, input, 0));
}
