/*
 * Password hashes: which are accepted, how one is checked, how one is made.
 *
 * Accepted: bcrypt ("$2y$", "$2b$", "$2a$"; 60 characters, cost 4 to 20) and argon2id version 19
 * ("$argon2id$v=19$m=…,t=…,p=…$salt$digest"; m at most 1 GiB, t at most 100, p at most 64). The bounds keep a hostile
 * file from claiming the machine's memory or hours of its time.
 *
 * bcrypt looks at the first 72 bytes of a password and no further, here as in Apache's htpasswd and in distribution:
 * longer ones are compared by their first 72. It ends at a NUL, so a password with a NUL in it matches nothing.
 *
 * Thread: any. password_verify() and password_hash() use a core for tens of milliseconds: workers, never a loop.
 */
#ifndef BERTH_AUTH_PASSWORD_H
#define BERTH_AUTH_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum password_scheme { PASSWORD_BCRYPT, PASSWORD_ARGON2ID };

enum {
    PASSWORD_MAX = 1024,       /* bytes; a longer one matches nothing */
    PASSWORD_BCRYPT_MAX = 72,  /* bytes that bcrypt looks at */
    PASSWORD_HASH_MAX = 256,   /* bytes of an encoded hash, its terminator included */
    PASSWORD_COST_DEFAULT = 0, /* bcrypt: 10; argon2id: 2 passes over 19 MiB, one lane */
};

/* Can this password match any hash at all? False with a NUL in it, or over PASSWORD_MAX bytes. */
bool password_possible(struct str password);

/* Is this an accepted, well-formed hash? ERR_UNSUPPORTED names a scheme that is refused, ERR_INVALID what is malformed;
 * neither text contains any of the hash. */
int password_check(struct str hash, struct err *e);

/* Put into `matches` whether `password` belongs to `hash`, in time that does not depend on how much of it is right.
 * Failure (memory for argon2id, a hash that password_check() refuses) leaves `matches` false. */
int password_verify(struct str hash, struct str password, bool *matches, struct err *e);

/* Hash `password` with a fresh salt into `out` (terminated). `cost` is log2 of bcrypt's rounds, or the number of
 * argon2id's passes. ERR_INVALID: password empty, impossible or, for bcrypt, over 72 bytes; cost out of range. */
int password_hash(enum password_scheme scheme, unsigned cost, struct str password, char out[PASSWORD_HASH_MAX],
                  struct err *e);

/* How a hash is made, and what making and checking it costs. A 0 stands for the default. */
struct password_recipe {
    enum password_scheme scheme;
    unsigned cost;  /* as for password_hash() */
    unsigned kib;   /* argon2id only: memory, 19456 by default */
    unsigned lanes; /* argon2id only: 1 by default */
};

/* Would password_check() accept what this makes? ERR_INVALID names the range. */
int password_recipe_check(const struct password_recipe *recipe, struct err *e);
/* As password_hash(), with all that can be chosen. */
int password_make(const struct password_recipe *recipe, struct str password, char out[PASSWORD_HASH_MAX],
                  struct err *e);
/* How a hash was made. Fails as password_check() does. */
int password_recipe_of(struct str hash, struct password_recipe *recipe, struct err *e);

/* How many times password_verify() has hashed since the program started. */
uint64_t password_hashes_computed(void);

#endif
