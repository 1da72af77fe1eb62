/*
 * SHA-256 and SHA-512 over OpenSSL's low-level interface. EVP, its successor, cannot hand out the state of a running
 * hash, and an upload's hash must survive a restart of the server; the low-level contexts are public structs. They are
 * marked deprecated since OpenSSL 3.0, hence the macro. No other file of storage/ knows OpenSSL.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "storage/digest.h"

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;  /* bytes of the digest; its eighth is the width of a word of the state */
    size_t block; /* bytes hashed at a time */
} algs[] = {
    [DIGEST_SHA256] = {"sha256", SHA256_DIGEST_LENGTH, SHA256_CBLOCK},
    [DIGEST_SHA512] = {"sha512", SHA512_DIGEST_LENGTH, SHA512_CBLOCK},
};

enum {
    ALG_COUNT = sizeof(algs) / sizeof(algs[0]),
    STATE_WORDS = 8,
    SAVED_VERSION = 0xB1,
    CLIP = 100, /* bytes of a client's text that an error repeats */
};

union context {
    SHA256_CTX sha256;
    SHA512_CTX sha512;
};

/* Saved form: version, algorithm, eight state words, length, and the bytes that do not fill a block yet. */
_Static_assert(sizeof(union context) <= HASHER_STATE_MAX, "a running hash fits struct hasher");
_Static_assert(2 + SHA512_DIGEST_LENGTH + 8 + SHA512_CBLOCK - 1 <= HASHER_STATE_MAX, "a saved hash fits its buffer");
_Static_assert(SHA512_DIGEST_LENGTH == DIGEST_RAW_MAX, "the longest digest fits struct digest");

size_t digest_size(enum digest_alg alg)
{
    return algs[alg].size;
}

const char *digest_alg_name(enum digest_alg alg)
{
    return algs[alg].name;
}

static int clipped(struct str s)
{
    return s.n < CLIP ? (int)s.n : CLIP;
}

int digest_alg_parse(struct str name, enum digest_alg *out, struct err *e)
{
    for (int alg = 1; alg < ALG_COUNT; alg++) {
        if (str_eq(name, str_of(algs[alg].name))) {
            *out = (enum digest_alg)alg;
            return 0;
        }
    }
    return err_set(e, ERR_DIGEST, "digest algorithm \"%.*s\" is not supported; use sha256 or sha512", clipped(name),
                   name.p);
}

int digest_parse(struct str text, struct digest *out, struct err *e)
{
    size_t colon = str_find(text, ':');
    struct str hex = str_from(text, colon + 1);

    memset(out, 0, sizeof(*out));
    if (colon == text.n)
        return err_set(e, ERR_DIGEST, "digest \"%.*s\" has no colon; write <algorithm>:<hex>", clipped(text), text.p);
    if (digest_alg_parse((struct str){text.p, colon}, &out->alg, e) != 0)
        return -1;
    if (hex.n != 2 * digest_size(out->alg) || !hex_decode(hex.p, digest_size(out->alg), out->raw))
        return err_set(e, ERR_DIGEST, "digest \"%.*s\": after \"%s:\" come exactly %zu lower-case hexadecimal digits",
                       clipped(text), text.p, digest_alg_name(out->alg), 2 * digest_size(out->alg));
    return 0;
}

size_t digest_format(const struct digest *d, char out[DIGEST_TEXT_MAX])
{
    size_t prefix = strlen(algs[d->alg].name) + 1;
    size_t n = prefix + 2 * digest_size(d->alg);

    memcpy(out, algs[d->alg].name, prefix - 1);
    out[prefix - 1] = ':';
    hex_encode(d->raw, digest_size(d->alg), out + prefix);
    out[n] = '\0';
    return n;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return a->alg == b->alg && memcmp(a->raw, b->raw, sizeof(a->raw)) == 0;
}

size_t digest_to_key(const struct digest *d, uint8_t out[DIGEST_KEY_MAX])
{
    out[0] = (uint8_t)d->alg;
    memcpy(out + 1, d->raw, digest_size(d->alg));
    return 1 + digest_size(d->alg);
}

static bool alg_known(uint8_t byte)
{
    return byte > 0 && byte < ALG_COUNT;
}

size_t digest_from_key(const uint8_t *in, size_t n, struct digest *out)
{
    if (n == 0 || !alg_known(in[0]) || n < 1 + algs[in[0]].size)
        return 0;
    memset(out, 0, sizeof(*out));
    out->alg = (enum digest_alg)in[0];
    memcpy(out->raw, in + 1, digest_size(out->alg));
    return 1 + digest_size(out->alg);
}

/* Members of OpenSSL's context are only touched in a copy: `state` is an array of bytes to the compiler. */
static union context context_of(const struct hasher *h)
{
    union context c;

    memcpy(&c, h->state, sizeof(c));
    return c;
}

void hasher_init(struct hasher *h, enum digest_alg alg)
{
    memset(h, 0, sizeof(*h));
    h->alg = alg;
    if (alg == DIGEST_SHA256)
        SHA256_Init((void *)h->state);
    else
        SHA512_Init((void *)h->state);
}

