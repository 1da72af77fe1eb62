/*
 * How often may a password be tried? Failed logins are counted per client address and per user name.
 *
 *   ask ── exhausted ─▶ 429, nothing was looked at
 *    └─ the password is remembered ─▶ in
 *        └─ take ─ exhausted ─▶ 429
 *             └─ hash ─ right ─▶ passed: given back, address and name are a pair     wrong ─▶ failed: spent
 *
 * An attempt is taken before the password is hashed, and given back when it was right: a thousand tries at the same
 * time cannot all pass before the first failure is known. What is spent comes back one at a time.
 *
 *   - IPv4 addresses count one by one, IPv6 addresses by their /64 (what one customer gets), unknown addresses (a Unix
 *     socket) not at all: there only the name counts.
 *   - Nobody can lock somebody else out by guessing: an address from which that user has logged in since the start of
 *     the server (some 32,768 such pairs are kept) has a count of its own with that user, and only that one holds it.
 *   - Who has used up his attempts learns nothing any more, not even whether a password is remembered.
 *   - The same name and password on their way at the same time are one attempt: whole farms log in at once.
 *   - Whether a name exists plays no part.
 *   - Names, passwords and addresses are not kept, only 64 bits of them under a random key (SipHash-2-4).
 *
 * Memory is fixed (about 2 MiB), whatever a client sends. When more callers fail at once than there is room for, the
 * one that has recovered most is forgotten. An attacker who wants his own count, or that of a name, forgotten must use
 * up the attempts of eight others that fall into the same one of 4096 sets; since he cannot know which do, that is
 * some 32,768 addresses or names with all their attempts, for one more burst. An address that is new is worth as much.
 *
 * Thread: any, all functions at once, except new and free. Never blocks for longer than a comparison of sixteen words:
 * event loops may call it. Times are clock_monotonic_ms().
 */
#ifndef BERTH_AUTH_THROTTLE_H
#define BERTH_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/network.h"
#include "registry/base/str.h"

/* Each at least 1. */
struct throttle_limits {
    unsigned address_burst; /* attempts that an address has when it has not failed lately */
    unsigned user_burst;    /* the same for a name */
    unsigned recover_ms;    /* one attempt comes back each */
};

/* What throttle_take() took, to be handed to the function that tells how it ended; plain data that may be copied. */
struct throttle_attempt {
    uint64_t address; /* keyed hashes of both, of the pair, and of name and password */
    uint64_t user;
    uint64_t pair;
    uint64_t credential;
    bool of_address; /* what it was taken from; of nothing when another one is on its way with the same password */
    bool of_user;
    bool of_pair;
    bool in_flight; /* it is one of those on their way with this password */
    bool joined;    /* and not the first: it will be cheap */
    bool known;     /* the address is known, so that it can make a pair */
    bool suspect;   /* has more attempts out or failed than somebody who mistypes: others go first */
};

struct throttle;

/* `limits` is copied. */
struct throttle *throttle_new(const struct throttle_limits *limits);
void throttle_free(struct throttle **throttle);

/* Before a password is looked at in any way: has this caller attempts left? 0, or the seconds after which he has one
 * (Retry-After): at least 1, at most recover_ms rounded up. `paired` tells whether address and user are a pair. A tenth
 * of a microsecond. */
unsigned throttle_ask(struct throttle *throttle, const struct network_address *from, struct str user, uint64_t now_ms,
                      bool *paired);

/* Before it is hashed: 0: go ahead, one attempt is taken and `attempt` filled; exactly one of the three functions below
 * is to follow. Otherwise seconds as above, and nothing is taken. */
unsigned throttle_take(struct throttle *throttle, const struct network_address *from, struct str user,
                       struct str password, uint64_t now_ms, struct throttle_attempt *attempt);

/* The password was right: give back what was taken, and make address and user a pair. */
void throttle_passed(struct throttle *throttle, const struct throttle_attempt *attempt, uint64_t now_ms);
/* It was wrong. */
void throttle_failed(struct throttle *throttle, const struct throttle_attempt *attempt);
/* It was not looked at after all: give back what was taken. */
void throttle_return(struct throttle *throttle, const struct throttle_attempt *attempt);

/* The password was known to be right without an attempt (users_recall()): make address and user a pair, so that an
 * address which never had to have its password hashed is not locked out, either. */
void throttle_remember(struct throttle *throttle, const struct network_address *from, struct str user, uint64_t now_ms);

/* How many addresses, and how many names (those of pairs among them), have no attempt left at this time. Looks at all
 * 65,536 places, a little at a time: a tenth of a millisecond. */
void throttle_count(struct throttle *throttle, uint64_t now_ms, size_t *addresses, size_t *names);

#endif
