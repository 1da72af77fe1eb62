#include "storage/upload_census.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "storage/upload.h"

enum { BUCKETS = 4096 };

/* A repository that has sessions. */
struct tally {
    struct tally *next;
    size_t sessions;
    size_t length;
    char name[];
};

struct counted {
    struct counted *next;
    struct tally *tally;
    char id[UPLOAD_ID_LENGTH];
};

struct upload_census {
    struct upload_limits limits;
    pthread_mutex_t lock; /* guards what follows */
    size_t total;
    struct counted *sessions[BUCKETS];
    struct tally *tallies[BUCKETS];
};

struct upload_census *census_new(void)
{
    struct upload_census *census = xcalloc(1, sizeof(*census));

    census->limits = (struct upload_limits){SIZE_MAX, SIZE_MAX};
    pthread_mutex_init(&census->lock, NULL);
    return census;
}

void census_free(struct upload_census **census)
{
    if (*census == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct counted *c = (*census)->sessions[i], *next; c != NULL; c = next) {
            next = c->next;
            free(c);
        }
        for (struct tally *t = (*census)->tallies[i], *next; t != NULL; t = next) {
            next = t->next;
            free(t);
        }
    }
    pthread_mutex_destroy(&(*census)->lock);
    free(*census);
    *census = NULL;
}

void census_limit(struct upload_census *census, const struct upload_limits *limits)
{
    census->limits = *limits;
}

/* FNV-1a, 64 bits. Ids are random and names bounded by the number of sessions: nobody gains by aiming at one bucket. */
static size_t bucket_of(const char *bytes, size_t n)
{
    uint64_t hash = 14695981039346656037ULL;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211ULL;
    return hash % BUCKETS;
}

static struct counted **find_session(struct upload_census *census, const char *id)
{
    struct counted **link = &census->sessions[bucket_of(id, UPLOAD_ID_LENGTH)];

    while (*link != NULL && memcmp((*link)->id, id, UPLOAD_ID_LENGTH) != 0)
        link = &(*link)->next;
    return link;
}

static struct tally **find_tally(struct upload_census *census, struct str name)
{
    struct tally **link = &census->tallies[bucket_of(name.p, name.n)];

    while (*link != NULL && !str_eq((struct str){(*link)->name, (*link)->length}, name))
        link = &(*link)->next;
    return link;
}

/* Under the lock, for a session that is not counted. */
static void count(struct upload_census *census, struct counted **place, const char *id, struct str repository)
{
    struct tally **link = find_tally(census, repository);
    struct counted *session = xcalloc(1, sizeof(*session));

    if (*link == NULL) {
        *link = xcalloc(1, sizeof(**link) + repository.n);
        (*link)->length = repository.n;
        memcpy((*link)->name, repository.p, repository.n);
    }
    (*link)->sessions++;
    session->tally = *link;
    memcpy(session->id, id, UPLOAD_ID_LENGTH);
    *place = session;
    census->total++;
}

static int check(struct upload_census *census, struct str repository, struct err *e)
{
    const struct tally *tally = *find_tally(census, repository);

    if (census->total >= census->limits.total)
        return err_set(e, ERR_TOO_MANY,
                       "the registry has %zu unfinished uploads, as many as it may have; finish or cancel some "
                       "(storage.limits.uploads)",
                       census->total);
    if (tally != NULL && tally->sessions >= census->limits.per_repository)
        return err_set(e, ERR_TOO_MANY,
                       "this repository has %zu unfinished uploads, as many as it may have; finish or cancel some "
                       "(storage.limits.uploadsperrepository)",
                       tally->sessions);
    return 0;
}

int census_enter(struct upload_census *census, const char *id, struct str repository, struct err *e)
{
    int rc;

    pthread_mutex_lock(&census->lock);
    rc = check(census, repository, e);
    if (rc == 0)
        count(census, find_session(census, id), id, repository);
    pthread_mutex_unlock(&census->lock);
    return rc;
}

void census_add(struct upload_census *census, const char *id, struct str repository)
{
    struct counted **place;

    pthread_mutex_lock(&census->lock);
    place = find_session(census, id);
    if (*place == NULL)
        count(census, place, id, repository);
    pthread_mutex_unlock(&census->lock);
}

static void drop_tally(struct upload_census *census, struct tally *tally)
{
    struct tally **link = find_tally(census, (struct str){tally->name, tally->length});

    *link = tally->next;
    free(tally);
}

void census_remove(struct upload_census *census, const char *id)
{
    struct counted **place, *session;

    pthread_mutex_lock(&census->lock);
    place = find_session(census, id);
    session = *place;
    if (session != NULL) {
        *place = session->next;
        if (--session->tally->sessions == 0)
            drop_tally(census, session->tally);
        free(session);
        census->total--;
    }
    pthread_mutex_unlock(&census->lock);
}

size_t census_total(struct upload_census *census)
{
    size_t total;

    pthread_mutex_lock(&census->lock);
    total = census->total;
    pthread_mutex_unlock(&census->lock);
    return total;
}
