#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "storage/digest.h"

#define ABC_SHA256   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_SHA256 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_SHA512                                                            \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define EMPTY_SHA512                                                          \
    "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

static const enum digest_alg algs[] = {DIGEST_SHA256, DIGEST_SHA512};

enum { ALG_COUNT = 2, SAVED_HEAD_256 = 2 + 32 + 8, SAVED_HEAD_512 = 2 + 64 + 8 };

TEST(vectors, "the digests of \"abc\" and of nothing are those of FIPS 180-4")
{
    static const struct {
        enum digest_alg alg;
        const char *bytes;
        const char *text;
    } cases[] = {
        {DIGEST_SHA256, "abc", ABC_SHA256},
        {DIGEST_SHA256, "", EMPTY_SHA256},
        {DIGEST_SHA512, "abc", ABC_SHA512},
        {DIGEST_SHA512, "", EMPTY_SHA512},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct digest d;
        char text[DIGEST_TEXT_MAX];

        digest_of(cases[i].alg, cases[i].bytes, strlen(cases[i].bytes), &d);
        CHECK_INT(digest_format(&d, text), strlen(cases[i].text));
        CHECK_TEXT(text, cases[i].text);
    }
}

TEST(parse_good, "a digest's text and its database form lead back to the same digest")
{
    static const char *const texts[] = {ABC_SHA256, EMPTY_SHA256, ABC_SHA512, EMPTY_SHA512};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct digest d, again;
        uint8_t key[DIGEST_KEY_MAX + 1] = {0};
        char text[DIGEST_TEXT_MAX];
        struct err e;
        size_t n;

        memset(&d, 0xff, sizeof(d));
        memset(&again, 0xff, sizeof(again));
        CHECK_INT(digest_parse(str_of(texts[i]), &d, &e), 0);
        digest_format(&d, text);
        CHECK_TEXT(text, texts[i]);
        n = digest_to_key(&d, key);
        CHECK_INT(n, 1 + digest_size(d.alg));
        CHECK_INT(digest_from_key(key, sizeof(key), &again), n);
        CHECK(digest_equal(&d, &again));
        CHECK_INT(digest_from_key(key, n - 1, &again), 0);
        for (size_t j = digest_size(d.alg); j < DIGEST_RAW_MAX; j++)
            CHECK_INT(d.raw[j], 0);
    }
}

