#include "auth/recent_login.h"

#include <pthread.h>
#include <string.h>

/* libraries */
#include <openssl/crypto.h>

/* auth */
#include "auth/siphash.h"

/* base */
#include "registry/base/rnd.h"

static uint8_t keys[2][SIPHASH_KEY_SIZE];
static pthread_once_t keys_once = PTHREAD_ONCE_INIT;

static void draw_keys(void)
{
    rnd_bytes(keys, sizeof(keys));
}

static void make_tag(uint64_t tag[2], struct str header)
{
    pthread_once(&keys_once, draw_keys);
    tag[0] = siphash(keys[0], header.p, header.n);
    tag[1] = siphash(keys[1], header.p, header.n);
}

void recent_login_put(struct recent_login *login, struct str header, struct str name, uint64_t generation,
                      uint64_t now_ms)
{
    *login = (struct recent_login){0};
    if (name.n > HTPASSWD_NAME_MAX)
        return;
    make_tag(login->tag, header);
    memcpy(login->name, name.p, name.n);
    login->generation = generation;
    login->until_ms = now_ms + RECENT_LOGIN_MS;
}

bool recent_login_is(const struct recent_login *login, struct str header, uint64_t generation, uint64_t now_ms)
{
    uint64_t tag[2];

    if (login->generation != generation || login->until_ms <= now_ms)
        return false;
    make_tag(tag, header);
    return CRYPTO_memcmp(tag, login->tag, sizeof(tag)) == 0;
}
