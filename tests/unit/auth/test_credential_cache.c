#include "auth/credential_cache.h"

#include <pthread.h>
#include <string.h>

#include "registry/base/rnd.h"
#include "tests/unit/test.h"

enum { LIFETIME = 1000 };

static struct credential_key key_of(struct str name, struct str password, struct str hash)
{
    struct credential_key key;

    credential_key_make(&key, name, password, hash);
    return key;
}

static bool same_key(struct credential_key a, struct credential_key b)
{
    return credential_key_eq(&a, &b);
}

TEST(keys, "a key depends on name, password and hash, and on where one ends and the next begins")
{
    struct credential_key key = key_of(STR("alice"), STR("secret"), STR("$h"));

    CHECK(same_key(key, key_of(STR("alice"), STR("secret"), STR("$h"))));
    CHECK(!same_key(key, key_of(STR("alicf"), STR("secret"), STR("$h"))));
    CHECK(!same_key(key, key_of(STR("alice"), STR("secreu"), STR("$h"))));
    CHECK(!same_key(key, key_of(STR("alice"), STR("secret"), STR("$i"))));
    CHECK(!same_key(key, key_of(STR("alices"), STR("ecret"), STR("$h"))));
    CHECK(!same_key(key, key_of(STR("alice"), STR("secret$h"), STR(""))));
    CHECK(same_key(key_of(STR("a"), STR(""), STR("h")), key_of(STR("a"), (struct str){NULL, 0}, STR("h"))));
}

static void *make_key(void *out)
{
    credential_key_make(out, STR("alice"), STR("secret"), STR("$h"));
    return NULL;
}

TEST(threads, "every thread computes the same key")
{
    struct credential_key here = key_of(STR("alice"), STR("secret"), STR("$h")), there;
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, make_key, &there), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(credential_key_eq(&here, &there));
}

TEST(expiry, "what was put is found until its time is over, and using it does not prolong it")
{
    struct credential_cache *cache = credential_cache_new(LIFETIME);
    struct credential_key key = key_of(STR("alice"), STR("secret"), STR("$h"));

    CHECK(!credential_cache_has(cache, &key, 0));
    credential_cache_put(cache, &key, 50);
    CHECK(credential_cache_has(cache, &key, 50));
    CHECK(credential_cache_has(cache, &key, 50 + LIFETIME - 1));
    CHECK(!credential_cache_has(cache, &key, 50 + LIFETIME));
    credential_cache_put(cache, &key, 5000);
    CHECK(credential_cache_has(cache, &key, 5001));
    credential_cache_free(&cache);
    CHECK(cache == NULL);
}

TEST(near_miss, "a digest that differs in its last bit is another")
{
    struct credential_cache *cache = credential_cache_new(LIFETIME);
    struct credential_key key = key_of(STR("alice"), STR("secret"), STR("$h"));

    credential_cache_put(cache, &key, 0);
    key.digest[31] ^= 1;
    CHECK(!credential_cache_has(cache, &key, 0));
    credential_cache_free(&cache);
}

TEST(full_set, "a full set gives up what would expire first, and putting again takes no second place")
{
    struct credential_cache *cache = credential_cache_new(LIFETIME);
    struct credential_key keys[5];

    memset(keys, 0, sizeof(keys)); /* the first bytes choose the set: all five share one */
    for (unsigned char i = 0; i < 5; i++)
        keys[i].digest[31] = (unsigned char)(i + 1);
    for (unsigned i = 0; i < 4; i++)
        credential_cache_put(cache, &keys[i], 10 + i);
    credential_cache_put(cache, &keys[0], 20);
    credential_cache_put(cache, &keys[4], 21);
    CHECK(credential_cache_has(cache, &keys[0], 30));
    CHECK(!credential_cache_has(cache, &keys[1], 30));
    CHECK(credential_cache_has(cache, &keys[2], 30));
    CHECK(credential_cache_has(cache, &keys[3], 30));
    CHECK(credential_cache_has(cache, &keys[4], 30));
    credential_cache_free(&cache);
}

TEST(bounded, "a flood of pairs leaves the newest findable")
{
    struct credential_cache *cache = credential_cache_new(LIFETIME);
    struct credential_key key;

    for (uint64_t i = 0; i < 100000; i++) {
        rnd_bytes(key.digest, sizeof(key.digest));
        credential_cache_put(cache, &key, i / 1000);
    }
    CHECK(credential_cache_has(cache, &key, 100));
    credential_cache_free(&cache);
}
