/*
 * Four tables of one shape: what addresses have used up, what names (and pairs) have used up, pairs that have logged
 * in, and passwords on their way.
 *
 * A count is one number: the time at which it will have recovered in full. Taking an attempt moves that time on by
 * `recover_ms`, giving one back moves it towards now, and there is an attempt left as long as it is not more than the
 * burst ahead. A count whose time has come is as good as none, so nothing has to be swept. Where a table has no room,
 * the item with the smallest number goes: the count that has recovered most, the pair that was used longest ago. Of
 * passwords on their way none goes: one that finds no room is an attempt of its own.
 *
 * Locks, in the order in which they are taken: a lock of `flights`, a lock of `addresses`, a lock of `users`. The last
 * two are held while an attempt is decided, so that one refused by either takes nothing of the other. Locks of `pairs`
 * are taken alone.
 */
#include "auth/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* auth */
#include "auth/siphash.h"

/* base */
#include "registry/base/rnd.h"

enum {
    SET_BITS = 12,
    SETS = 1 << SET_BITS,
    WAYS = 8,   /* two cache lines */
    LOCKS = 64, /* power of two, at most SETS */
    MISTYPED = 4,
};

struct item {
    uint64_t tag;   /* keyed hash; 0: free */
    uint64_t value; /* milliseconds: when the count is full again, or when the pair was last used; or a number */
};

struct table {
    struct {
        pthread_mutex_t mutex;
    } __attribute__((aligned(64))) locks[LOCKS]; /* set i is guarded by lock i % LOCKS */
    struct item sets[SETS][WAYS];
};

struct throttle {
    struct throttle_limits limits;
    uint8_t key[SIPHASH_KEY_SIZE];
    struct table addresses;
    struct table users;
    struct table pairs;
    struct table flights; /* value: how many are on their way */
};

/* One side of an attempt while it is decided. */
struct side {
    struct table *table;
    uint64_t tag;
    uint64_t burst_ms; /* how far ahead of now the count may be full again */
    bool counts;

    pthread_mutex_t *held;
    struct item *item;
    uint64_t full_ms;
};

static void table_init(struct table *table)
{
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&table->locks[i].mutex, NULL);
}

static void table_destroy(struct table *table)
{
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&table->locks[i].mutex);
}

struct throttle *throttle_new(const struct throttle_limits *limits)
{
    struct throttle *throttle = aligned_alloc(64, sizeof(*throttle));

    if (throttle == NULL)
        abort();
    memset(throttle, 0, sizeof(*throttle));
    throttle->limits = *limits;
    rnd_bytes(throttle->key, sizeof(throttle->key));
    table_init(&throttle->addresses);
    table_init(&throttle->users);
    table_init(&throttle->pairs);
    table_init(&throttle->flights);
    return throttle;
}

void throttle_free(struct throttle **throttle)
{
    if (*throttle == NULL)
        return;
    table_destroy(&(*throttle)->flights);
    table_destroy(&(*throttle)->pairs);
    table_destroy(&(*throttle)->users);
    table_destroy(&(*throttle)->addresses);
    free(*throttle);
    *throttle = NULL;
}

static uint64_t tag_of(const struct throttle *throttle, const void *bytes, size_t n)
{
    return siphash(throttle->key, bytes, n) | 1; /* the set comes from the other end */
}

/* An IPv4 address is an IPv6 address with a prefix of 96 bits that it shares with all the others. */
static uint64_t address_tag(const struct throttle *throttle, const struct network_address *from)
{
    return from->known ? tag_of(throttle, from->bytes, network_address_is_ipv4(from) ? 16 : 8) : 0;
}

static uint64_t tag_of_two(const struct throttle *throttle, uint64_t a, uint64_t b)
{
    const uint64_t tags[2] = {a, b};

    return tag_of(throttle, tags, sizeof(tags));
}

/* Lock the set that `tag` belongs to and give its item, or the one to put it into when there is none. */
static struct item *lock_item(struct table *table, uint64_t tag, pthread_mutex_t **held)
{
    size_t index = tag >> (64 - SET_BITS);
    struct item *set = table->sets[index], *place = &set[0];

    *held = &table->locks[index % LOCKS].mutex;
    pthread_mutex_lock(*held);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].tag == tag)
            return &set[i];
        if (set[i].value < place->value)
            place = &set[i];
    }
    return place;
}