TEST(parse_bad, "a malformed digest is refused with a text that says what is wrong")
{
    static const struct {
        struct str text;
        const char *message;
    } cases[] = {
        {STR(""), "digest \"\" has no colon; write <algorithm>:<hex>"},
        {STR("sha256"), "digest \"sha256\" has no colon; write <algorithm>:<hex>"},
        {STR(":"), "digest algorithm \"\" is not supported; use sha256 or sha512"},
        {STR("md5:d41d8cd98f00b204e9800998ecf8427e"),
         "digest algorithm \"md5\" is not supported; use sha256 or sha512"},
        {STR("SHA256:" EMPTY_SHA256), "digest algorithm \"SHA256\" is not supported; use sha256 or sha512"},
        {STR("sha256:"), "digest \"sha256:\": after \"sha256:\" come exactly 64 lower-case hexadecimal digits"},
        {STR("sha512:ab"), "digest \"sha512:ab\": after \"sha512:\" come exactly 128 lower-case hexadecimal digits"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct digest d;
        struct err e;

        CHECK_INT(digest_parse(cases[i].text, &d, &e), -1);
        CHECK_INT(e.code, ERR_DIGEST);
        CHECK_TEXT(e.text, cases[i].message);
    }
}

TEST(parse_digits, "one digit too many or too few, upper case, a sign and a NUL are no digests")
{
    static const struct str texts[] = {
        STR(ABC_SHA256 "0"),
        STR("sha256:a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        STR("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        STR("sha256:+a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        STR("sha256:\0a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        STR("sha256::a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        STR("sha256:../../../../../../../../../../../../../../../../../../etc/passwd0"),
        STR("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct digest d;

        CHECK_INT(digest_parse(texts[i], &d, NULL), -1);
    }
}

TEST(keys_bad, "what does not begin with a known algorithm is no database form")
{
    uint8_t key[DIGEST_KEY_MAX] = {0};
    struct digest d;

    CHECK_INT(digest_from_key(key, 0, &d), 0);
    CHECK_INT(digest_from_key(key, sizeof(key), &d), 0);
    key[0] = 3;
    CHECK_INT(digest_from_key(key, sizeof(key), &d), 0);
    key[0] = 255;
    CHECK_INT(digest_from_key(key, sizeof(key), &d), 0);
}

TEST(equality, "digests differ by algorithm and by any byte")
{
    struct digest a = {.alg = DIGEST_SHA256}, b = a;

    CHECK(digest_equal(&a, &b));
    b.alg = DIGEST_SHA512;
    CHECK(!digest_equal(&a, &b));
    b = a;
    b.raw[31] = 1;
    CHECK(!digest_equal(&a, &b));
}

TEST(resume, "a hash saved after any number of bytes goes on to the same digest")
{
    uint8_t bytes[300];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    for (size_t a = 0; a < ALG_COUNT; a++) {
        struct digest whole, parts;

        digest_of(algs[a], bytes, sizeof(bytes), &whole);
        for (size_t cut = 0; cut <= 260; cut++) {
            struct hasher h, resumed;
            uint8_t saved[HASHER_STATE_MAX];
            struct err e;
            size_t n;

            hasher_init(&h, algs[a]);
            hasher_update(&h, bytes, cut);
            n = hasher_save(&h, saved);
            memset(&resumed, 0xff, sizeof(resumed));
            CHECK_INT(hasher_load(&resumed, saved, n, &e), 0);
            CHECK_INT(hasher_length(&resumed), cut);
            hasher_update(&resumed, bytes + cut, sizeof(bytes) - cut);
            hasher_digest(&resumed, &parts);
            CHECK(digest_equal(&whole, &parts));
            CHECK_INT(hasher_length(&resumed), sizeof(bytes));
        }
    }
}

TEST(layout, "the saved form of a hash is the documented one")
{
    static const uint8_t wanted[] = {
        0xb1, 1,    0x6a, 0x09, 0xe6, 0x67, 0xbb, 0x67, 0xae, 0x85, 0x3c, 0x6e, 0xf3, 0x72, 0xa5,
        0x4f, 0xf5, 0x3a, 0x51, 0x0e, 0x52, 0x7f, 0x9b, 0x05, 0x68, 0x8c, 0x1f, 0x83, 0xd9, 0xab,
        0x5b, 0xe0, 0xcd, 0x19, 0,    0,    0,    0,    0,    0,    0,    3,    'a',  'b',  'c',
    };
    uint8_t saved[HASHER_STATE_MAX];
    struct hasher h;

    hasher_init(&h, DIGEST_SHA256);
    hasher_update(&h, "abc", 3);
    CHECK_INT(hasher_save(&h, saved), sizeof(wanted));
    CHECK(memcmp(saved, wanted, sizeof(wanted)) == 0);
}

TEST(digest_is_a_look, "asking for the digest does not end the hash")
{
    for (size_t a = 0; a < ALG_COUNT; a++) {
        struct hasher h;
        struct digest ab, abc, wanted;

        hasher_init(&h, algs[a]);
        hasher_update(&h, "ab", 2);
        hasher_digest(&h, &ab);
        hasher_update(&h, "c", 1);
        hasher_digest(&h, &abc);
        digest_of(algs[a], "abc", 3, &wanted);
        CHECK(digest_equal(&abc, &wanted));
        CHECK(!digest_equal(&ab, &wanted));
    }
}

TEST(long_lengths, "lengths over 4 GiB survive saving")
{
    static const uint64_t lengths[] = {0x20000000, 0xffffff80, 0x100000000, 0x1234567890000, (UINT64_C(1) << 61) - 128};

    for (size_t a = 0; a < ALG_COUNT; a++) {
        size_t head = algs[a] == DIGEST_SHA256 ? SAVED_HEAD_256 : SAVED_HEAD_512;

        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            uint8_t saved[HASHER_STATE_MAX], again[HASHER_STATE_MAX];
            struct hasher h;
            struct err e;

            hasher_init(&h, algs[a]);
            hasher_save(&h, saved);
            for (size_t byte = 0; byte < 8; byte++)
                saved[head - 1 - byte] = (uint8_t)(lengths[i] >> (8 * byte));
            CHECK_INT(hasher_load(&h, saved, head, &e), 0);
            CHECK_INT(hasher_length(&h), lengths[i]);
            CHECK_INT(hasher_save(&h, again), head);
            CHECK(memcmp(saved, again, head) == 0);
        }
    }
}

TEST(load_bad, "bytes that are not a saved hash are refused")
{
    uint8_t saved[HASHER_STATE_MAX], bad[HASHER_STATE_MAX];
    struct hasher h;
    struct err e;
    size_t n;

    hasher_init(&h, DIGEST_SHA512);
    hasher_update(&h, "abc", 3);
    n = hasher_save(&h, saved);
    for (size_t cut = 0; cut < n; cut++) {
        CHECK_INT(hasher_load(&h, saved, cut, &e), -1);
        CHECK_INT(e.code, ERR_INVALID);
    }
    CHECK_INT(hasher_load(&h, saved, n + 1, &e), -1);
    CHECK_TEXT(e.text, "saved hash: 78 bytes do not fit its length");

    memcpy(bad, saved, sizeof(bad));
    bad[0] = 0;
    CHECK_INT(hasher_load(&h, bad, n, &e), -1);
    CHECK_TEXT(e.text, "saved hash: not of a kind this version knows");
    memcpy(bad, saved, sizeof(bad));
    bad[1] = 9;
    CHECK_INT(hasher_load(&h, bad, n, &e), -1);
    memcpy(bad, saved, sizeof(bad));
    bad[2 + 64] = 0xff; /* a length over 2^61 bytes */
    CHECK_INT(hasher_load(&h, bad, n, &e), -1);
}
