/*
 * One version of the rules is a `struct ruleset`, counted: the rules hold the newest, each loop the one that it asked
 * for last. A loop sees by one atomic load whether there is a newer one; it holds the one it compares with, so that the
 * memory of that one cannot meanwhile have become a newer one.
 *
 * Where the section `access` of the configuration holds the rules, its file is followed and read as a whole again, with
 * the environment over it; of what it says only the rules are taken.
 */
#include "registry/rules.h"

#include <pthread.h>
#include <stdlib.h>

#include "registry/base/follow.h"
#include "registry/base/log.h"
#include "registry/config/config_access.h"
#include "registry/server.h"

struct ruleset {
    struct access *access; /* NULL: no rules */
    unsigned holders;      /* under the lock of the rules */
};

struct rules {
    const struct config *config;
    char *const *environment;
    struct followed *file; /* NULL: all comes from the environment, and stays */
    pthread_mutex_t lock;
    _Atomic(struct ruleset *) newest;
};

/* ---- versions ---- */

static void let_go(struct rules *rules, struct ruleset *ruleset)
{
    bool last;

    if (ruleset == NULL)
        return;
    pthread_mutex_lock(&rules->lock);
    last = --ruleset->holders == 0;
    pthread_mutex_unlock(&rules->lock);
    if (!last)
        return;
    access_free(&ruleset->access);
    free(ruleset);
}

static void put_in_force(struct rules *rules, struct access *access)
{
    struct ruleset *fresh = xcalloc(1, sizeof(*fresh));
    struct ruleset *old;
    bool lifted;

    fresh->access = access;
    fresh->holders = 1;
    pthread_mutex_lock(&rules->lock);
    old = atomic_load(&rules->newest);
    atomic_store(&rules->newest, fresh);
    pthread_mutex_unlock(&rules->lock);
    lifted = old != NULL && old->access != NULL && access == NULL;
    let_go(rules, old);
    if (lifted)
        log_warn("access rules: there are none any more: whoever is logged in may do everything now, and everybody may "
                 "where nobody has to log in");
}

static void hold_newest(struct rules *rules, struct ruleset **held)
{
    struct ruleset *old = *held;

    pthread_mutex_lock(&rules->lock);
    *held = atomic_load(&rules->newest);
    (*held)->holders++;
    pthread_mutex_unlock(&rules->lock);
    let_go(rules, old);
}

const struct access *rules_in_force(struct loop *loop)
{
    struct rules *rules = loop->server->rules;

    if (loop->ruleset != atomic_load_explicit(&rules->newest, memory_order_acquire))
        hold_newest(rules, &loop->ruleset);
    return loop->ruleset->access;
}

/* ---- describing ---- */

static void put_source(const struct rules *rules, const struct access *access, struct sbuf *out)
{
    const struct config *config = rules->config;

    if (access == NULL)
        sbuf_printf(out, "nowhere: who is logged in may do everything");
    else if (config->access_file != NULL)
        sbuf_printf(out, "%s", config->access_file);
    else
        sbuf_printf(out, "the section access of %s", config->source == NULL ? "the environment" : config->source);
}

size_t rules_describe(struct rules *rules, struct sbuf *source, struct sbuf *lines)
{
    struct ruleset *held = NULL;
    size_t n;

    hold_newest(rules, &held);
    n = held->access == NULL ? 0 : access_rule_count(held->access);
    put_source(rules, held->access, source);
    for (size_t rule = 1; lines != NULL && rule <= n; rule++) {
        access_describe(held->access, rule, lines);
        sbuf_put(lines, "\n", 1);
    }
    let_go(rules, held);
    return n;
}

/* ---- a loop's end ---- */

void rules_let_go(struct loop *loop)
{
    if (loop->ruleset == NULL)
        return;
    let_go(loop->server->rules, loop->ruleset);
    loop->ruleset = NULL;
}

/* ---- following ---- */

static int adopt(void *argument, struct str text, struct err *e)
{
    struct rules *rules = argument;
    const struct config *config = rules->config;
    struct access *access = NULL;
    int rc = config->access_file != NULL ? config_access_of_file(config->access_file, text, &access, e)
                                         : config_access_of_text(config->source, text, rules->environment, &access, e);

    if (rc == 0)
        put_in_force(rules, access);
    return rc;
}

/* A list of rules that is cut anywhere may still be a list of rules, and mean something else: an action that is not
 * written yet is every action. So no version is taken before two looks found the same bytes. */
static bool never_at_once(struct str bytes)
{
    (void)bytes;
    return false;
}

static const struct follow_kind kind = {
    .what = "access rules",
    .keeps = "the rules before stay in force",
    .limit = CONFIG_ACCESS_FILE_MAX,
    .finished = never_at_once,
    .adopt = adopt,
};

struct rules *rules_open(const struct config *config, char *const *environment, struct err *e)
{
    struct rules *rules = xcalloc(1, sizeof(*rules));
    const char *path = config->access_file != NULL ? config->access_file : config->source;

    rules->config = config;
    rules->environment = environment;
    pthread_mutex_init(&rules->lock, NULL);
    if (path != NULL) {
        rules->file = follow_new(path, &kind, rules);
        if (follow_first(rules->file, e) != 0)
            rules_close(&rules);
        return rules;
    }
    if (adopt(rules, STR(""), e) != 0)
        rules_close(&rules);
    return rules;
}

void rules_close(struct rules **rules)
{
    struct rules *r = *rules;

    if (r == NULL)
        return;
    let_go(r, atomic_load(&r->newest));
    follow_free(&r->file);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *rules = NULL;
}

bool rules_refresh(struct rules *rules, bool force)
{
    return rules->file != NULL && follow_refresh(rules->file, force);
}
