#include "auth/credential_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* libraries */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* base */
#include "registry/base/rnd.h"

enum {
    SETS = 1024, /* power of two */
    WAYS = 4,
    LOCKS = 64, /* power of two, at most SETS */
};

struct item {
    struct credential_key key;
    uint64_t expires_ms; /* 0: free */
};

struct credential_cache {
    uint64_t lifetime_ms;
    struct {
        pthread_mutex_t mutex;
    } __attribute__((aligned(64))) locks[LOCKS]; /* set i is guarded by lock i % LOCKS */
    struct item sets[SETS][WAYS];
};

/* The key of this process, and one keyed context per thread: starting a computation from a keyed one costs half of
 * keying it. */
static struct {
    pthread_once_t once;
    pthread_key_t context;
    EVP_MAC *hmac;
    uint8_t secret[32];
} keyed = {.once = PTHREAD_ONCE_INIT};

static void free_context(void *context)
{
    EVP_MAC_CTX_free(context);
}

static void draw_key(void)
{
    keyed.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (keyed.hmac == NULL || pthread_key_create(&keyed.context, free_context) != 0)
        abort(); /* no memory, or an OpenSSL without HMAC */
    rnd_bytes(keyed.secret, sizeof(keyed.secret));
}

static EVP_MAC_CTX *thread_context(void)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context;

    pthread_once(&keyed.once, draw_key);
    context = pthread_getspecific(keyed.context);
    if (context != NULL)
        return context;
    context = EVP_MAC_CTX_new(keyed.hmac);
    if (context == NULL || EVP_MAC_init(context, keyed.secret, sizeof(keyed.secret), parameters) != 1 ||
        pthread_setspecific(keyed.context, context) != 0)
        abort();
    return context;
}

/* Each part goes in behind its length, so that no two lists of parts read the same. */
static bool add(EVP_MAC_CTX *context, struct str part)
{
    uint64_t length = part.n;

    return EVP_MAC_update(context, (const unsigned char *)&length, sizeof(length)) == 1 &&
           EVP_MAC_update(context, (const unsigned char *)part.p, part.n) == 1;
}

void credential_key_make(struct credential_key *key, struct str name, struct str password, struct str hash)
{
    EVP_MAC_CTX *context = thread_context();
    size_t n = 0;

    if (EVP_MAC_init(context, NULL, 0, NULL) != 1 || !add(context, name) || !add(context, password) ||
        !add(context, hash) || EVP_MAC_final(context, key->digest, &n, sizeof(key->digest)) != 1 ||
        n != sizeof(key->digest))
        abort(); /* a key that is not this pair's could let somebody in */
}

bool credential_key_eq(const struct credential_key *a, const struct credential_key *b)
{
    return CRYPTO_memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

struct credential_cache *credential_cache_new(uint64_t lifetime_ms)
{
    struct credential_cache *cache = aligned_alloc(64, sizeof(*cache));

    if (cache == NULL)
        abort();
    memset(cache, 0, sizeof(*cache));
    cache->lifetime_ms = lifetime_ms;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&cache->locks[i].mutex, NULL);
    return cache;
}

void credential_cache_free(struct credential_cache **cache)
{
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&(*cache)->locks[i].mutex);
    free(*cache);
    *cache = NULL;
}

/* The set that `key` belongs to, locked. Digests are uniform: their first bytes are the index. */
static struct item *lock_set(struct credential_cache *cache, const struct credential_key *key, pthread_mutex_t **held)
{
    uint32_t index;

    memcpy(&index, key->digest, sizeof(index));
    index %= SETS;
    *held = &cache->locks[index % LOCKS].mutex;
    pthread_mutex_lock(*held);
    return cache->sets[index];
}

bool credential_cache_has(struct credential_cache *cache, const struct credential_key *key, uint64_t now_ms)
{
    pthread_mutex_t *held;
    struct item *set = lock_set(cache, key, &held);
    bool found = false;

    for (size_t i = 0; i < WAYS; i++)
        found |= set[i].expires_ms > now_ms && credential_key_eq(&set[i].key, key);
    pthread_mutex_unlock(held);
    return found;
}

void credential_cache_put(struct credential_cache *cache, const struct credential_key *key, uint64_t now_ms)
{
    pthread_mutex_t *held;
    struct item *set = lock_set(cache, key, &held);
    struct item *place = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (credential_key_eq(&set[i].key, key)) {
            place = &set[i];
            break;
        }
        if (set[i].expires_ms < place->expires_ms)
            place = &set[i];
    }
    place->key = *key;
    place->expires_ms = now_ms + cache->lifetime_ms;
    pthread_mutex_unlock(held);
}
