#include "storage/pin.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 64 };

struct shard {
    pthread_mutex_t lock; /* guards what follows, and `linked` and `next` of the pins in it */
    pthread_cond_t released;
    struct pin *pins;
};

struct pins {
    struct shard shards[SHARDS];
};

/* Digests are evenly spread: any byte will do. */
static struct shard *shard_of(struct pins *pins, const struct digest *d)
{
    return &pins->shards[d->raw[0] % SHARDS];
}

struct pins *pins_new(void)
{
    struct pins *pins = xcalloc(1, sizeof(*pins));

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&pins->shards[i].lock, NULL);
        pthread_cond_init(&pins->shards[i].released, NULL);
    }
    return pins;
}

void pins_free(struct pins **pins)
{
    if (*pins == NULL)
        return;
    for (int i = 0; i < SHARDS; i++) {
        pthread_cond_destroy(&(*pins)->shards[i].released);
        pthread_mutex_destroy(&(*pins)->shards[i].lock);
    }
    free(*pins);
    *pins = NULL;
}

/* Is `d` claimed, or (`or_held`) anything at all? */
static bool is_taken(const struct shard *shard, const struct digest *d, bool or_held)
{
    for (const struct pin *pin = shard->pins; pin != NULL; pin = pin->next)
        if ((pin->claims || or_held) && digest_equal(&pin->digest, d))
            return true;
    return false;
}

static void link_in(struct shard *shard, struct pin *pin, const struct digest *d, bool claims)
{
    *pin = (struct pin){.digest = *d, .claims = claims, .linked = true, .next = shard->pins};
    shard->pins = pin;
}

void pin_hold(struct pins *pins, struct pin *pin, const struct digest *d)
{
    struct shard *shard = shard_of(pins, d);

    pthread_mutex_lock(&shard->lock);
    while (is_taken(shard, d, false))
        pthread_cond_wait(&shard->released, &shard->lock);
    link_in(shard, pin, d, false);
    pthread_mutex_unlock(&shard->lock);
}

bool pin_claim(struct pins *pins, struct pin *pin, const struct digest *d)
{
    struct shard *shard = shard_of(pins, d);
    bool is_free;

    pthread_mutex_lock(&shard->lock);
    is_free = !is_taken(shard, d, true);
    if (is_free)
        link_in(shard, pin, d, true);
    pthread_mutex_unlock(&shard->lock);
    return is_free;
}

void pin_drop(struct pins *pins, struct pin *pin)
{
    struct shard *shard;
    struct pin **place;

    if (!pin->linked)
        return;
    shard = shard_of(pins, &pin->digest);
    pthread_mutex_lock(&shard->lock);
    for (place = &shard->pins; *place != pin; place = &(*place)->next)
        ;
    *place = pin->next;
    pin->linked = false;
    if (pin->claims)
        pthread_cond_broadcast(&shard->released);
    pthread_mutex_unlock(&shard->lock);
}
