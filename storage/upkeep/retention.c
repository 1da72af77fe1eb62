#include "storage/upkeep/retention.h"

#include <stdlib.h>

void retention_free(struct retention **retention)
{
    struct retention *r = *retention;

    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n; i++) {
        struct retention_rule *rule = &r->rules[i];

        for (size_t k = 0; k < rule->repository_count; k++)
            pattern_clear(&rule->repositories[k]);
        for (size_t k = 0; k < rule->keep_matching_count; k++)
            free(rule->keep_matching[k]);
        free(rule->repositories);
        free(rule->keep_matching);
        free(rule->origin);
    }
    free(r->rules);
    free(r);
    *retention = NULL;
}

const struct retention_rule *retention_rule_of(const struct retention *retention, struct str repository)
{
    for (size_t i = 0; retention != NULL && i < retention->n; i++)
        for (size_t k = 0; k < retention->rules[i].repository_count; k++)
            if (pattern_matches(&retention->rules[i].repositories[k], STR(""), repository))
                return &retention->rules[i];
    return NULL;
}

const char *retention_rule_flaw(const struct retention_rule *rule)
{
    if (rule->repository_count == 0)
        return "no repositories; name them, or write [\"**\"] for all";
    if (rule->keep_last == 0 && rule->keep_matching_count == 0 && rule->older_than_s == 0 &&
        rule->not_pulled_for_s == 0)
        return "it would delete every tag; add what to keep (keeplast, keepmatching) or when a tag may go (olderthan, "
               "notpulledfor)";
    return NULL;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Has more time passed since `then`? A time to come has not. */
static bool is_past(uint64_t then, uint64_t seconds, uint64_t now)
{
    return now > then && now - then > seconds;
}

bool retention_holds(const struct retention_rule *rule, struct retention_tag *tag, uint64_t now, uint64_t since)
{
    uint64_t needed = later(later(tag->pulled, tag->moved), later(tag->pushed, since));

    tag->verdict = RETENTION_GOES;
    if (rule->older_than_s > 0 && !is_past(tag->moved, rule->older_than_s, now))
        tag->verdict = RETENTION_YOUNG;
    else if (rule->not_pulled_for_s > 0 && !is_past(needed, rule->not_pulled_for_s, now))
        tag->verdict = RETENTION_PULLED;
    return tag->verdict == RETENTION_GOES;
}

static bool matches(const struct retention_rule *rule, struct retention_tag *tag)
{
    for (size_t i = 0; i < rule->keep_matching_count; i++) {
        if (!pattern_glob_matches(str_of(rule->keep_matching[i]), tag->tag))
            continue;
        tag->matching = rule->keep_matching[i];
        return true;
    }
    return false;
}

void retention_judge(const struct retention_rule *rule, const struct retention_newest *newest,
                     struct retention_tag *tag, uint64_t since)
{
    tag->matching = NULL;
    if (retention_newest_has(newest, tag->tag, tag->moved))
        tag->verdict = RETENTION_NEWEST;
    else if (matches(rule, tag))
        tag->verdict = RETENTION_MATCHING;
    else
        retention_holds(rule, tag, newest->now, since);
}
