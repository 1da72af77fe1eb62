/*
 * Passes: what Berth gives a client that has shown who it is, so that it need not show it again for a few minutes.
 *
 * Docker answers a Basic challenge with an error when it has no credentials, even for what anybody may pull. Answered
 * with a Bearer challenge it fetches a pass, with its password when it has one and anonymously when not.
 *
 * A pass is text fit for a header: base64url (RFC 4648 §5, no padding) of
 *
 *     version 1   expires 8   n 1   name n   HMAC-SHA-256 32      bytes; numbers in network order
 *
 * The HMAC's key is drawn when the server starts. It covers everything before it and the user's password hash, which
 * the pass does not hold: a pass dies with the entry that it was made from. An anonymous pass has an empty name and
 * covers an empty hash. A pass is worth its lifetime and no more; there is nothing to revoke but the user.
 *
 * Thread: any, all functions at once, except new and free. Nothing blocks.
 */
#ifndef BERTH_AUTH_BEARER_H
#define BERTH_AUTH_BEARER_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum {
    BEARER_NAME_MAX = 255,      /* bytes */
    BEARER_TEXT_MAX = 396,      /* characters of the longest pass; a longer text is not looked at */
    BEARER_LIFETIME = 5 * 60,   /* seconds, unless configured */
    BEARER_LIFETIME_MAX = 3600, /* seconds; a pass that claims more was not made by this clock */
    BEARER_MAC_SIZE = 32,
};

struct bearer;

/* With a key of its own: passes of one are worth nothing to another. */
struct bearer *bearer_new(void);
void bearer_free(struct bearer **bearer);

/* Append a pass for `name` (empty: anonymous), whose password hash is `hash`, to `out`. `now_s` is clock_wall_s().
 * ERR_INVALID: a name over 255 bytes or with control characters, a lifetime of 0 or over BEARER_LIFETIME_MAX. */
int bearer_issue(const struct bearer *bearer, struct str name, struct str hash, uint64_t now_s, uint32_t lifetime_s,
                 struct sbuf *out, struct err *e);

/* What a pass says; not to be believed before bearer_check(). */
struct bearer_claim {
    uint64_t expires_s;
    char name[BEARER_NAME_MAX + 1]; /* terminated; empty: anonymous */
    uint8_t mac[BEARER_MAC_SIZE];
};

/* Take `pass` apart, strictly: only what bearer_issue() could have written. False leaves `out` undefined. */
bool bearer_open(struct str pass, struct bearer_claim *out);
/* Was this pass made here for a user whose hash is `hash` (anonymous: empty), and is it valid now? One HMAC, compared
 * in constant time. */
bool bearer_check(const struct bearer *bearer, const struct bearer_claim *claim, struct str hash, uint64_t now_s);

#endif