static bool remembered(struct throttle *throttle, uint64_t pair)
{
    pthread_mutex_t *held;
    bool found = lock_item(&throttle->pairs, pair, &held)->tag == pair;

    pthread_mutex_unlock(held);
    return found;
}

static void remember(struct throttle *throttle, uint64_t pair, uint64_t now_ms)
{
    pthread_mutex_t *held;
    struct item *item = lock_item(&throttle->pairs, pair, &held);

    *item = (struct item){pair, now_ms};
    pthread_mutex_unlock(held);
}

/* Lock the side's set and see how much it has used up. */
static void enter(struct side *side, uint64_t now_ms)
{
    if (!side->counts)
        return;
    side->item = lock_item(side->table, side->tag, &side->held);
    side->full_ms = side->item->tag == side->tag && side->item->value > now_ms ? side->item->value : now_ms;
}

/* Milliseconds until the side has an attempt to give. */
static uint64_t lacking(const struct side *side, uint64_t recover_ms, uint64_t now_ms)
{
    uint64_t after = side->full_ms + recover_ms, bound = now_ms + side->burst_ms;

    return side->counts && after > bound ? after - bound : 0;
}

/* Has the side more attempts out than somebody who mistypes? */
static bool is_suspect(const struct side *side, uint64_t recover_ms, uint64_t now_ms)
{
    return side->counts && side->full_ms - now_ms >= MISTYPED * recover_ms;
}

static void spend(struct side *side, uint64_t recover_ms)
{
    if (side->counts)
        *side->item = (struct item){side->tag, side->full_ms + recover_ms};
}

static void leave(struct side *side)
{
    if (side->counts)
        pthread_mutex_unlock(side->held);
}

/* Who is asking, and which counts hold him. */
struct caller {
    struct throttle_attempt attempt;
    struct side address;
    struct side name; /* of the name everywhere, or of the pair */
};

static void identify(struct throttle *throttle, const struct network_address *from, struct str user,
                     struct caller *caller)
{
    struct throttle_attempt *attempt = &caller->attempt;
    uint64_t recover_ms = throttle->limits.recover_ms;

    *attempt = (struct throttle_attempt){.address = address_tag(throttle, from), .known = from->known};
    attempt->user = tag_of(throttle, user.p, user.n);
    attempt->pair = tag_of_two(throttle, attempt->address, attempt->user);
    attempt->of_pair = from->known && remembered(throttle, attempt->pair);
    attempt->of_user = !attempt->of_pair;
    attempt->of_address = from->known && !attempt->of_pair;
    caller->address = (struct side){.table = &throttle->addresses,
                                    .tag = attempt->address,
                                    .burst_ms = throttle->limits.address_burst * recover_ms,
                                    .counts = attempt->of_address};
    caller->name = (struct side){.table = &throttle->users,
                                 .tag = attempt->of_pair ? attempt->pair : attempt->user,
                                 .burst_ms = throttle->limits.user_burst * recover_ms,
                                 .counts = true};
}

/* Look at the counts, and with `take` spend one of each when there is one. Returns milliseconds to wait. */
static uint64_t decide(struct caller *caller, uint64_t recover_ms, uint64_t now_ms, bool take)
{
    struct side *address = &caller->address, *name = &caller->name;
    uint64_t wait_ms, name_wait_ms;

    enter(address, now_ms);
    enter(name, now_ms);
    wait_ms = lacking(address, recover_ms, now_ms);
    name_wait_ms = lacking(name, recover_ms, now_ms);
    wait_ms = wait_ms > name_wait_ms ? wait_ms : name_wait_ms;
    caller->attempt.suspect = is_suspect(address, recover_ms, now_ms) || is_suspect(name, recover_ms, now_ms);
    if (wait_ms == 0 && take) {
        spend(address, recover_ms);
        spend(name, recover_ms);
    }
    leave(name);
    leave(address);
    return wait_ms;
}

static unsigned in_seconds(uint64_t ms)
{
    return (unsigned)((ms + 999) / 1000);
}

unsigned throttle_ask(struct throttle *throttle, const struct network_address *from, struct str user, uint64_t now_ms,
                      bool *paired)
{
    struct caller caller;

    identify(throttle, from, user, &caller);
    *paired = caller.attempt.of_pair;
    return in_seconds(decide(&caller, throttle->limits.recover_ms, now_ms, false));
}

