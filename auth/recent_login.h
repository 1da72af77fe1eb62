/*
 * The login that a connection came with a moment ago, so that the next request with the same Authorization header
 * costs a comparison: no decoding, no table, no lock, nothing that two event loops share.
 *
 * Of the header 128 bits are kept under a key drawn when the program starts (SipHash-2-4, twice), never the header
 * itself. A login is good for a second, and only while the user file is the one that it was checked against: a user who
 * is removed or gets another password is out with his next request, as he is without this. Whoever has used up his
 * attempts (throttle.h) in the meantime learns nothing here but that what he has just shown is still good.
 *
 * Thread: that of the connection.
 */
#ifndef BERTH_AUTH_RECENT_LOGIN_H
#define BERTH_AUTH_RECENT_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/htpasswd.h"
#include "registry/base/str.h"

enum { RECENT_LOGIN_MS = 1000 };

/* All zero: there was none. */
struct recent_login {
    uint64_t tag[2];
    uint64_t generation;
    uint64_t until_ms; /* 0: none */
    char name[HTPASSWD_NAME_MAX + 1];
};

/* `header` was found right for `name`, by the users of that users_generation(), at clock_monotonic_ms(). */
void recent_login_put(struct recent_login *login, struct str header, struct str name, uint64_t generation,
                      uint64_t now_ms);
/* Is `header` the same, and still good? Then login->name is who it is. In constant time for headers of one length. */
bool recent_login_is(const struct recent_login *login, struct str header, uint64_t generation, uint64_t now_ms);

#endif
