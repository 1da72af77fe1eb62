/*
 * How often may a password be tried? Failed logins are counted per client address and per user name.
 *
 * An attempt is taken from both before the password is hashed, and given back when it was right: a thousand tries at
 * the same time cannot all pass before the first failure is known. What is taken comes back one at a time.
 *
 *   - IPv4 addresses count one by one, IPv6 addresses by their /64 (what one customer gets), unknown addresses (a Unix
 *     socket) not at all: there only the name counts.
 *   - Nobody can lock somebody else out by guessing at his name: an address from which that user has logged in since
 *     the start of the server (some 32,768 such pairs are kept) is held to the address's count only.
 *   - Whether a name exists plays no part.
 *   - Names and addresses are not kept, only 64 bits of them under a random key (SipHash-2-4).
 *
 * Memory is fixed (about 1.5 MiB), whatever a client sends. When more callers fail at once than there is room for, the
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

/* What throttle_take() took, to be handed to throttle_passed(); plain data that may be copied or forgotten. */
struct throttle_attempt {
    uint64_t address;
    uint64_t user;
    bool of_address; /* false: not known */
    bool of_user;    /* false: the pair is remembered */
    bool suspect;    /* the address or the name has more tries out or failed than one mistypes: others go first */
};

struct throttle;

/* `limits` is copied. */
struct throttle *throttle_new(const struct throttle_limits *limits);
void throttle_free(struct throttle **throttle);

/* Before a password is hashed: may this caller try? 0: go ahead, one attempt is taken and `attempt` filled. Otherwise
 * the seconds after which it will be worth trying again (Retry-After): at least 1, at most recover_ms rounded up, and
 * nothing is taken. */
unsigned throttle_take(struct throttle *throttle, const struct network_address *from, struct str user, uint64_t now_ms,
                       struct throttle_attempt *attempt);

/* The password was not looked at after all: give back what was taken. At most once for an attempt. */
void throttle_return(struct throttle *throttle, const struct throttle_attempt *attempt);

/* The password was right: give back what was taken, and remember address and user as a pair. For a wrong one nothing is
 * to be called. At most once for an attempt. */
void throttle_passed(struct throttle *throttle, const struct throttle_attempt *attempt, uint64_t now_ms);

/* The password was known to be right without an attempt (users_recall()): remember address and user as a pair, so that
 * an address which never had to have its password hashed is not locked out, either. A tenth of a microsecond. */
void throttle_remember(struct throttle *throttle, const struct network_address *from, struct str user, uint64_t now_ms);

#endif