unsigned throttle_take(struct throttle *throttle, const struct network_address *from, struct str user,
                       struct str password, uint64_t now_ms, struct throttle_attempt *attempt)
{
    struct caller caller;
    pthread_mutex_t *held;
    struct item *flight;
    uint64_t wait_ms;
    bool joins, room;

    identify(throttle, from, user, &caller);
    *attempt = caller.attempt;
    attempt->credential = tag_of_two(throttle, attempt->user, tag_of(throttle, password.p, password.n));
    flight = lock_item(&throttle->flights, attempt->credential, &held);
    joins = flight->tag == attempt->credential && flight->value > 0;
    room = joins || flight->value == 0;
    wait_ms = decide(&caller, throttle->limits.recover_ms, now_ms, !joins);
    attempt->suspect = caller.attempt.suspect;
    attempt->in_flight = room && (joins || wait_ms == 0);
    attempt->joined = joins;
    if (joins)
        attempt->of_address = attempt->of_user = attempt->of_pair = false;
    if (attempt->in_flight)
        *flight = (struct item){attempt->credential, flight->value + 1};
    pthread_mutex_unlock(held);
    return joins ? 0 : in_seconds(wait_ms);
}

/* A count that has been forgotten meanwhile has nothing to get back. */
static void give_back(struct table *table, uint64_t tag, uint64_t recover_ms)
{
    pthread_mutex_t *held;
    struct item *item = lock_item(table, tag, &held);

    if (item->tag == tag)
        item->value -= item->value < recover_ms ? item->value : recover_ms;
    pthread_mutex_unlock(held);
}

void throttle_failed(struct throttle *throttle, const struct throttle_attempt *attempt)
{
    pthread_mutex_t *held;
    struct item *flight;

    if (!attempt->in_flight)
        return;
    flight = lock_item(&throttle->flights, attempt->credential, &held);
    if (flight->tag == attempt->credential && --flight->value == 0)
        flight->tag = 0;
    pthread_mutex_unlock(held);
}

void throttle_return(struct throttle *throttle, const struct throttle_attempt *attempt)
{
    if (attempt->of_address)
        give_back(&throttle->addresses, attempt->address, throttle->limits.recover_ms);
    if (attempt->of_user)
        give_back(&throttle->users, attempt->user, throttle->limits.recover_ms);
    if (attempt->of_pair)
        give_back(&throttle->users, attempt->pair, throttle->limits.recover_ms);
    throttle_failed(throttle, attempt);
}

void throttle_passed(struct throttle *throttle, const struct throttle_attempt *attempt, uint64_t now_ms)
{
    throttle_return(throttle, attempt);
    if (attempt->known)
        remember(throttle, attempt->pair, now_ms);
}

void throttle_remember(struct throttle *throttle, const struct network_address *from, struct str user, uint64_t now_ms)
{
    struct caller caller;

    if (!from->known)
        return;
    identify(throttle, from, user, &caller);
    remember(throttle, caller.attempt.pair, now_ms);
}

/* Sets that have a lock in common are looked at together. */
static size_t count_exhausted(struct table *table, uint64_t burst_ms, uint64_t recover_ms, uint64_t now_ms)
{
    size_t n = 0;

    for (size_t lock = 0; lock < LOCKS; lock++) {
        pthread_mutex_lock(&table->locks[lock].mutex);
        for (size_t i = lock; i < SETS; i += LOCKS)
            for (size_t way = 0; way < WAYS; way++)
                n += table->sets[i][way].tag != 0 && table->sets[i][way].value + recover_ms > now_ms + burst_ms;
        pthread_mutex_unlock(&table->locks[lock].mutex);
    }
    return n;
}

void throttle_count(struct throttle *throttle, uint64_t now_ms, size_t *addresses, size_t *names)
{
    const struct throttle_limits *limits = &throttle->limits;
    uint64_t recover_ms = limits->recover_ms;

    *addresses = count_exhausted(&throttle->addresses, limits->address_burst * recover_ms, recover_ms, now_ms);
    *names = count_exhausted(&throttle->users, limits->user_burst * recover_ms, recover_ms, now_ms);
}
