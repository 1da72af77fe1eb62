#include "auth/bearer.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* libraries */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* base */
#include "registry/base/rnd.h"

enum {
    VERSION = 1,
    HEAD_SIZE = 1 + 8 + 1, /* version, expiry, length of the name */
    BODY_MAX = HEAD_SIZE + BEARER_NAME_MAX,
    RAW_MAX = BODY_MAX + BEARER_MAC_SIZE,
};

static_assert((int)BEARER_TEXT_MAX == (RAW_MAX * 8 + 5) / 6, "six bits a character");

struct bearer {
    EVP_MAC_CTX *keyed; /* never used itself, only copied: starting from a keyed context costs half of keying one */
};

struct bearer *bearer_new(void)
{
    struct bearer *bearer = xcalloc(1, sizeof(*bearer));
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    uint8_t secret[32];

    rnd_bytes(secret, sizeof(secret));
    bearer->keyed = EVP_MAC_CTX_new(hmac);
    if (bearer->keyed == NULL || EVP_MAC_init(bearer->keyed, secret, sizeof(secret), parameters) != 1)
        abort(); /* no memory, or an OpenSSL without HMAC */
    explicit_bzero(secret, sizeof(secret));
    EVP_MAC_free(hmac);
    return bearer;
}

void bearer_free(struct bearer **bearer)
{
    if (*bearer == NULL)
        return;
    EVP_MAC_CTX_free((*bearer)->keyed);
    free(*bearer);
    *bearer = NULL;
}

/* The body says how long it is, so the hash behind it cannot be taken for part of it. */
static void seal(const struct bearer *bearer, struct str body, struct str hash, uint8_t mac[BEARER_MAC_SIZE])
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(bearer->keyed);
    size_t n = 0;

    if (context == NULL || EVP_MAC_update(context, (const unsigned char *)body.p, body.n) != 1 ||
        EVP_MAC_update(context, (const unsigned char *)hash.p, hash.n) != 1 ||
        EVP_MAC_final(context, mac, &n, BEARER_MAC_SIZE) != 1 || n != BEARER_MAC_SIZE)
        abort(); /* a seal that depends on anything else could let somebody in */
    EVP_MAC_CTX_free(context);
}

/* Everything before the HMAC. */
static struct str write_body(struct str name, uint64_t expires_s, char out[BODY_MAX])
{
    uint64_t expires = htobe64(expires_s);

    out[0] = VERSION;
    memcpy(out + 1, &expires, sizeof(expires));
    out[HEAD_SIZE - 1] = (char)name.n;
    if (name.n > 0)
        memcpy(out + HEAD_SIZE, name.p, name.n);
    return (struct str){out, HEAD_SIZE + name.n};
}

static bool name_possible(struct str name)
{
    bool possible = name.n <= BEARER_NAME_MAX;

    for (size_t i = 0; possible && i < name.n; i++)
        possible = (unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f;
    return possible;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct str raw, struct sbuf *out)
{
    char text[BEARER_TEXT_MAX];
    uint32_t bits = 0;
    unsigned held = 0; /* bits of `bits` that are not written yet */
    size_t n = 0;

    for (size_t i = 0; i < raw.n; i++) {
        bits = bits << 8 | (uint8_t)raw.p[i];
        for (held += 8; held >= 6; held -= 6)
            text[n++] = alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0)
        text[n++] = alphabet[bits << (6 - held) & 63];
    sbuf_put(out, text, n);
}

static int digit_of(char c)
{
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

/* One text for each row of bytes: no padding, no stray characters, and nothing in the bits that are left over. */
static bool decode(struct str text, char out[RAW_MAX], size_t *n)
{
    uint32_t bits = 0;
    unsigned held = 0;

    *n = 0;
    if (text.n > BEARER_TEXT_MAX || text.n % 4 == 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_of(text.p[i]);

        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[(*n)++] = (char)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0;
}

int bearer_issue(const struct bearer *bearer, struct str name, struct str hash, uint64_t now_s, uint32_t lifetime_s,
                 struct sbuf *out, struct err *e)
{
    char raw[RAW_MAX];
    uint8_t mac[BEARER_MAC_SIZE];
    struct str body;

    if (!name_possible(name))
        return err_set(e, ERR_INVALID, "a pass is for a name of at most %d bytes without control characters",
                       BEARER_NAME_MAX);
    if (lifetime_s == 0 || lifetime_s > BEARER_LIFETIME_MAX)
        return err_set(e, ERR_INVALID, "a pass lives for 1 to %d seconds, not %u", BEARER_LIFETIME_MAX, lifetime_s);
    body = write_body(name, now_s + lifetime_s, raw);
    seal(bearer, body, hash, mac);
    memcpy(raw + body.n, mac, sizeof(mac));
    encode((struct str){raw, body.n + sizeof(mac)}, out);
    return 0;
}

bool bearer_open(struct str pass, struct bearer_claim *out)
{
    char raw[RAW_MAX];
    uint64_t expires;
    struct str name;
    size_t n;

    if (!decode(pass, raw, &n) || n < HEAD_SIZE + BEARER_MAC_SIZE || raw[0] != VERSION)
        return false;
    name = (struct str){raw + HEAD_SIZE, (uint8_t)raw[HEAD_SIZE - 1]};
    if (n != HEAD_SIZE + name.n + BEARER_MAC_SIZE || !name_possible(name))
        return false;
    memcpy(&expires, raw + 1, sizeof(expires));
    out->expires_s = be64toh(expires);
    memcpy(out->name, name.p, name.n);
    out->name[name.n] = '\0';
    memcpy(out->mac, raw + HEAD_SIZE + name.n, sizeof(out->mac));
    return true;
}

bool bearer_check(const struct bearer *bearer, const struct bearer_claim *claim, struct str hash, uint64_t now_s)
{
    char body[BODY_MAX];
    uint8_t mac[BEARER_MAC_SIZE];

    seal(bearer, write_body(str_of(claim->name), claim->expires_s, body), hash, mac);
    return CRYPTO_memcmp(mac, claim->mac, sizeof(mac)) == 0 && claim->expires_s > now_s &&
           claim->expires_s - now_s <= BEARER_LIFETIME_MAX;
}
