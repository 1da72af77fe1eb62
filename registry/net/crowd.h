/*
 * How many connections there are, in all and from each address, and who waits for one to end.
 *
 * Two limits, two answers. When there are as many connections as there may be, nobody is turned away: accepting pauses,
 * the kernel keeps who comes next in the socket's backlog, and idle connections end early (crowd_is_full(),
 * http1_timers.c), which HTTP allows at any time. An address that has as many as it may have is answered by closing:
 * to make it wait would make everybody behind it wait.
 *
 * IPv6 addresses count by /64, which is what one customer has. Clients on this machine and on a Unix socket have the
 * limit in all and no other: they are mostly a proxy that speaks for everybody, and who can log in here does not need
 * connections to be in the way.
 *
 * Thread: any. Lock: one, and no other is taken under it but what loop_post() takes.
 */
#ifndef BERTH_NET_CROWD_H
#define BERTH_NET_CROWD_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/network.h"

struct crowd;

enum crowd_answer {
    CROWD_WELCOME,
    CROWD_ADDRESS_FULL, /* close it */
};

/* Somebody who stopped accepting. Embedded in what it is about; zeroed it is ready. */
struct crowd_waiter {
    void (*wake)(struct crowd_waiter *waiter); /* under the lock: posts a message, no more */
    struct crowd_waiter *next;
    enum { CROWD_ELSEWHERE, CROWD_WAITS, CROWD_WOKEN } state;
};

/* At most `most` connections, and `per_address` of one address. */
struct crowd *crowd_new(size_t most, size_t per_address);
void crowd_free(struct crowd **crowd);

/* Count a connection from there. Only CROWD_WELCOME counts, and costs a crowd_leave(). */
enum crowd_answer crowd_enter(struct crowd *crowd, const struct network_address *from);
/* It has ended. Wakes who waits. `crowd` may be NULL: nobody counts. */
void crowd_leave(struct crowd *crowd, const struct network_address *from);

/* Are there as many as there may be, but for `spare` more? `crowd` may be NULL: never. */
bool crowd_is_full(const struct crowd *crowd, size_t spare);
size_t crowd_most(const struct crowd *crowd);

/* Wake the waiter when a connection ends. After it was woken, and before crowd_arrived(), this does nothing: it will
 * come anyway. */
void crowd_wait(struct crowd *crowd, struct crowd_waiter *waiter);
/* The message that `wake` posted has come. */
void crowd_arrived(struct crowd *crowd, struct crowd_waiter *waiter);
/* It does not wait any more; `wake` is not called after this. */
void crowd_give_up(struct crowd *crowd, struct crowd_waiter *waiter);

#endif
