/*
 * The user file in force, and what it takes to follow it while it changes.
 *
 * Answering: users_recall() and users_verify() copy what they need out of the table under a read lock and work on the
 * copy. A name that does not exist is checked against a typical entry and the outcome thrown away, so that it costs
 * what a wrong password costs. Requests under way when the file changes are answered by the file they started with.
 *
 * Following: users_refresh() compares what stat(2) says with the last sighting, reads the file only when that differs,
 * parses outside the lock and swaps one pointer under it. Two things need care:
 *   - A file written twice within one tick of the file system's clock can change without a change in stat(2). A
 * sighting whose file was modified less than two seconds before is not settled: the bytes are compared again next time.
 *   - A program that truncates and writes in place ("htpasswd -Bbn … > file") can be met half-way. A file that is
 * empty, or does not end in a newline, is taken only when the next refresh finds the same bytes. Whatever is wrong with
 * the file, the table before it stays in force.
 */
#include "auth/users.h"

#include <errno.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* auth */
#include "auth/credential_cache.h"
#include "auth/flight.h"
#include "auth/htpasswd.h"
#include "auth/password.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"
#include "registry/base/log.h"
#include "registry/base/rnd.h"

enum {
    REMEMBERED_MS = 10 * 60 * 1000, /* then a password is hashed again */
    SETTLED_S = 2,                  /* longer than a tick of any file system's clock (2 s on FAT) */
    FIRST_PASSWORD = 24,            /* characters: 139 bits */
};

enum judgement {
    WAITING, /* may be half-written */
    IN_FORCE,
    REFUSED, /* malformed, and logged */
};

/* The file as it was when last looked at. */
struct sighting {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    bool settled;
};

struct users {
    char *path;
    struct credential_cache *cache; /* has its own locks */
    struct flights *flights;        /* has its own lock */

    pthread_rwlock_t lock; /* guards the pointer and, for readers, the life of what it points to */
    struct htpasswd *table;

    /* Of the thread that calls users_refresh() only. */
    struct sighting seen;
    struct sbuf text; /* the bytes last read */
    enum judgement judgement;
    struct err complaint; /* why the file could not be read, so that it is logged once; empty when it can */
};

/* What a password is to be checked against, copied out of the table. */
struct target {
    bool known; /* false: a stand-in, whatever it yields is thrown away */
    struct str hash;
    char room[PASSWORD_HASH_MAX];
};

static int look(const char *path, struct sighting *s, struct err *e)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return err_errno(e, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "%s: not a regular file", path);
    *s = (struct sighting){st.st_dev, st.st_ino, st.st_size, st.st_mtim,
                           st.st_mtim.tv_sec + SETTLED_S < (time_t)clock_wall_s()};
    return 0;
}

static bool unchanged(const struct sighting *a, const struct sighting *b)
{
    return a->settled && a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

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
    if (look(users->path, &users->seen, e) != 0) {
        if (e->code != ERR_NOT_FOUND)
            return -1;
        if (create_file(users->path, e) != 0)
            return err_wrap(e, "make the user file");
        if (look(users->path, &users->seen, e) != 0)
            return -1;
    }
    if (file_read(users->path, HTPASSWD_FILE_MAX, &users->text, e) != 0)
        return -1;
    users->table = htpasswd_parse(users->path, (struct str){users->text.p, users->text.n}, e);
    users->judgement = IN_FORCE;
    return users->table == NULL ? -1 : 0;
}

struct users *users_open(const char *path, struct err *e)
{
    struct users *users = xcalloc(1, sizeof(*users));
    pthread_rwlockattr_t attributes;
    struct err local = {0};

    e = e == NULL ? &local : e;
    users->path = str_dup(str_of(path));
    users->cache = credential_cache_new(REMEMBERED_MS);
    users->flights = flights_new();
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
    sbuf_free(&u->text);
    htpasswd_free(&u->table);
    pthread_rwlock_destroy(&u->lock);
    flights_free(&u->flights);
    credential_cache_free(&u->cache);
    free(u->path);
    free(u);
    *users = NULL;
}

/* Log what keeps the file from being read, unless that was the last thing logged about it. */
static void complain(struct users *users, const struct err *e)
{
    if (strcmp(users->complaint.text, e->text) != 0)
        log_error("user file: %s; the users known before stay in force", e->text);
    users->complaint = *e;
}

static bool adopt(struct users *users)
{
    struct err e;
    struct htpasswd *table = htpasswd_parse(users->path, (struct str){users->text.p, users->text.n}, &e);
    struct htpasswd *old;

    if (table == NULL) {
        users->judgement = REFUSED;
        log_error("user file: %s; the users known before stay in force", e.text);
        return false;
    }
    pthread_rwlock_wrlock(&users->lock);
    old = users->table;
    users->table = table;
    pthread_rwlock_unlock(&users->lock);
    htpasswd_free(&old);
    users->judgement = IN_FORCE;
    log_info("user file: %s: read again", users->path);
    return true;
}

/* Read the file into `users->text`; `same` says whether its bytes are those read before. */
static int read_again(struct users *users, bool *same, struct err *e)
{
    struct sbuf text = {0};

    if (file_read(users->path, HTPASSWD_FILE_MAX, &text, e) != 0) {
        sbuf_free(&text);
        return -1;
    }
    *same = str_eq((struct str){text.p, text.n}, (struct str){users->text.p, users->text.n});
    sbuf_free(&users->text);
    users->text = text;
    return 0;
}

bool users_refresh(struct users *users, bool force)
{
    struct sighting now = {0};
    struct err e;
    bool same = false, finished;

    if (look(users->path, &now, &e) != 0) {
        users->seen.settled = false; /* whatever comes back is read */
        complain(users, &e);
        return false;
    }
    if (!force && users->judgement != WAITING && unchanged(&users->seen, &now))
        return false;
    if (read_again(users, &same, &e) != 0) {
        users->seen.settled = false;
        complain(users, &e);
        return false;
    }
    users->complaint.text[0] = '\0';
    users->seen = now;
    if (same && (users->judgement == IN_FORCE || (users->judgement == REFUSED && !force)))
        return false;
    finished = users->text.n > 0 && users->text.p[users->text.n - 1] == '\n';
    if (!finished && !same && !force) {
        users->judgement = WAITING;
        return false;
    }
    return adopt(users);
}

/* Take what `name` is to be checked against. False when no name can be right, because there is no user at all. */
static bool take_target(struct users *users, struct str name, struct target *target)
{
    const struct htpasswd_entry *entry;

    pthread_rwlock_rdlock(&users->lock);
    entry = htpasswd_find(users->table, name);
    target->known = entry != NULL;
    if (entry == NULL)
        entry = htpasswd_typical(users->table);
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
