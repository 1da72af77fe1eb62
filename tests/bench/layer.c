#include "tests/bench/layer.h"

#include <stdio.h>
#include <string.h>

#include "registry/base/str.h"

enum {
    CHUNK = 32 * 1024,
    CHUNK_HEAD = 6, /* hexadecimal CHUNK, CR LF */
    CHUNK_FRAMED = CHUNK_HEAD + CHUNK + 2,
    CHUNKS = 32, /* in a mebibyte */
};

struct noise {
    unsigned char framed[CHUNKS * CHUNK_FRAMED];
};

/* ---- content ---- */

/* xorshift64*: quick, and nothing compresses it. */
void fill_noise(unsigned char *out, size_t n, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15U + 1;

    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t word;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        word = x * 0x2545f4914f6cdd1dU;
        memcpy(out + i, &word, 8);
    }
}

struct noise *noise_new(void)
{
    struct noise *noise = xmalloc(sizeof(*noise));

    for (size_t i = 0; i < CHUNKS; i++) {
        unsigned char *chunk = noise->framed + i * CHUNK_FRAMED;

        snprintf((char *)chunk, CHUNK_HEAD + 1, "%x\r\n", CHUNK); /* the noise overwrites its terminator */
        fill_noise(chunk + CHUNK_HEAD, CHUNK, i + 1);
        chunk[CHUNK_HEAD + CHUNK] = '\r';
        chunk[CHUNK_HEAD + CHUNK + 1] = '\n';
    }
    return noise;
}

static void stamp(struct noise *noise, uint64_t number, uint64_t mebibyte)
{
    memcpy(noise->framed + CHUNK_HEAD, &number, sizeof(number));
    memcpy(noise->framed + CHUNK_HEAD + sizeof(number), &mebibyte, sizeof(mebibyte));
}

void layer_make(struct layer *layer, uint64_t number, uint64_t mebibytes, struct noise *noise)
{
    struct hasher hasher;
    struct digest digest;

    layer->number = number;
    layer->mebibytes = mebibytes;
    hasher_init(&hasher, DIGEST_SHA256);
    for (uint64_t n = 0; n < mebibytes; n++) {
        stamp(noise, number, n);
        for (size_t i = 0; i < CHUNKS; i++)
            hasher_update(&hasher, noise->framed + i * CHUNK_FRAMED + CHUNK_HEAD, CHUNK);
    }
    hasher_digest(&hasher, &digest);
    digest_format(&digest, layer->digest);
}

/* ---- pushing ---- */

int upload_start(struct client *c, const char *repository, struct answer *answer, struct err *e)
{
    char path[1024];

    snprintf(path, sizeof(path), "/v2/%s/blobs/uploads/", repository);
    return client_ask(c, "POST", path, "", 0, 202, answer, e);
}

int upload_finish(struct client *c, const char *location, const char *digest, struct answer *answer, struct err *e)
{
    char path[ANSWER_LOCATION_MAX + 160];

    snprintf(path, sizeof(path), "%s%cdigest=%s", location, strchr(location, '?') != NULL ? '&' : '?', digest);
    return client_ask(c, "PUT", path, "", 0, 201, answer, e);
}

int layer_begin(struct client *c, const char *repository, const struct layer *layer, struct noise *noise,
                uint64_t *sent, struct err *e)
{
    struct answer answer;

    if (upload_start(c, repository, &answer, e) != 0 ||
        client_send_head(c, "PATCH", answer.location,
                         "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n", e) != 0)
        return -1;
    for (uint64_t n = 0; n < layer->mebibytes; n++) {
        stamp(noise, layer->number, n);
        if (client_send(c, noise->framed, sizeof(noise->framed), e) != 0)
            return err_wrap(e, "PATCH: after %llu MiB", (unsigned long long)n);
        *sent += (uint64_t)CHUNKS * CHUNK;
    }
    return 0;
}

int layer_push(struct client *c, const char *repository, const struct layer *layer, struct noise *noise, uint64_t *sent,
               struct err *e)
{
    struct answer answer;

    if (layer_begin(c, repository, layer, noise, sent, e) != 0 || client_send(c, "0\r\n\r\n", 5, e) != 0 ||
        client_read_answer(c, false, &answer, e) != 0)
        return -1;
    if (answer.status != 202)
        return err_set(e, ERR_INVALID, "PATCH: status %d instead of 202", answer.status);
    return upload_finish(c, answer.location, layer->digest, &answer, e);
}

/* ---- pulling ---- */

static void hash(void *hasher, const void *bytes, size_t n)
{
    hasher_update(hasher, bytes, n);
}

int layer_pull(struct client *c, const char *repository, const struct layer *layer, struct err *e)
{
    char path[1024], text[DIGEST_TEXT_MAX];
    struct answer answer;
    struct hasher hasher;
    struct digest digest;

    hasher_init(&hasher, DIGEST_SHA256);
    snprintf(path, sizeof(path), "/v2/%s/blobs/%s", repository, layer->digest);
    if (client_send_head(c, "GET", path, "", e) != 0 || client_read_body(c, hash, &hasher, &answer, e) != 0)
        return err_wrap(e, "GET %s", path);
    if (answer.status != 200)
        return err_set(e, ERR_INVALID, "GET %s: status %d instead of 200", path, answer.status);
    hasher_digest(&hasher, &digest);
    digest_format(&digest, text);
    if (strcmp(text, layer->digest) != 0)
        return err_set(e, ERR_DIGEST, "GET %s: what came has the digest %s", path, text);
    return 0;
}
