#include "registry/net/crowd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/siphash.h"
#include "registry/base/rnd.h"
#include "registry/base/str.h"

enum { BUCKETS = 4096, IPV6_PREFIX_BYTES = 8, LOOPBACK_NET = 127, IPV4_AT = 12 };

/* An address that has connections. Two that share a keyed hash of 64 bits share their limit. */
struct guest {
    uint64_t tag;
    size_t connections;
    struct guest *next;
};

struct crowd {
    size_t most;
    size_t per_address;
    uint8_t key[SIPHASH_KEY_SIZE]; /* nobody can aim at one bucket */
    atomic_size_t connections;     /* written under the lock */
    pthread_mutex_t lock;          /* guards what follows, and the waiters' fields */
    struct guest *buckets[BUCKETS];
    struct crowd_waiter *waiters;
};

struct crowd *crowd_new(size_t most, size_t per_address)
{
    struct crowd *crowd = xcalloc(1, sizeof(*crowd));

    crowd->most = most;
    crowd->per_address = per_address;
    rnd_bytes(crowd->key, sizeof(crowd->key));
    pthread_mutex_init(&crowd->lock, NULL);
    return crowd;
}

void crowd_free(struct crowd **crowd)
{
    if (*crowd == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while ((*crowd)->buckets[i] != NULL) {
            struct guest *guest = (*crowd)->buckets[i];

            (*crowd)->buckets[i] = guest->next;
            free(guest);
        }
    }
    pthread_mutex_destroy(&(*crowd)->lock);
    free(*crowd);
    *crowd = NULL;
}

static bool is_this_machine(const struct network_address *from)
{
    static const uint8_t loopback[16] = {[15] = 1};

    return network_address_is_ipv4(from) ? from->bytes[IPV4_AT] == LOOPBACK_NET
                                         : memcmp(from->bytes, loopback, sizeof(loopback)) == 0;
}

static bool is_limited(const struct network_address *from)
{
    return from->known && !is_this_machine(from);
}

/* Where the guest is linked in, or where it would be. */
static struct guest **find(struct crowd *crowd, const struct network_address *from, uint64_t *tag)
{
    size_t n = network_address_is_ipv4(from) ? sizeof(from->bytes) : IPV6_PREFIX_BYTES;
    struct guest **link;

    *tag = siphash(crowd->key, from->bytes, n);
    link = &crowd->buckets[*tag % BUCKETS];
    while (*link != NULL && (*link)->tag != *tag)
        link = &(*link)->next;
    return link;
}

/* False: there are as many as there may be from there. */
static bool count_guest(struct crowd *crowd, const struct network_address *from)
{
    uint64_t tag;
    struct guest **link = find(crowd, from, &tag);

    if (*link == NULL) {
        *link = xcalloc(1, sizeof(**link));
        (*link)->tag = tag;
    }
    if ((*link)->connections == crowd->per_address)
        return false;
    (*link)->connections++;
    return true;
}

static void forget_guest(struct crowd *crowd, const struct network_address *from)
{
    uint64_t tag;
    struct guest **link = find(crowd, from, &tag);
    struct guest *guest = *link;

    if (guest == NULL || --guest->connections > 0)
        return;
    *link = guest->next;
    free(guest);
}

enum crowd_answer crowd_enter(struct crowd *crowd, const struct network_address *from)
{
    bool welcome;

    pthread_mutex_lock(&crowd->lock);
    welcome = !is_limited(from) || count_guest(crowd, from);
    if (welcome)
        atomic_fetch_add(&crowd->connections, 1);
    pthread_mutex_unlock(&crowd->lock);
    return welcome ? CROWD_WELCOME : CROWD_ADDRESS_FULL;
}

static void wake_all(struct crowd *crowd)
{
    while (crowd->waiters != NULL) {
        struct crowd_waiter *waiter = crowd->waiters;

        crowd->waiters = waiter->next;
        waiter->state = CROWD_WOKEN;
        waiter->wake(waiter);
    }
}

void crowd_leave(struct crowd *crowd, const struct network_address *from)
{
    if (crowd == NULL)
        return;
    pthread_mutex_lock(&crowd->lock);
    if (is_limited(from))
        forget_guest(crowd, from);
    atomic_fetch_sub(&crowd->connections, 1);
    wake_all(crowd);
    pthread_mutex_unlock(&crowd->lock);
}

bool crowd_is_full(const struct crowd *crowd, size_t spare)
{
    return crowd != NULL && atomic_load(&crowd->connections) >= crowd->most + spare;
}

size_t crowd_most(const struct crowd *crowd)
{
    return crowd->most;
}

void crowd_wait(struct crowd *crowd, struct crowd_waiter *waiter)
{
    pthread_mutex_lock(&crowd->lock);
    if (waiter->state == CROWD_ELSEWHERE) {
        waiter->state = CROWD_WAITS;
        waiter->next = crowd->waiters;
        crowd->waiters = waiter;
    }
    pthread_mutex_unlock(&crowd->lock);
}

void crowd_arrived(struct crowd *crowd, struct crowd_waiter *waiter)
{
    pthread_mutex_lock(&crowd->lock);
    if (waiter->state == CROWD_WOKEN)
        waiter->state = CROWD_ELSEWHERE;
    pthread_mutex_unlock(&crowd->lock);
}

void crowd_give_up(struct crowd *crowd, struct crowd_waiter *waiter)
{
    struct crowd_waiter **link;

    pthread_mutex_lock(&crowd->lock);
    for (link = &crowd->waiters; *link != NULL && *link != waiter; link = &(*link)->next)
        ;
    if (*link != NULL)
        *link = waiter->next;
    waiter->state = CROWD_WOKEN; /* for good */
    pthread_mutex_unlock(&crowd->lock);
}
