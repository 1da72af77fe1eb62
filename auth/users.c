/*
 * The user file in force, and what it takes to follow it while it changes.
 *
 * Answering: users_recall() and users_verify() copy what they need out of the table under a read lock and work on the
 * copy. A name that does not exist is checked against the entry of another user, always the same, and the outcome
 * thrown away, so that it costs what a wrong password costs. Requests under way when the file changes are answered by
 * the file they started with.
 *
 * Following is registry/base/follow.h's: users_refresh() parses outside the lock and swaps one pointer under it.
 * Whatever is wrong with the file, the table before it stays in force.
 *
 * A pass is made over the hash of the entry in force, and checked against the hash of the entry in force.
 */
#include "auth/users.h"

#include <assert.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* auth */
#include "auth/bearer.h"
#include "auth/credential_cache.h"
#include "auth/flight.h"
#include "auth/htpasswd.h"
#include "auth/password.h"
#include "auth/siphash.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"
#include "registry/base/follow.h"
#include "registry/base/log.h"
#include "registry/base/rnd.h"

enum {
    REMEMBERED_MS = 10 * 60 * 1000, /* then a password is hashed again */
    FIRST_PASSWORD = 24,            /* characters: 139 bits */
};

static_assert((int)BEARER_NAME_MAX == (int)HTPASSWD_NAME_MAX, "a pass names any user");

struct users {
    char *path;
    struct credential_cache *cache; /* has its own locks */
    struct flights *flights;        /* has its own lock */
    struct bearer *bearer;          /* never changes */
    uint8_t key[SIPHASH_KEY_SIZE];  /* never changes; decides who stands in for whom */

    pthread_rwlock_t lock; /* guards the pointer and, for readers, the life of what it points to */
    struct htpasswd *table;
    _Atomic uint64_t generation; /* of the table; counted up after it was replaced */

    struct followed *file; /* of the thread that calls users_refresh() only */
};

/* What a password is to be checked against, copied out of the table. */
struct target {
    bool known; /* false: a stand-in, whatever it yields is thrown away */
    struct str hash;
    char room[PASSWORD_HASH_MAX];
};

/* Put the file's users in force. */
static int adopt(void *argument, struct str text, struct err *e)
{
    struct users *users = argument;
    struct htpasswd *table = htpasswd_parse(users->path, text, e);
    struct htpasswd *old;

    if (table == NULL)
        return -1;
    pthread_rwlock_wrlock(&users->lock);
    old = users->table;
    users->table = table;
    atomic_fetch_add(&users->generation, 1);
    pthread_rwlock_unlock(&users->lock);
    htpasswd_free(&old);
    return 0;
}

static const struct follow_kind user_file = {
    .what = "user file",
    .keeps = "the users known before stay in force",
    .limit = HTPASSWD_FILE_MAX,
    .finished = follow_ends_in_newline,
    .adopt = adopt,
};

/* A server that is started before anybody made a user file gets one, as distribution does. That its password is logged,
 * once, is the one exception to "no secrets in logs": nobody could log in otherwise. */
static int create_file(const char *path, struct err *e)
{
    char password[FIRST_PASSWORD + 1], hash[PASSWORD_HASH_MAX];
    char *directory = str_dup(str_of(path));
    struct sbuf line = {0};
    int rc = -1;

    rnd_password(password, FIRST_PASSWORD);
    if (password_hash(PASSWORD_BCRYPT, PASSWORD_COST_DEFAULT, str_of(password), hash, e) != 0)
        goto done;
    sbuf_printf(&line, "docker:%s\n", hash);
    if (file_mkdirs(dirname(directory), 0700, e) != 0 || file_replace(path, line.p, line.n, 0600, e) != 0)
        goto done;
    log_fields(
        LOG_LEVEL_WARN,
        (struct log_field[]){{"path", str_of(path)}, {"user", STR("docker")}, {"password", str_of(password)}}, 3,
        "the user file was missing and has been made with one user; change its password with \"berth-user passwd\"");
    rc = 0;
done:
    explicit_bzero(password, sizeof(password));
    sbuf_free(&line);
    free(directory);
    return rc;
}

static int read_first(struct users *users, struct err *e)
{
    if (follow_first(users->file, e) == 0)
        return 0;
    if (e->code != ERR_NOT_FOUND)
        return -1;
    if (create_file(users->path, e) != 0)
        return err_wrap(e, "make the user file");
    return follow_first(users->file, e);
}

struct users *users_open(const char *path, struct err *e)
{
    struct users *users = xcalloc(1, sizeof(*users));
    pthread_rwlockattr_t attributes;
    struct err local = {0};

