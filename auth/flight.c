#include "auth/flight.h"

#include <pthread.h>
#include <stdlib.h>

/* base */
#include "registry/base/str.h"

/* One computation under way. Whoever leaves it last frees it. */
struct flight {
    struct credential_key key;
    struct flight *next;
    unsigned aboard; /* the thread that works and those that wait */
    bool landed;
    bool answer; /* valid once landed */
};

struct flights {
    pthread_mutex_t mutex; /* guards all below, and every flight */
    pthread_cond_t landing;
    struct flight *first; /* those that have not landed: at most one per worker */
};

struct flights *flights_new(void)
{
    struct flights *flights = xcalloc(1, sizeof(*flights));

    pthread_mutex_init(&flights->mutex, NULL);
    pthread_cond_init(&flights->landing, NULL);
    return flights;
}

void flights_free(struct flights **flights)
{
    if (*flights == NULL)
        return;
    pthread_cond_destroy(&(*flights)->landing);
    pthread_mutex_destroy(&(*flights)->mutex);
    free(*flights);
    *flights = NULL;
}

static struct flight *find(struct flights *flights, const struct credential_key *key)
{
    struct flight *flight = flights->first;

    while (flight != NULL && !credential_key_eq(&flight->key, key))
        flight = flight->next;
    return flight;
}

static struct flight *start(struct flights *flights, const struct credential_key *key)
{
    struct flight *flight = xcalloc(1, sizeof(*flight));

    flight->key = *key;
    flight->next = flights->first;
    flights->first = flight;
    return flight;
}

/* Those who come from now on start a flight of their own. */
static void land(struct flights *flights, struct flight *flight, bool answer)
{
    struct flight **link = &flights->first;

    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    flight->landed = true;
    flight->answer = answer;
    pthread_cond_broadcast(&flights->landing);
}

bool flights_join(struct flights *flights, const struct credential_key *key, bool (*work)(void *argument),
                  void *argument)
{
    struct flight *flight;
    bool answer;

    pthread_mutex_lock(&flights->mutex);
    flight = find(flights, key);
    if (flight != NULL) {
        flight->aboard++;
        while (!flight->landed)
            pthread_cond_wait(&flights->landing, &flights->mutex);
    } else {
        flight = start(flights, key);
        flight->aboard++;
        pthread_mutex_unlock(&flights->mutex);
        answer = work(argument);
        pthread_mutex_lock(&flights->mutex);
        land(flights, flight, answer);
    }
    answer = flight->answer;
    if (--flight->aboard == 0)
        free(flight);
    pthread_mutex_unlock(&flights->mutex);
    return answer;
}
