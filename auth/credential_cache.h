/*
 * Which pairs of name and password were right a moment ago, without keeping either.
 *
 * A pair is remembered as HMAC-SHA-256, under a key drawn when the program starts, over name, password and the hash it
 * was checked against: a changed entry leads to another digest, so that what was remembered of the old one is never
 * found again. What a core dump holds is worth nothing without the key, and nothing after the process has ended.
 *
 * The table has a fixed size (about 200 KiB). Its locks are many and held for a comparison of a few digests.
 *
 * Thread: any, all functions at once, except new and free.
 */
#ifndef BERTH_AUTH_CREDENTIAL_CACHE_H
#define BERTH_AUTH_CREDENTIAL_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/str.h"

struct credential_key {
    uint8_t digest[32];
};

/* About half a microsecond for names and passwords of usual length. */
void credential_key_make(struct credential_key *key, struct str name, struct str password, struct str hash);
/* In constant time. */
bool credential_key_eq(const struct credential_key *a, const struct credential_key *b);

struct credential_cache;

/* Entries are forgotten `lifetime_ms` milliseconds after they were put, however often they are used. */
struct credential_cache *credential_cache_new(uint64_t lifetime_ms);
void credential_cache_free(struct credential_cache **cache);

/* `now_ms` is clock_monotonic_ms(). A full set gives up the item that would expire first. */
void credential_cache_put(struct credential_cache *cache, const struct credential_key *key, uint64_t now_ms);
bool credential_cache_has(struct credential_cache *cache, const struct credential_key *key, uint64_t now_ms);

#endif
