/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): 64 bits of anything under a secret
 * key, in some twenty nanoseconds. Who does not know the key cannot choose inputs that fall together in a table.
 *
 * Thread: any; no state.
 */
#ifndef BERTH_AUTH_SIPHASH_H
#define BERTH_AUTH_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_SIZE = 16 };

uint64_t siphash(const uint8_t key[SIPHASH_KEY_SIZE], const void *bytes, size_t n);

#endif