    e = e == NULL ? &local : e;
    rnd_bytes(users->key, sizeof(users->key));
    users->path = str_dup(str_of(path));
    users->cache = credential_cache_new(REMEMBERED_MS);
    users->flights = flights_new();
    users->bearer = bearer_new();
    users->file = follow_new(path, &user_file, users);
    pthread_rwlockattr_init(&attributes);
    /* A steady stream of readers must not keep a removed user in force. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&users->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    if (read_first(users, e) != 0)
        users_close(&users);
    return users;
}

void users_close(struct users **users)
{
    struct users *u = *users;

    if (u == NULL)
        return;
    htpasswd_free(&u->table);
    pthread_rwlock_destroy(&u->lock);
    follow_free(&u->file);
    bearer_free(&u->bearer);
    flights_free(&u->flights);
    credential_cache_free(&u->cache);
    free(u->path);
    free(u);
    *users = NULL;
}

bool users_refresh(struct users *users, bool force)
{
    return follow_refresh(users->file, force);
}

uint64_t users_generation(const struct users *users)
{
    return atomic_load(&users->generation);
}

/* Take what `name` is to be checked against. False when no name can be right, because there is no user at all. */
static bool take_target(struct users *users, struct str name, struct target *target)
{
    const struct htpasswd_entry *entry;

    pthread_rwlock_rdlock(&users->lock);
    entry = htpasswd_find(users->table, name);
    target->known = entry != NULL;
    if (entry == NULL)
        entry = htpasswd_stand_in(users->table, users->key, name);
    if (entry != NULL) {
        memcpy(target->room, entry->hash.p, entry->hash.n); /* password_check() bounds it */
        target->hash = (struct str){target->room, entry->hash.n};
    }
    pthread_rwlock_unlock(&users->lock);
    return entry != NULL;
}

/* What decides without a look at any secret of ours: neither tells an existing name from another. */
static bool hopeless(struct str name, struct str password)
{
    return name.n == 0 || name.n > HTPASSWD_NAME_MAX || !password_possible(password);
}

enum verdict users_recall(struct users *users, struct str name, struct str password)
{
    struct target target;
    struct credential_key key;
    bool remembered;

    if (hopeless(name, password) || !take_target(users, name, &target))
        return VERDICT_NO;
    credential_key_make(&key, name, password, target.hash);
    remembered = credential_cache_has(users->cache, &key, clock_monotonic_ms());
    return remembered && target.known ? VERDICT_YES : VERDICT_UNKNOWN;
}

struct attempt {
    struct users *users;
    struct target target;
    struct str password;
    struct credential_key key;
};

/* Hash, and remember what was right before others stop waiting for this answer: who comes later finds it. */
static bool check(void *argument)
{
    struct attempt *a = argument;
    struct err e;
    bool matches;

    if (a->target.known && credential_cache_has(a->users->cache, &a->key, clock_monotonic_ms()))
        return true;
    if (password_verify(a->target.hash, a->password, &matches, &e) != 0) {
        log_error("cannot check a password: %s", e.text);
        return false;
    }
    if (!matches || !a->target.known)
        return false;
    credential_cache_put(a->users->cache, &a->key, clock_monotonic_ms());
    return true;
}

enum verdict users_verify(struct users *users, struct str name, struct str password)
{
    struct attempt attempt = {.users = users, .password = password};

    if (hopeless(name, password) || !take_target(users, name, &attempt.target))
        return VERDICT_NO;
    credential_key_make(&attempt.key, name, password, attempt.target.hash);
    return flights_join(users->flights, &attempt.key, check, &attempt) ? VERDICT_YES : VERDICT_NO;
}

int users_issue(struct users *users, struct str name, uint64_t now_s, uint32_t lifetime_s, struct sbuf *out,
                struct err *e)
{
    struct target target = {0};

    if (name.n > 0 && (!take_target(users, name, &target) || !target.known))
        return err_set(e, ERR_NOT_FOUND, "%s: there is no such user any more; log in again", users->path);
    return bearer_issue(users->bearer, name, target.hash, now_s, lifetime_s, out, e);
}

bool users_admit(struct users *users, struct str pass, uint64_t now_s, char name[HTPASSWD_NAME_MAX + 1])
{
    struct bearer_claim claim;
    struct target target = {0};
    bool anonymous, genuine;

    name[0] = '\0';
    if (!bearer_open(pass, &claim))
        return false;
    anonymous = claim.name[0] == '\0';
    if (!anonymous)
        take_target(users, str_of(claim.name), &target);
    /* Checked for a name that does not exist, too: whether it does is nothing that the time may tell. */
    genuine = bearer_check(users->bearer, &claim, target.hash, now_s);
    if (!genuine || (!anonymous && !target.known))
        return false;
    strcpy(name, claim.name);
    return true;
}
