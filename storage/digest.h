/*
 * Digests: "<algorithm>:<lower-case hex>" (OCI image-spec, descriptor.md "Digests"), and hashing that
 * can be stopped, saved as bytes and gone on with after a restart.
 *
 * Thread: no shared state; a hasher belongs to one thread at a time.
 */
#ifndef BERTH_STORAGE_DIGEST_H
#define BERTH_STORAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum digest_alg { DIGEST_SHA256 = 1, DIGEST_SHA512 = 2 };

enum {
    DIGEST_RAW_MAX = 64,
    DIGEST_TEXT_MAX = 7 + 2 * DIGEST_RAW_MAX + 1, /* with terminator */
    DIGEST_KEY_MAX = 1 + DIGEST_RAW_MAX,
    HASHER_STATE_MAX = 256,
};

struct digest {
    enum digest_alg alg;
    uint8_t raw[DIGEST_RAW_MAX]; /* digest_size(alg) bytes count, the rest is zero */
};

/* Bytes of a raw digest: 32 or 64. */
size_t digest_size(enum digest_alg alg);
/* "sha256" or "sha512". */
const char *digest_alg_name(enum digest_alg alg);
/* ERR_DIGEST for an unknown algorithm. */
int digest_alg_parse(struct str name, enum digest_alg *out, struct err *e);
/* ERR_DIGEST for anything but a supported algorithm, a colon and exactly its number of lower-case digits. */
int digest_parse(struct str text, struct digest *out, struct err *e);
/* Writes the text and a terminator; returns its length. */
size_t digest_format(const struct digest *d, char out[DIGEST_TEXT_MAX]);
bool digest_equal(const struct digest *a, const struct digest *b);
/* Database form: one byte algorithm, raw bytes. Returns its length. */
size_t digest_to_key(const struct digest *d, uint8_t out[DIGEST_KEY_MAX]);
/* Reads the database form at the front of `in`; returns the bytes used, 0 when it is none. */
size_t digest_from_key(const uint8_t *in, size_t n, struct digest *out);

struct hasher {
    enum digest_alg alg;
    _Alignas(16) uint8_t state[HASHER_STATE_MAX];
};

void hasher_init(struct hasher *h, enum digest_alg alg);
void hasher_update(struct hasher *h, const void *bytes, size_t n);
/* The digest of what was fed so far; the hasher can go on afterwards. */
void hasher_digest(const struct hasher *h, struct digest *out);
/* Bytes fed so far. */
uint64_t hasher_length(const struct hasher *h);
/* Save as at most HASHER_STATE_MAX bytes, independent of the library's version; returns the length. */
size_t hasher_save(const struct hasher *h, uint8_t out[HASHER_STATE_MAX]);
/* ERR_INVALID when the bytes are not a saved hasher. */
int hasher_load(struct hasher *h, const uint8_t *in, size_t n, struct err *e);

void digest_of(enum digest_alg alg, const void *bytes, size_t n, struct digest *out);

#endif