void hasher_update(struct hasher *h, const void *bytes, size_t n)
{
    if (h->alg == DIGEST_SHA256)
        SHA256_Update((void *)h->state, bytes, n);
    else
        SHA512_Update((void *)h->state, bytes, n);
}

void hasher_digest(const struct hasher *h, struct digest *out)
{
    union context c = context_of(h);

    memset(out, 0, sizeof(*out));
    out->alg = h->alg;
    if (h->alg == DIGEST_SHA256)
        SHA256_Final(out->raw, &c.sha256);
    else
        SHA512_Final(out->raw, &c.sha512);
}

uint64_t hasher_length(const struct hasher *h)
{
    union context c = context_of(h);

    /* OpenSSL counts bits, in two halves. */
    if (h->alg == DIGEST_SHA256)
        return ((uint64_t)c.sha256.Nh << 32 | c.sha256.Nl) >> 3;
    return (uint64_t)c.sha512.Nl >> 3 | (uint64_t)c.sha512.Nh << 61;
}

static void length_set(union context *c, enum digest_alg alg, uint64_t bytes)
{
    if (alg == DIGEST_SHA256) {
        c->sha256.Nl = (SHA_LONG)(bytes << 3);
        c->sha256.Nh = (SHA_LONG)(bytes >> 29);
        c->sha256.num = (unsigned)(bytes % SHA256_CBLOCK);
    } else {
        c->sha512.Nl = bytes << 3;
        c->sha512.Nh = bytes >> 61;
        c->sha512.num = (unsigned)(bytes % SHA512_CBLOCK);
    }
}

static void *partial_block(union context *c, enum digest_alg alg)
{
    return alg == DIGEST_SHA256 ? (void *)c->sha256.data : (void *)c->sha512.u.p;
}

static void be_put(uint8_t *out, uint64_t value, size_t width)
{
    uint64_t big = htobe64(value);

    memcpy(out, (uint8_t *)&big + sizeof(big) - width, width);
}

static uint64_t be_get(const uint8_t *in, size_t width)
{
    uint64_t big = 0;

    memcpy((uint8_t *)&big + sizeof(big) - width, in, width);
    return be64toh(big);
}

/*
 * Saved form, all numbers big-endian; w is 4 (SHA-256) or 8 (SHA-512) bytes:
 *   1      0xB1, names this layout
 *   1      algorithm, as in enum digest_alg
 *   8 * w  state words H0 … H7 (FIPS 180-4, 6.2 and 6.4)
 *   8      bytes fed so far
 *   rest   the last (bytes fed) mod (block size) bytes, which wait for their block to fill
 */
size_t hasher_save(const struct hasher *h, uint8_t out[HASHER_STATE_MAX])
{
    union context c = context_of(h);
    size_t width = algs[h->alg].size / STATE_WORDS;
    uint64_t length = hasher_length(h);
    size_t partial = (size_t)(length % algs[h->alg].block);
    uint8_t *p = out;

    *p++ = SAVED_VERSION;
    *p++ = (uint8_t)h->alg;
    for (int i = 0; i < STATE_WORDS; i++, p += width)
        be_put(p, h->alg == DIGEST_SHA256 ? c.sha256.h[i] : c.sha512.h[i], width);
    be_put(p, length, sizeof(length));
    p += sizeof(length);
    memcpy(p, partial_block(&c, h->alg), partial);
    return (size_t)(p - out) + partial;
}

int hasher_load(struct hasher *h, const uint8_t *in, size_t n, struct err *e)
{
    union context c;
    size_t width, head;
    uint64_t length;

    if (n < 2 || in[0] != SAVED_VERSION || !alg_known(in[1]))
        return err_set(e, ERR_INVALID, "saved hash: not of a kind this version knows");
    width = algs[in[1]].size / STATE_WORDS;
    head = 2 + STATE_WORDS * width + sizeof(length);
    length = n < head ? 0 : be_get(in + head - sizeof(length), sizeof(length));
    if (n < head || length >> 61 != 0 || n - head != length % algs[in[1]].block)
        return err_set(e, ERR_INVALID, "saved hash: %zu bytes do not fit its length", n);

    hasher_init(h, (enum digest_alg)in[1]);
    c = context_of(h);
    for (int i = 0; i < STATE_WORDS; i++) {
        uint64_t word = be_get(in + 2 + (size_t)i * width, width);

        if (h->alg == DIGEST_SHA256)
            c.sha256.h[i] = (SHA_LONG)word;
        else
            c.sha512.h[i] = word;
    }
    length_set(&c, h->alg, length);
    memcpy(partial_block(&c, h->alg), in + head, n - head);
    memcpy(h->state, &c, sizeof(c));
    return 0;
}

void digest_of(enum digest_alg alg, const void *bytes, size_t n, struct digest *out)
{
    struct hasher h;

    hasher_init(&h, alg);
    hasher_update(&h, bytes, n);
    hasher_digest(&h, out);
}
